#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/jsep/session_description.h"
#include "relay/base/address.h"
#include "relay/base/result.h"

namespace causeway::jsep {

/// The payload types under which a codec's packets are sent again (RFC 4588): `rtx` with its `apt`.
struct RtxFormat {
  PayloadType type;       ///< From the endpoint.
  PayloadType send_type;  ///< Towards it.
};

/// A header extension that both sides have (RFC 8285).
struct Extension {
  std::uint8_t id = 0;
  std::string uri;
};

/// A codec that both sides have.
struct Codec {
  PayloadType type;       ///< What the endpoint sends.
  PayloadType send_type;  ///< What it wants to be sent (RFC 3264 5.1).
  std::string name;       ///< As the relay writes it.
  RtpClockRate clock{8000};
  std::uint32_t channels = 1;
  std::string remote_parameters;      ///< `a=fmtp` of the endpoint's: what it wants to be sent.
  std::string our_parameters;         ///< That of our description.
  std::vector<std::string> feedback;  ///< `a=rtcp-fb` that both sides have; of video.
  std::optional<RtxFormat> rtx{};     ///< Of video: between the endpoint and the relay alone.
};

/// A section of video of a leg. The relay passes it and says to each side what the other one can.
struct Video {
  std::vector<Codec> codecs;
  Direction direction = Direction::SendRecv;  ///< Ours.
  std::vector<Extension> extensions{};        ///< Between the endpoint and the relay.
  /// Its place in the leg: what comes in it leaves in that of the same number on the other side.
  std::uint8_t place = 0;
  std::size_t line = 0;       ///< Which of the description's lines it is.
  std::vector<Ssrc> ssrcs{};  ///< `a=ssrc` of the endpoint.
  bool is_new = false;        ///< Of our offer: its section is not part of a bundle yet.
};
/// Without a bundle it is one, in place 0.
inline constexpr std::size_t kMaxVideos = 4;
/// That in a place; null: none.
[[nodiscard]] const Video* video_in(const std::vector<Video>& videos, std::size_t place);
/// That of a line; null: none.
[[nodiscard]] const Video* video_of_line(const std::vector<Video>& videos, std::size_t line);

/// Which codecs a leg may have (Leg.codec_policy), and which are to come first because the other
/// side of the call has them: nothing need be transcoded then.
struct CodecPolicy {
  std::vector<std::string> allow;  ///< Encoding names; empty: all.
  std::vector<std::string> deny;
  std::vector<std::string> preferred;  ///< In this order; with `CN` where the other side has it.
  bool only_preferred = false;         ///< Transcoding is forbidden.
  /// What the other side of the call has of video, by place: its codecs, and what may flow on this
  /// side because of it. Nothing: not known yet.
  std::optional<std::vector<Video>> videos;
  [[nodiscard]] bool takes(std::string_view name) const;
};

/// An m-line as it stands in the last description of either side. Their number and order never
/// change but for new ones at the end (RFC 3264 8).
struct Line {
  std::string kind;
  std::string protocol;
  std::vector<PayloadFormat> formats;      ///< As they stood; of RTP protocols.
  std::vector<std::string> other_formats;  ///< Of others.
  std::optional<std::string> mid;
  /// One that the relay takes: the first audio that fits, and beside it video; with ICE only video
  /// of the same bundle.
  bool is_ours = false;
};

/// How an endpoint is reached, and how the packets are protected. Holds secrets, therefore cannot
/// be copied.
struct Transport {
  // Where the endpoint is.
  std::optional<SocketAddress> remote_rtp;  ///< Nothing while it is 0.0.0.0.
  std::optional<SocketAddress> remote_rtcp;
  bool has_rtcp_mux = false;

  // ICE.
  std::string ufrag;
  SecretText password;
  std::vector<SocketAddress> candidates;  ///< UDP, component 1, numbers; the best first.

  // Keys.
  std::vector<Fingerprint> fingerprints;
  bool is_active = false;  ///< DTLS: whether the relay begins.
  std::string tls_id;
  SecretText crypto;       ///< The line of the endpoint's that was chosen; empty: plain RTP.
  std::string crypto_tag;  ///< Its tag, which an answer repeats.
};

/// What an offer and its answer have settled for a leg: the transport is that of the audio, and of
/// all that is bundled with it.
struct Agreed : Transport {
  std::vector<Line> lines;
  /// The audio of before has been taken away: nothing below is set.
  bool has_no_audio = false;
  bool has_bundle = false;
  Direction direction = Direction::SendRecv;  ///< Ours.
  std::vector<Codec> codecs;                  ///< In the order in which they are to be used.
  std::vector<Extension> extensions;          ///< Of the audio.
  std::uint32_t ptime_ms = 20;                ///< Towards the endpoint.
  std::vector<Video> videos;                  ///< In the order of their lines.
  /// Where the video is not bundled with the audio.
  std::optional<Transport> video_transport;
  /// No `mid` with this number or a greater one was ever used.
  std::uint32_t next_mid = 0;
};

/// The video is not to be: its section is refused.
void leave_out_video(Agreed& agreed);

/// Why a description cannot be taken. Quotes nothing of it.
struct Refusal {
  enum class Reason : std::uint8_t { SdpInvalid, NoCommonCodec, CryptoInvalid };
  Reason reason = Reason::SdpInvalid;
  int line = 0;  ///< Of the text, from 1; 0: the text as a whole.
  std::string what;
  [[nodiscard]] std::string to_string() const;
};

/// The candidates that ICE may check: UDP, component 1, an address that is a number; `.local`
/// names, TCP and RTCP are left out. The best first, at most 16.
[[nodiscard]] std::vector<SocketAddress> usable_candidates(
    const std::vector<Candidate>& candidates);

}  // namespace causeway::jsep
