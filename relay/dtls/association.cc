#include "relay/dtls/association.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "relay/dtls/context.h"
#include "relay/dtls/profiles.h"
#include "relay/dtls/record.h"

namespace causeway::dtls {

namespace {

constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";
/// OpenSSL's timer, in microseconds: an hour, after which it may repeat a flight once. No handshake
/// lasts that long.
constexpr unsigned kNever = 3'600'000'000U;
/// What it takes for a timer that has run out already.
constexpr unsigned kAtOnce = 1;

}  // namespace

struct Association::Impl final : Asked {
  std::shared_ptr<const Settings> settings;
  DatagramWire wire;
  SSL* ssl = nullptr;
  std::vector<std::byte> cookie;  ///< The right one; OpenSSL asks again for the whole hello.
  Flight flight;                  ///< The last one, while its answer is awaited.
  std::vector<Flight> next;       ///< What handle_timeout() sends instead, each under new numbers.
  std::size_t repeats = 0;        ///< Of `next`.
  int echoes = 0;                 ///< Of `flight`, to a ClientHello that came again.

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override { SSL_free(ssl); }

  [[nodiscard]] bool knows_fingerprints() const { return !settings->remote_fingerprints.empty(); }
  [[nodiscard]] bool has_fingerprint(const X509& certificate) const {
    return std::ranges::any_of(settings->remote_fingerprints, [&](const Fingerprint& wanted) {
      return wanted == fingerprint_of(certificate, wanted.function);
    });
  }
  [[nodiscard]] bool is_right_certificate(const X509& certificate) const override {
    return !knows_fingerprints() || has_fingerprint(certificate);
  }
  [[nodiscard]] bool is_right_cookie(Bytes given) const override {
    return std::ranges::equal(given, cookie);
  }

  /// OpenSSL asks for how long its timer is to run: with 0 when it sets it for a flight, else when
  /// it has run out and the flight is about to be sent again. Nothing else makes it send a client's
  /// last flight under new record numbers, and its clock is none of ours. So that timer has run out
  /// at once, kCopies times; what is sent then is kept for handle_timeout().
  static unsigned timer(SSL* ssl, unsigned before) {
    Impl& self = *static_cast<Impl*>(static_cast<Asked*>(SSL_get_app_data(ssl)));
    const bool is_last_of_client =
        self.settings->role == Role::Active && SSL_get_state(ssl) != TLS_ST_CW_CLNT_HELLO;
    if (before == 0) {
      if (!is_last_of_client) return kNever;
      self.next.clear();
      self.next.reserve(kCopies);  // `out` points into it
      self.repeats = 0;
      return kAtOnce;
    }
    if (before != kAtOnce) return kNever;
    self.wire.out = &self.next.emplace_back();
    return self.next.size() < kCopies ? kAtOnce : kNever;
  }

  bool create_ssl() {
    ssl = SSL_new(settings->identity->context());
    BIO* const bio = ssl == nullptr ? nullptr : make_datagram_bio(wire);
    if (bio == nullptr) return false;
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, static_cast<Asked*>(this));
    DTLS_set_timer_cb(ssl, timer);
    if (settings->role == Role::Active) {
      SSL_set_connect_state(ssl);
    } else {
      SSL_set_accept_state(ssl);
    }
    const auto mtu = static_cast<long>(std::max(settings->mtu, kMinMtu));
    // The second returns 0 where it has worked, unlike its neighbours.
    return SSL_set_mtu(ssl, mtu) == mtu &&
           SSL_set_tlsext_use_srtp(ssl, names_of(settings->profiles).c_str()) == 0;
  }
};

Result<std::unique_ptr<Association>, Error> Association::create(
    std::shared_ptr<const Settings> settings) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->settings = std::move(settings);
  if (!impl->create_ssl()) {
    return failure(Error{ErrorCode::Internal, "DTLS", "", "OpenSSL refuses an association."});
  }
  return std::unique_ptr<Association>(new Association(std::move(impl)));
}

