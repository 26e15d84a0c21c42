#include "relay/srtp/libsrtp_key.h"

#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <bit>

#include "relay/srtp/packet_index.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtp.h"

namespace causeway::srtp {

namespace {

// libsrtp's registry of ciphers is process-wide: filled once, before the first session, never torn
// down. The constant is what keeps it to once.
bool library_is_ready() {
  static const bool ready = srtp_init() == srtp_err_status_ok;
  return ready;
}

void set_suite(srtp_policy_t& policy, wire::SrtpSuite suite) {
  using enum wire::SrtpSuite;
  switch (suite) {
    case AesCm128HmacSha1_80:
    case AesCm128HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      break;
    case AesCm256HmacSha1_80:
    case AesCm256HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      break;
    case AeadAes128Gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      break;
    case AeadAes256Gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      break;
  }
  // The short tag is SRTP's only; SRTCP keeps ten octets (RFC 4568 6.2.2).
  if (suite == AesCm128HmacSha1_32) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
  if (suite == AesCm256HmacSha1_32) srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
}

// REQUIRES: `material` outlives the policy's use. libsrtp copies it, but asks for a mutable one.
srtp_policy_t make_policy(wire::SrtpSuite suite, const SecretKey& material, srtp_ssrc_t streams,
                          std::uint16_t replay_window) {
  srtp_policy_t policy{};
  set_suite(policy, suite);
  policy.ssrc = streams;
  policy.key = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(material.bytes().data()));
  policy.window_size = replay_window;
  return policy;
}

srtp_ssrc_t all_streams(Direction direction) {
  return {direction == Direction::Seal ? ssrc_any_outbound : ssrc_any_inbound, 0};
}

Result<void, DropReason> finish(srtp_err_status_t status, PacketBuf& packet, int octets) {
  switch (status) {
    case srtp_err_status_ok:
      packet.resize(static_cast<std::size_t>(octets));
      return {};
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return failure(DropReason::Replayed);
    case srtp_err_status_key_expired:
      return failure(DropReason::KeyExpired);
    default:
      return failure(DropReason::AuthFailed);
  }
}

}  // namespace

void LibsrtpKey::Free::operator()(srtp_ctx_t_* session) const {
  static_cast<void>(srtp_dealloc(session));
}

std::optional<LibsrtpKey> LibsrtpKey::create(const wire::SrtpSuiteFacts& facts, Bytes key,
                                             Bytes salt, Direction direction,
                                             std::uint16_t replay_window) {
  if (!library_is_ready()) return std::nullopt;
  WipedOctets<SecretKey::kMaxOctets> both;
  std::ranges::copy(salt, std::ranges::copy(key, both.octets.begin()).out);
  LibsrtpKey made;
  made.material_ = SecretKey(Bytes(both.octets).first(key.size() + salt.size()));
  made.suite_ = facts.suite;
  made.direction_ = direction;
  made.replay_window_ = replay_window;
  const srtp_policy_t policy =
      make_policy(facts.suite, made.material_, all_streams(direction), replay_window);
  srtp_t session = nullptr;
  if (srtp_create(&session, &policy) != srtp_err_status_ok) return std::nullopt;
  made.session_.reset(session);
  return made;
}

LibsrtpKey::Stream* LibsrtpKey::find(Ssrc ssrc) {
  const auto found = std::ranges::find(streams_, ssrc, &Stream::ssrc);
  return found == streams_.end() ? nullptr : &*found;
}

LibsrtpKey::Stream& LibsrtpKey::find_or_add(Ssrc ssrc) {
  Stream* const stream = find(ssrc);
  return stream != nullptr ? *stream : streams_.emplace_back(Stream{.ssrc = ssrc});
}

// A stream of its own, for a counter can only be set on one that exists. To open, it is declared;
// to seal, it comes from a packet that is thrown away, because srtp_update() later carries over
// the streams that came from the session's template and no others.
bool LibsrtpKey::add_to_session(Ssrc ssrc) {
  if (direction_ == Direction::Open) {
    const srtp_policy_t policy =
        make_policy(suite_, material_, {ssrc_specific, ssrc.raw()}, replay_window_);
    return srtp_add_stream(session_.get(), &policy) == srtp_err_status_ok;
  }
  alignas(8) std::array<std::byte, wire::kRtpFixedHeaderOctets + SRTP_MAX_TRAILER_LEN> scratch{};
  scratch[0] = std::byte{0x80};
  store_be32(&scratch[8], ssrc.raw());
  int octets = wire::kRtpFixedHeaderOctets;
  return srtp_protect(session_.get(), scratch.data(), &octets) == srtp_err_status_ok;
}

