#include "relay/rtp/transport_feedback.h"

#include <algorithm>

#include "relay/base/static_vector.h"
#include "relay/wire/transport_cc.h"

namespace causeway::rtp {

void TransportFeedback::begin(SeqNum seq, Instant arrival) {
  if (!has_begun_) epoch_ = arrival;
  has_begun_ = true;
  arrivals_.fill(kMissing);
  newest_ = base_ = 0x10000 + std::int64_t{seq.raw()};  // so that oldest() is not negative
  waiting_ = 0;
}

void TransportFeedback::on_packet(SeqNum transport_seq, Ssrc media, Instant arrival) {
  const int steps = transport_seq.distance_from(SeqNum(static_cast<std::uint16_t>(newest_)));
  if (!has_begun_ || steps >= kWindow || steps <= -kWindow) begin(transport_seq, arrival);
  const std::int64_t number =
      newest_ + transport_seq.distance_from(SeqNum(static_cast<std::uint16_t>(newest_)));
  for (; newest_ < number; ++newest_) arrival_of(newest_ + 1) = kMissing;
  if (arrival_of(number) != kMissing) return;
  arrival_of(number) = arrival;
  // What came late is reported with all that followed it.
  base_ = std::max(std::min(base_, number), oldest());
  media_ = media;
  ++waiting_;
  if (!due_) due_ = arrival + kInterval;
  if (waiting_ >= kMostWaiting) due_ = std::min(*due_, arrival);
}

bool TransportFeedback::handle_timeout(Instant now, Ssrc sender, wire::RtcpWriter& writer) {
  if (!due_ || now < *due_) return false;
  StaticVector<wire::TransportArrival, kWindow> arrivals;
  for (std::int64_t number = base_; number <= newest_; ++number) {
    const Instant arrival = arrival_of(number);
    if (arrival == kMissing) continue;
    arrivals.push_back({SeqNum(static_cast<std::uint16_t>(number)), arrival - epoch_});
  }
  std::size_t done = 0;
  while (done < arrivals.size()) {
    const wire::TransportCcHeader header{sender, media_, SeqNum(static_cast<std::uint16_t>(base_)),
                                         number_};
    const std::size_t taken =
        wire::write_transport_cc(writer, header, {arrivals.begin() + done, arrivals.size() - done});
    if (taken == 0) break;
    done += taken;
    ++number_;
    base_ += static_cast<std::uint16_t>(arrivals[done - 1].seq.raw() + 1 - base_);
  }
  if (done == arrivals.size()) {
    due_.reset();
    waiting_ = 0;
  }
  return done != 0;
}

}  // namespace causeway::rtp
