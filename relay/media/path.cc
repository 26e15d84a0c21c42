#include "relay/media/path.h"

#include "relay/media/emit.h"

namespace causeway::media {

Result<void, DropReason> Path::handle_packet(Instant now, wire::OpenRtp&& packet, const Io& io) {
  const Route& route = routes_[packet.payload_type()];
  switch (route.action) {
    case Route::Action::Pass:
      if (is_suppressed_ && route.is_audio) return failure(DropReason::Paused);
      return pass(std::move(packet), route, now, io);
    case Route::Action::Transcode: {
      Emit emit{io.pool, io.streams.audio(), io.sent};
      transcoder_->handle_packet(now, std::move(packet), emit);
      return {};
    }
    case Route::Action::Drop:
      break;
  }
  return failure(DropReason::UnknownPayloadType);
}

Result<void, DropReason> Path::pass(wire::OpenRtp&& packet, const Route& route, Instant now,
                                    const Io& io) {
  if (transcoder_ && route.is_audio) {
    // The sender has gone over to a codec that passes: what it says there is no loss here.
    Emit emit{io.pool, io.streams.audio(), io.sent};
    transcoder_->stand_by(now, emit);
  }
  rtp::OutputStream& stream = route.is_audio
                                  ? io.streams.audio()
                                  : io.streams.other_for(packet.ssrc(), route.clock, io.section);
  const auto placed =
      stream.map({packet.ssrc(), packet.seq(), packet.timestamp(), now, route.clock});
  if (!placed) return failure(placed.error());
  packet.set_ssrc(placed->ssrc);
  packet.set_seq(placed->seq);
  packet.set_timestamp(placed->timestamp);
  packet.set_payload_type(io.video_type.value_or(route.out));
  // The marker of audio begins a talkspurt; that of video ends a frame and is the sender's alone.
  if (placed->starts_timeline && route.is_audio) packet.set_marker(true);
  map_extensions(packet, route);
  io.sent.push_back(std::move(packet));
  return {};
}

/// What cannot be read cannot be told apart either, and does not pass.
void Path::map_extensions(wire::OpenRtp& packet, const Route& route) const {
  if (extensions_ == nullptr || packet.layout().extension_offset == 0) return;
  const wire::ExtensionEdit edit{route.is_audio ? &extensions_->audio : &extensions_->others, {}};
  if (wire::edit_extension(packet, edit) != wire::ExtensionEditResult::Done) {
    packet.remove_extension();
  }
}

void Path::handle_timeout(Instant now, const Io& io) {
  if (!transcoder_) return;
  Emit emit{io.pool, io.streams.audio(), io.sent};
  transcoder_->handle_timeout(now, emit);
}

std::optional<Instant> Path::next_timeout() const {
  return transcoder_ ? transcoder_->next_timeout() : std::nullopt;
}

void Path::set_suppressed(bool is_suppressed) {
  if (is_suppressed == is_suppressed_) return;
  is_suppressed_ = is_suppressed;
  if (transcoder_) transcoder_->set_suppressed(is_suppressed);
}

void Path::release_packets() {
  if (transcoder_) transcoder_->release_packets();
}

void Path::take_over(Path& old) {
  if (transcoder_ && old.transcoder_) transcoder_->take_over(*old.transcoder_);
}

}  // namespace causeway::media
