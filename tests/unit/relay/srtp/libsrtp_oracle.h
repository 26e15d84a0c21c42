#pragma once

#include <srtp2/srtp.h>

#include <array>
#include <memory>
#include <vector>

#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp::test {

/// libsrtp used as its own documentation says, sharing nothing with relay/srtp: its own MKI API,
/// its own counters and windows. One direction, all SSRCs.
class LibsrtpOracle {
 public:
  LibsrtpOracle(const wire::SrtpKeys& keys, bool is_sender, unsigned window) {
    static const bool ready = srtp_init() == srtp_err_status_ok;
    EXPECT_TRUE(ready);
    srtp_policy_t policy{};
    set_suite(policy, keys.suite);
    policy.ssrc = {is_sender ? ssrc_any_outbound : ssrc_any_inbound, 0};
    policy.window_size = window;
    for (const wire::SrtpMasterKey& key : keys.keys) {
      Octets& material = materials_.emplace_back();
      for (const Bytes part : {key.key.bytes(), key.salt.bytes()}) {
        material.insert(material.end(), part.begin(), part.end());
      }
      mkis_.push_back(key.mki);
    }
    uses_mki_ = !keys.keys.front().mki.empty();
    for (std::size_t i = 0; i < materials_.size(); ++i) {
      master_keys_.push_back(
          {octets(materials_[i]), octets(mkis_[i]), static_cast<unsigned>(mkis_[i].size())});
    }
    for (srtp_master_key_t& key : master_keys_) pointers_.push_back(&key);
    if (uses_mki_) {
      policy.keys = pointers_.data();
      policy.num_master_keys = pointers_.size();
    } else {
      policy.key = octets(materials_[0]);
    }
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
    const wire::SrtpSuiteFacts& facts = wire::facts_of(keys.suite);
    if (!uses_mki_ || is_sender || facts.rtp_tag == facts.rtcp_tag) return;
    EXPECT_EQ(keys.keys.size(), 1U);
    wire::SrtpKeys bare;
    bare.suite = keys.suite;
    bare.keys.resize(1);
    bare.keys[0].key = keys.keys[0].key.clone();
    bare.keys[0].salt = keys.keys[0].salt.clone();
    without_mki_ = std::make_unique<LibsrtpOracle>(bare, false, window);
    rtcp_tag_ = facts.rtcp_tag;
  }
  LibsrtpOracle(const LibsrtpOracle&) = delete;
  LibsrtpOracle& operator=(const LibsrtpOracle&) = delete;
  ~LibsrtpOracle() { srtp_dealloc(session_); }

  /// Which of the keys seals.
  void use_key(unsigned index) { key_ = index; }

  srtp_err_status_t seal_rtp(Octets& packet) {
    return transform(packet, [&](void* data, int* size) {
      return srtp_protect_mki(session_, data, size, uses_mki_, key_);
    });
  }
  srtp_err_status_t seal_rtcp(Octets& packet) {
    return transform(packet, [&](void* data, int* size) {
      return srtp_protect_rtcp_mki(session_, data, size, uses_mki_, key_);
    });
  }
  srtp_err_status_t open_rtp(Octets& packet) {
    return transform(packet, [&](void* data, int* size) {
      return srtp_unprotect_mki(session_, data, size, uses_mki_);
    });
  }
  srtp_err_status_t open_rtcp(Octets& packet) {
    if (without_mki_ != nullptr) return take_out_mki_and_open_rtcp(packet);
    return transform(packet, [&](void* data, int* size) {
      return srtp_unprotect_rtcp_mki(session_, data, size, uses_mki_);
    });
  }

 private:
  static unsigned char* octets(Octets& from) {
    return reinterpret_cast<unsigned char*>(from.data());
  }
  static void set_suite(srtp_policy_t& policy, wire::SrtpSuite suite) {
    using enum wire::SrtpSuite;
    switch (suite) {
      case AesCm128HmacSha1_80:
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
        return;
      case AesCm128HmacSha1_32:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
        return;
      case AesCm256HmacSha1_80:
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
        return;
      case AesCm256HmacSha1_32:
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
        return;
      case AeadAes128Gcm:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
        return;
      case AeadAes256Gcm:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
        return;
    }
  }
  // libsrtp wants aligned octets and room behind them.
  template <typename Call>
  srtp_err_status_t transform(Octets& packet, Call call) {
    std::ranges::copy(packet, scratch_.begin());
    int size = static_cast<int>(packet.size());
    const srtp_err_status_t status = call(scratch_.data(), &size);
    if (status == srtp_err_status_ok) {
      packet.assign(scratch_.begin(), scratch_.begin() + size);
    }
    return status;
  }

  srtp_err_status_t take_out_mki_and_open_rtcp(Octets& packet) {
    const Octets& mki = mkis_[0];
    if (packet.size() < 8 + 4 + mki.size() + rtcp_tag_) return srtp_err_status_bad_param;
    const auto at = packet.end() - static_cast<std::ptrdiff_t>(rtcp_tag_ + mki.size());
    const auto end = at + static_cast<std::ptrdiff_t>(mki.size());
    if (!std::equal(at, end, mki.begin())) return srtp_err_status_bad_mki;
    packet.erase(at, end);
    return without_mki_->open_rtcp(packet);
  }

  srtp_t session_ = nullptr;
  std::vector<Octets> materials_;
  std::vector<Octets> mkis_;
  std::vector<srtp_master_key_t> master_keys_;
  std::vector<srtp_master_key_t*> pointers_;
  bool uses_mki_ = false;
  std::unique_ptr<LibsrtpOracle> without_mki_;
  std::size_t rtcp_tag_ = 0;
  unsigned key_ = 0;
  alignas(16) std::array<std::byte, 4096> scratch_;
};

}  // namespace causeway::srtp::test