Association::Association(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Association::~Association() = default;

bool Association::awaits_answer() const { return !impl_->flight.empty(); }

void Association::start(Report& report) {
  if (is_started_ || impl_->settings->role != Role::Active) return;
  proceed(report);
}

void Association::handle_datagram(Bytes datagram, Report& report) {
  if (has_ended_ || !is_acceptable(datagram)) return;
  impl_->wire.in = datagram;
  proceed(report);
  impl_->wire.in = {};
  // A client whose hello was not answered, as it seems to it.
  const bool is_again = impl_->settings->role == Role::Passive && report.is_empty() &&
                        !impl_->flight.empty() && is_client_hello(datagram);
  if (is_again && impl_->echoes++ < kMaxEchoes) report.flight = impl_->flight;
}

bool Association::begin_with_cookie(Bytes datagram, Bytes cookie, Report& report) {
  if (is_started_ || !is_acceptable(datagram)) return false;
  ERR_clear_error();
  impl_->wire.in = datagram;
  impl_->cookie.assign(cookie.begin(), cookie.end());
  BIO_ADDR* const nobody = BIO_ADDR_new();
  const bool is_taken = DTLSv1_listen(impl_->ssl, nobody) == 1;
  BIO_ADDR_free(nobody);
  // It has kept the first record and no other.
  Bytes rest = datagram;
  (void)take_record(rest);
  impl_->wire.in = rest;
  if (is_taken) proceed(report);
  impl_->wire.in = {};
  return is_taken;
}

void Association::handle_timeout(Report& report) {
  if (impl_->flight.empty()) return;
  report.awaits_answer = true;
  if (impl_->next.empty()) {
    report.flight = impl_->flight;
    return;
  }
  report.flight = impl_->next[std::min(impl_->repeats++, impl_->next.size() - 1)];
}

void Association::set_settings(std::shared_ptr<const Settings> settings, Report& report) {
  impl_->settings = std::move(settings);
  if (is_complete_ && !is_up_ && !has_ended_) finish(report);
}

/// Lets OpenSSL go on with what there is.
void Association::proceed(Report& report) {
  ERR_clear_error();
  is_started_ = true;
  impl_->wire.out = &report.flight;
  if (is_complete_) {
    read(report);
  } else {
    shake_hands(report);
  }
  impl_->wire.out = nullptr;
  keep(report);
}

void Association::shake_hands(Report& report) {
  const int done = SSL_do_handshake(impl_->ssl);
  if (done == 1) {
    is_complete_ = true;
    return finish(report);
  }
  const int error = SSL_get_error(impl_->ssl, done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  const bool is_certificate =
      ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  fail(is_certificate ? Failure::Fingerprint : Failure::Protocol, report);
}

/// The endpoint's last flight again, which OpenSSL answers; alerts; data, which nobody wants.
void Association::read(Report& report) {
  std::array<char, kMaxDatagram> unwanted;
  int got = 0;
  do {
    got = SSL_read(impl_->ssl, unwanted.data(), static_cast<int>(unwanted.size()));
  } while (got > 0);
  if ((SSL_get_shutdown(impl_->ssl) & SSL_RECEIVED_SHUTDOWN) == 0) return;
  if (SSL_get_error(impl_->ssl, got) == SSL_ERROR_ZERO_RETURN) return end(Outcome::Closed, report);
  fail(Failure::Alert, report);
}

void Association::keep(Report& report) {
  if (is_complete_ || has_ended_) {
    impl_->flight = {};
    impl_->next = {};
    return;
  }
  if (!report.flight.empty()) {
    impl_->flight = report.flight;
    impl_->echoes = 0;
  }
  report.awaits_answer = awaits_answer();
}

void Association::fail(Failure failure, Report& report) {
  report.failure = failure;
  end(Outcome::Failed, report);
}

void Association::end(Outcome outcome, Report& report) {
  has_ended_ = true;
  is_up_ = false;
  report.outcome = outcome;
  report.awaits_answer = false;
}

/// A handshake that is complete, which the endpoint takes for a success: it is told otherwise.
void Association::refuse(Failure failure, Report& report) {
  impl_->wire.out = &report.flight;
  SSL_shutdown(impl_->ssl);
  impl_->wire.out = nullptr;
  fail(failure, report);
}

/// The handshake is complete: whether it is with the right endpoint, and its keys.
void Association::finish(Report& report) {
  SSL* const ssl = impl_->ssl;
  if (!impl_->knows_fingerprints()) return;
  X509* const certificate = SSL_get1_peer_certificate(ssl);
  const bool is_right = certificate != nullptr && impl_->has_fingerprint(*certificate);
  X509_free(certificate);
  if (!is_right) return refuse(Failure::Fingerprint, report);
  const SRTP_PROTECTION_PROFILE* const profile = SSL_get_selected_srtp_profile(ssl);
  const auto suite = profile == nullptr ? std::nullopt : suite_numbered(profile->id);
  if (!suite) return refuse(Failure::NoProfile, report);
  std::array<unsigned char, kMaxExported> material{};
  const std::size_t octets = exported_octets(*suite);
  if (SSL_export_keying_material(ssl, material.data(), octets, kExporterLabel.data(),
                                 kExporterLabel.size(), nullptr, 0, 0) != 1) {
    return refuse(Failure::Protocol, report);
  }
  report.outcome = Outcome::Up;
  report.suite = *suite;
  cut_keys(std::as_bytes(std::span(material)).first(octets), impl_->settings->role, report);
  wipe(material.data(), material.size());
  is_up_ = true;
}

}  // namespace causeway::dtls
