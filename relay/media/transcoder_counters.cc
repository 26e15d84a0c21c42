#include "relay/media/transcoder_counters.h"

namespace causeway::media {

TranscoderCounters& TranscoderCounters::operator+=(const TranscoderCounters& other) {
  decoded += other.decoded;
  late += other.late;
  duplicate += other.duplicate;
  bad_payload += other.bad_payload;
  unknown_payload_type += other.unknown_payload_type;
  event_packets += other.event_packets;
  noise_packets += other.noise_packets;
  reordered += other.reordered;
  lost += other.lost;
  fec_recovered += other.fec_recovered;
  concealed += other.concealed;
  concealed_time += other.concealed_time;
  silences += other.silences;
  dtx_fills += other.dtx_fills;
  discontinuities += other.discontinuities;
  encoded += other.encoded;
  dtx_frames += other.dtx_frames;
  paced += other.paced;
  events += other.events;
  events_unheard += other.events_unheard;
  noise_sent += other.noise_sent;
  pool_empty += other.pool_empty;
  return *this;
}

}  // namespace causeway::media