bool LibsrtpKey::steer(Ssrc ssrc, std::uint64_t index) {
  const Stream* const stream = find(ssrc);
  const std::uint64_t newest = stream != nullptr ? stream->rtp_newest : 0;
  if (guess_index(newest, SeqNum(static_cast<std::uint16_t>(index))) == index) return true;
  if (stream == nullptr && !add_to_session(ssrc)) return false;
  const auto roc = static_cast<std::uint32_t>(index >> 16);
  return srtp_set_stream_roc(session_.get(), ssrc.raw(), roc) == srtp_err_status_ok;
}

Result<void, DropReason> LibsrtpKey::open_rtp(PacketBuf& packet, std::size_t /*header_octets*/,
                                              Ssrc ssrc, std::uint64_t index) {
  const bool is_known = find(ssrc) != nullptr;
  if (!steer(ssrc, index)) return failure(DropReason::AuthFailed);
  int octets = static_cast<int>(packet.size());
  const srtp_err_status_t status = srtp_unprotect(session_.get(), packet.data().data(), &octets);
  if (status == srtp_err_status_ok) {
    Stream& stream = find_or_add(ssrc);
    stream.rtp_newest = std::max(stream.rtp_newest, index);
  } else if (!is_known) {
    forget(ssrc);
  }
  return finish(status, packet, octets);
}

Result<void, DropReason> LibsrtpKey::seal_rtp(PacketBuf& packet, std::size_t /*header_octets*/,
                                              Ssrc ssrc, std::uint64_t index) {
  if (!steer(ssrc, index)) return failure(DropReason::AuthFailed);
  int octets = static_cast<int>(packet.size());
  const srtp_err_status_t status = srtp_protect(session_.get(), packet.data().data(), &octets);
  if (status == srtp_err_status_ok) {
    Stream& stream = find_or_add(ssrc);
    stream.rtp_newest = std::max(stream.rtp_newest, index);
  }
  return finish(status, packet, octets);
}

Result<void, DropReason> LibsrtpKey::open_rtcp(PacketBuf& packet, Ssrc ssrc,
                                               std::uint32_t /*word*/) {
  int octets = static_cast<int>(packet.size());
  const srtp_err_status_t status =
      srtp_unprotect_rtcp(session_.get(), packet.data().data(), &octets);
  if (status == srtp_err_status_ok) find_or_add(ssrc);
  return finish(status, packet, octets);
}

Result<void, DropReason> LibsrtpKey::seal_rtcp(PacketBuf& packet, Ssrc ssrc, std::uint32_t index) {
  if (!count_up_srtcp(ssrc, index - 1)) return failure(DropReason::KeyExpired);
  int octets = static_cast<int>(packet.size());
  const srtp_err_status_t status = srtp_protect_rtcp(session_.get(), packet.data().data(), &octets);
  if (status == srtp_err_status_ok) find_or_add(ssrc).srtcp_newest = index;
  return finish(status, packet, octets);
}

bool LibsrtpKey::count_up_srtcp(Ssrc ssrc, std::uint32_t index) {
  const Stream* const stream = find(ssrc);
  std::uint32_t at = stream != nullptr ? stream->srtcp_newest : 0;
  if (at == index) return true;
  if (index < at || index - at > kMaxCountedSrtcp) return false;
  for (; at != index; ++at) {
    alignas(8) std::array<std::byte, wire::kRtcpFixedOctets + SRTP_MAX_TRAILER_LEN + 4> scratch{};
    scratch[0] = std::byte{0x80};
    scratch[1] = std::byte{201};
    store_be32(&scratch[4], ssrc.raw());
    int octets = wire::kRtcpFixedOctets;
    if (srtp_protect_rtcp(session_.get(), scratch.data(), &octets) != srtp_err_status_ok) {
      return false;
    }
  }
  find_or_add(ssrc).srtcp_newest = index;
  return true;
}

void LibsrtpKey::forget(Ssrc ssrc) {
  // Unlike its neighbours this call takes the SSRC as it stands in the packet.
  std::array<std::byte, 4> octets;
  store_be32(octets.data(), ssrc.raw());
  static_cast<void>(srtp_remove_stream(session_.get(), std::bit_cast<std::uint32_t>(octets)));
  std::erase_if(streams_, [&](const Stream& stream) { return stream.ssrc == ssrc; });
}

bool LibsrtpKey::continue_from(LibsrtpKey& old) {
  const srtp_policy_t policy =
      make_policy(suite_, material_, all_streams(direction_), replay_window_);
  if (srtp_update(old.session_.get(), &policy) != srtp_err_status_ok) return false;
  std::swap(session_, old.session_);
  std::swap(streams_, old.streams_);
  return true;
}

}  // namespace causeway::srtp
