#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/media/output_streams.h"
#include "relay/media/route.h"
#include "relay/media/transcoder.h"
#include "relay/wire/header_extensions.h"
#include "relay/wire/rtp.h"

namespace causeway::media {

/// What becomes of the header extensions of packets that pass.
struct ExtensionMaps {
  wire::ExtensionIdMap audio;
  wire::ExtensionIdMap others;
  bool has_transport_cc = false;  ///< Its numbers pass as they are.
};

/// A compiled chain from one leg to another: what becomes of an opened packet of each payload type.
/// Forward and Rekey are a path whose routes all pass; whether keys are involved is the legs'
/// business, so the two differ in name and cost only. A path that transcodes has a Transcoder
/// besides; packets of other routes (video beside transcoded audio) still pass.
///
/// Made off the worker, used by one worker, freed off it. Nothing allocates after construction.
class Path {
 public:
  /// `transcoder` is null where no route says Transcode, `extensions` where they pass as they are.
  Path(const RouteTable& routes, std::unique_ptr<Transcoder> transcoder,
       std::unique_ptr<const ExtensionMaps> extensions = nullptr)
      : routes_(routes), transcoder_(std::move(transcoder)), extensions_(std::move(extensions)) {}

  /// What a call may use: the receiving leg's streams, and where the packets to be sent go (in
  /// order, in the clear). `sent` has its capacity reserved.
  struct Io {
    PacketPool& pool;
    OutputStreams& streams;
    std::vector<wire::OpenRtp>& sent;
    std::uint8_t section = 0;  ///< Of a packet of video: the place that it is of.
    std::optional<PayloadType> video_type = std::nullopt;  ///< There; else the route's.
  };

  /// Errors: UnknownPayloadType, and what OutputStream::map refuses (Late, Duplicate). A packet
  /// that the transcoder does not want is counted there.
  Result<void, DropReason> handle_packet(Instant now, wire::OpenRtp&& packet, const Io& io);
  /// Spurious calls are no-ops.
  void handle_timeout(Instant now, const Io& io);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// While the receiving endpoint is sent something else (digits): audio is taken in but not sent.
  void set_suppressed(bool is_suppressed);

  /// Goes on where `old` was: codecs that stay keep their state. Call at a packet boundary, before
  /// the first packet; `old` is then only fit to be freed.
  void take_over(Path& old);
  /// As Transcoder::release_packets(); whoever hands a path over to another thread calls it.
  void release_packets();

  [[nodiscard]] bool transcodes() const { return transcoder_ != nullptr; }
  /// Whether anything that is not of the audio timeline passes: OutputStreams then needs room.
  [[nodiscard]] bool passes_other_media() const {
    return routes_.any_of(
        [](const Route& route) { return route.action == Route::Action::Pass && !route.is_audio; });
  }
  [[nodiscard]] bool passes_video() const {
    return routes_.any_of(
        [](const Route& route) { return route.action == Route::Action::Pass && route.is_video; });
  }
  [[nodiscard]] bool passes_transport_cc() const {
    return extensions_ != nullptr && extensions_->has_transport_cc;
  }
  [[nodiscard]] Transcoder* transcoder() { return transcoder_.get(); }
  [[nodiscard]] const Transcoder* transcoder() const { return transcoder_.get(); }
  /// Whether anything becomes of packets of this type here.
  [[nodiscard]] bool takes(PayloadType type) const {
    return routes_[type].action != Route::Action::Drop;
  }
  [[nodiscard]] bool takes_anything() const {
    return routes_.any_of([](const Route& route) { return route.action != Route::Action::Drop; });
  }
  [[nodiscard]] const Route& route(PayloadType type) const { return routes_[type]; }

 private:
  Result<void, DropReason> pass(wire::OpenRtp&& packet, const Route& route, Instant now,
                                const Io& io);
  void map_extensions(wire::OpenRtp& packet, const Route& route) const;

  RouteTable routes_;
  std::unique_ptr<Transcoder> transcoder_;
  std::unique_ptr<const ExtensionMaps> extensions_;
  bool is_suppressed_ = false;
};

}  // namespace causeway::media
