#include "relay/engine/dtls_transport.h"

#include <algorithm>
#include <utility>

#include "relay/engine/outbox.h"

namespace causeway::engine {

void DtlsTransport::wish(dtls::JobKind kind, const SocketAddress& from, PacketBuf packet,
                         Outbox& out) {
  is_asked_ = kind != dtls::JobKind::Close;
  out.dtls.push_back({component_, association_, kind, from, std::move(packet), settings_});
}

void DtlsTransport::begin(Instant now) {
  state_ = State::Shaking;
  timeout_ = kFirstTimeout;
  give_up_at_ = now + kPatience;
}

void DtlsTransport::connect(Instant now, Outbox& out) {
  if (!settings_ || settings_->role != dtls::Role::Active || state_ != State::Waiting) return;
  begin(now);
  repeat_at_ = now + timeout_;
  wish(dtls::JobKind::Start, {}, {}, out);
}

bool DtlsTransport::handle_datagram(Datagram& in, Outbox& out) {
  if (!budget_.take(in.arrival)) return false;
  wish(dtls::JobKind::Datagram, in.from, std::move(in.packet), out);
  return true;
}

bool DtlsTransport::on_report(Instant now, const dtls::Report& report) {
  switch (report.outcome) {
    case dtls::Outcome::Going:
      // What strangers have been told is no handshake yet, and none of the one that is under way.
      if (state_ == State::Up || report.is_aside) return false;
      if (state_ == State::Waiting) begin(now);
      repeat_at_.reset();
      if (report.awaits_answer) repeat_at_ = now + timeout_;
      return false;
    case dtls::Outcome::Up:
      state_ = State::Up;
      repeat_at_.reset();
      has_said_failure_ = false;
      return true;
    case dtls::Outcome::Closed:
      state_ = State::Waiting;
      return true;
    case dtls::Outcome::Failed:
      state_ = State::Waiting;
      repeat_at_.reset();
      return !std::exchange(has_said_failure_, true);
  }
  return false;
}

std::optional<Instant> DtlsTransport::next_timeout() const {
  if (state_ != State::Shaking) return std::nullopt;
  return repeat_at_ ? std::min(*repeat_at_, give_up_at_) : give_up_at_;
}

bool DtlsTransport::handle_timeout(Instant now, Outbox& out) {
  if (state_ != State::Shaking) return false;
  if (give_up_at_ <= now) {
    end(out);
    return !std::exchange(has_said_failure_, true);
  }
  if (!repeat_at_ || *repeat_at_ > now) return false;
  timeout_ = std::min(timeout_ * 2, kLongestTimeout);
  repeat_at_ = now + timeout_;
  wish(dtls::JobKind::Timeout, {}, {}, out);
  return false;
}

void DtlsTransport::change(std::shared_ptr<const dtls::Settings>& settings, bool is_new,
                           Outbox& out) {
  if (is_new) end(out);
  std::swap(settings_, settings);
  if (is_new) {
    has_said_failure_ = false;
  } else if (is_asked_) {
    wish(dtls::JobKind::Settings, {}, {}, out);
  }
}

void DtlsTransport::close(Outbox& out) {
  if (is_asked_) wish(dtls::JobKind::Close, {}, {}, out);
}

void DtlsTransport::end(Outbox& out) {
  close(out);
  ++association_;
  state_ = State::Waiting;
  repeat_at_.reset();
}

}  // namespace causeway::engine
