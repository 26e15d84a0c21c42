#include "relay/engine/session.h"

#include <algorithm>

#include "relay/engine/outbox.h"

namespace causeway::engine {

void Session::start(Instant now, SessionHandle handle, Random& random, Outbox& out) {
  handle_ = handle;
  opened_at_ = now;
  lease_ends_ = now + lease_;
  for (const auto& leg : legs_) leg->start(now, {handle, leg->number()}, random);
  update_rtp_endpoints();
  for (const record::RecordingId recording : recordings_) {
    if (out.records != nullptr) out.records->write_marker(recording, record::FrameKind::Start, now);
  }
}

Leg* Session::leg(std::uint16_t number) {
  const auto found = std::ranges::find_if(
      legs_, [&](const std::unique_ptr<Leg>& leg) { return leg->number() == number; });
  return found == legs_.end() ? nullptr : found->get();
}

std::unique_ptr<Leg> Session::remove_leg(std::uint16_t number) {
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    if (legs_[i]->number() != number) continue;
    std::unique_ptr<Leg> removed = std::move(legs_[i]);
    legs_.erase_unordered(i);
    return removed;
  }
  return nullptr;
}

std::unique_ptr<Connection> Session::replace_connection(std::uint16_t from, std::uint16_t to,
                                                        std::unique_ptr<Connection> connection) {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    auto& known = connections_[i];
    if (known->from != from || known->to != to) continue;
    if (connection) {
      connection->path->take_over(*known->path);
      std::swap(known, connection);
      return connection;
    }
    std::unique_ptr<Connection> removed = std::move(known);
    connections_.erase_unordered(i);
    return removed;
  }
  if (connection && !connections_.full()) connections_.push_back(std::move(connection));
  return connection;
}

void Session::update_rtp_endpoints() {
  for (const auto& leg : legs_) {
    bool is_connected = false;
    bool transcodes = false;
    for (const auto& connection : connections_) {
      if (connection->from != leg->number() && connection->to != leg->number()) continue;
      is_connected = true;
      transcodes = transcodes || connection->path->transcodes();
    }
    leg->set_is_rtp_endpoint(!is_connected || transcodes);
  }
}

void Session::renew(Instant now, Duration lease) {
  lease_ = lease;
  lease_ends_ = now + lease;
}

Instant Session::last_heard() const {
  Instant last = opened_at_;
  for (const auto& leg : legs_) last = std::max(last, leg->last_packet_at().value_or(last));
  return last;
}

Instant Session::lease_check_at() const {
  if (expiry_ == LeaseExpiry::Close) return lease_ends_;
  return std::max(lease_ends_, last_heard() + kSilence);
}

Instant Session::next_timeout() const {
  Instant next = lease_check_at();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) next = std::min(next, *at);
  };
  for (const auto& leg : legs_) consider(leg->next_timeout());
  for (const auto& connection : connections_) consider(connection->path->next_timeout());
  return next;
}

void Session::fill_processing(std::uint16_t leg, LegReport::Processing& processing) const {
  for (const auto& connection : connections_) {
    const media::Transcoder* transcoder = connection->path->transcoder();
    if (connection->from != leg || transcoder == nullptr) continue;
    const media::TranscoderCounters& counters = transcoder->counters();
    processing.decoded_packets += counters.decoded;
    processing.concealed_packets += counters.concealed;
    processing.recovered_packets += counters.fec_recovered;
    processing.late_packets += counters.late;
    processing.comfort_noise_packets += counters.dtx_fills;
    processing.discontinuities += counters.discontinuities;
    processing.encoded_packets += counters.encoded;
    processing.telephone_events += counters.events;
  }
}

void Session::fill_snapshot(SessionSnapshot& snapshot, Instant now) const {
  snapshot.lease_left = std::max(Duration::zero(), lease_ends_ - now);
  snapshot.legs.clear();
  for (const auto& leg : legs_) leg->fill_snapshot(snapshot.legs.push_back({}));
}

}  // namespace causeway::engine
