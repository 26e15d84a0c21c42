#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/codec.h"
#include "relay/base/address.h"
#include "relay/base/time.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::engine {

/// What an application asks of a leg, as plain values: the planner's input and control/'s record of
/// what was said. Never seen by a worker; keys are not part of it.

enum class MediaKind : std::uint8_t {
  Audio,
  Video,
  TelephoneEvent,
  ComfortNoise,
  Retransmission,  ///< `rtx` (RFC 4588) of the video whose send_type() its fmtp names: `apt=96`.
  Other,
};

/// What flows, seen from the relay: SendOnly sends to the endpoint and drops what it sends.
enum class Direction : std::uint8_t { SendRecv, SendOnly, RecvOnly, Inactive };

[[nodiscard]] constexpr bool sends(Direction d) {
  return d == Direction::SendRecv || d == Direction::SendOnly;
}
[[nodiscard]] constexpr bool receives(Direction d) {
  return d == Direction::SendRecv || d == Direction::RecvOnly;
}

/// One payload type of a leg (an `a=rtpmap` with its `a=fmtp`).
struct CodecSpec {
  PayloadType payload_type;
  std::string encoding_name;  ///< As signalled; compared without case (RFC 4855 section 3).
  RtpClockRate clock{8000};
  std::uint8_t channels = 1;
  std::string fmtp;
  MediaKind kind = MediaKind::Audio;
  /// Sound per packet towards the endpoint; zero: 20 ms, 10 or 5 where L16 needs it.
  Duration ptime{};
  /// How we encode towards this endpoint, Opus only.
  codecs::OpusEncoderSettings opus;
  /// What we send it as, where the endpoint wants another number than it uses (RFC 3264 5.1).
  std::optional<PayloadType> sent_as;
  /// Which way it flows; no further than the leg as a whole.
  Direction direction = Direction::SendRecv;

  [[nodiscard]] PayloadType send_type() const { return sent_as.value_or(payload_type); }
  friend bool operator==(const CodecSpec& a, const CodecSpec& b) {
    return a.payload_type == b.payload_type && a.send_type() == b.send_type() &&
           a.direction == b.direction && a.fmtp == b.fmtp && a.same_format(b);
  }
  /// Whether a packet of one may be passed as the other, its payload untouched.
  [[nodiscard]] bool same_format(const CodecSpec& other) const;
};

/// A header extension of a leg's packets (`a=extmap`, RFC 8285). Those that are not listed are not
/// passed from a leg that lists any, nor to one.
struct ExtensionSpec {
  std::uint8_t id = 0;  ///< 1 to 14: the one-byte form.
  std::string uri;
  MediaKind media = MediaKind::Audio;  ///< Audio or Video: whose packets have it.
  /// Of kMid: what packets towards the endpoint say, 1 to 16 octets; empty: they do not say it.
  std::string mid;
  friend bool operator==(const ExtensionSpec&, const ExtensionSpec&) = default;

  /// The section of a bundle that a packet is of (RFC 8843 15): each leg's own.
  static constexpr std::string_view kMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
  /// How loud the sound of a packet is (RFC 6464).
  static constexpr std::string_view kAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
  /// Transport-wide numbers: those of one hop, or of both where nothing changes them.
  static constexpr std::string_view kTransportCc =
      "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
};

/// A place for video of a leg: a section m=video of a bundle (RFC 8843). What comes in one leaves
/// in that of the same number on the other leg (adr/0025).
struct VideoSectionSpec {
  std::string mid;  ///< At most 16 octets.
  Direction direction = Direction::SendRecv;
  std::vector<PayloadType> types;  ///< Of the leg's codecs, as the endpoint sends; empty: all.
  std::vector<Ssrc> ssrcs;         ///< `a=ssrc` of the endpoint.
  friend bool operator==(const VideoSectionSpec&, const VideoSectionSpec&) = default;

  static constexpr std::size_t kMost = 4;
  static constexpr std::size_t kMaxSsrcs = 8;
  /// Nothing is in this place.
  [[nodiscard]] bool is_free() const { return mid.empty() && direction == Direction::Inactive; }
};

/// Which senders a leg listens to. Where it listens and where it sends are two things: only LATCH
/// joins them.
struct AcceptFrom {
  enum class Rule : std::uint8_t { Exact, SameIp, Cidrs, Latch };
  static constexpr std::size_t kMaxCidrs = 16;

  Rule rule = Rule::Exact;
  /// Exact: who may send, where that is not the leg's remote (an endpoint with two sockets).
  std::optional<SocketAddress> source_rtp;
  std::optional<SocketAddress> source_rtcp;
  /// Cidrs: who may send. Latch: who may be learned; empty: anyone. At most kMaxCidrs.
  std::vector<Cidr> cidrs;
  std::uint8_t latch_packets = 5;  ///< Latch only: packets in sequence of one SSRC.
  Duration latch_window = std::chrono::seconds(60);  ///< Latch only: from arming.
};

/// SRTP keys come from the application (SDES, RFC 4568) or from a handshake (DTLS-SRTP, RFC 5764).
enum class Security : std::uint8_t { Plain, Sdes, Dtls };

/// When the relay may change the codec towards a leg.
enum class TranscodingPolicy : std::uint8_t {
  Avoid,        ///< Only what the leg does not know: the default.
  PreferOrder,  ///< Whatever is not the leg's first codec.
  Forbid,       ///< Never.
};

struct LegSpec {
  std::string id;
  std::string network;  ///< A network of the node; empty: its first.
  bool has_rtcp_mux = false;
  /// On the port that all legs of its worker on the network share. Needs has_rtcp_mux and has_ice.
  bool has_shared_port = false;
  std::optional<SocketAddress> remote_rtp;
  std::optional<SocketAddress> remote_rtcp;  ///< Default: remote_rtp, port + 1 without mux.
  AcceptFrom accept_from;
  bool has_ice = false;  ///< Its peer is whom ICE has validated; `accept_from` has no part in it.
  Security security = Security::Plain;
  /// What a DTLS leg's suites are before its handshake has chosen them.
  bool are_suites_known = true;
  wire::SrtpSuite receive_suite = wire::SrtpSuite::AesCm128HmacSha1_80;
  wire::SrtpSuite send_suite = wire::SrtpSuite::AesCm128HmacSha1_80;
  std::vector<CodecSpec> codecs;  ///< In order of preference; empty: anything passes.
  /// Nothing: not known. Between two such legs header extensions pass as they are.
  std::optional<std::vector<ExtensionSpec>> extensions;
  /// By their numbers; at most VideoSectionSpec::kMost. Empty: all video is in place 0.
  std::vector<VideoSectionSpec> video_sections;
  TranscodingPolicy transcoding = TranscodingPolicy::Avoid;
  Direction direction = Direction::SendRecv;
  Duration first_packet_timeout = std::chrono::seconds(30);  ///< 0: none.
  Duration media_timeout = std::chrono::seconds(30);         ///< 0: none.
  std::uint8_t max_ssrcs = 8;
  std::optional<std::uint8_t> dscp;  ///< Default: the network's.
};

/// A stage as a client lists it. Opening, transcoding and sealing are derived by the planner;
/// listed, they are assertions about the plan.
struct StageSpec {
  enum class Kind : std::uint8_t { Open, Transcode, Record, Seal };
  Kind kind = Kind::Record;
  std::string recording;                 ///< Record: the recording's id.
  std::optional<wire::SrtpSuite> suite;  ///< Open, Seal: this suite; nothing: any.
  std::string from_codec;                ///< Transcode: these encoding names; empty: any.
  std::string to_codec;
};

}  // namespace causeway::engine
