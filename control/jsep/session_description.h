#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/jsep/secret_text.h"
#include "relay/base/types.h"

namespace causeway::jsep {

/// Which way media flows, as the author of the description sees it (RFC 8866 6.7).
enum class Direction : std::uint8_t { SendRecv, SendOnly, RecvOnly, Inactive };

/// Who begins the DTLS handshake (RFC 4145 4, RFC 8842 5).
enum class Setup : std::uint8_t { ActPass, Active, Passive, HoldConn };

/// `c=`: where media is to be sent, an address or a name. 0.0.0.0 is hold in its oldest form.
struct Connection {
  std::string address;
  bool is_v6 = false;
};

/// `b=AS:64` and the like; kbit/s of AS and CT, bit/s of TIAS, RS and RR (RFC 3556, RFC 3890).
struct Bandwidth {
  std::string type;
  std::uint64_t value = 0;
};

/// `a=fingerprint` (RFC 8122 5), the function's name in lower case.
struct Fingerprint {
  std::string hash_function;
  std::vector<std::uint8_t> digest;
};

/// `a=extmap` (RFC 8285 5).
struct HeaderExtension {
  std::uint16_t id = 0;
  std::optional<Direction> direction;
  std::string uri;
  std::string attributes;
};

/// `a=group:BUNDLE 0 1` (RFC 5888, RFC 8843).
struct Group {
  std::string semantics;
  std::vector<std::string> mids;
};

/// `a=candidate` (RFC 8839 5.1). The address may be a name (`.local`).
struct Candidate {
  std::string foundation;
  std::uint16_t component = 1;
  std::string transport;  ///< In lower case: `udp`.
  std::uint32_t priority = 0;
  std::string address;
  UdpPort port;
  std::string type;        ///< `host`, `srflx`, `prflx`, `relay`, or one yet to be invented.
  std::string extensions;  ///< What follows the type, as it stands: `raddr ... rport ...`.
};

/// One payload type of an m-line: `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` of it.
struct PayloadFormat {
  PayloadType payload_type;
  std::string encoding_name;  ///< As written. Empty: a dynamic type that nothing describes.
  RtpClockRate clock_rate;
  std::uint32_t channels = 1;
  std::string parameters;             ///< The value of `a=fmtp`, without the payload type.
  std::vector<std::string> feedback;  ///< The values of `a=rtcp-fb`, without the payload type.
};

/// `a=ssrc:1 cname:x` (RFC 5576 4.1).
struct SourceAttribute {
  Ssrc ssrc;
  std::string name;
  std::string value;
};

/// `a=ssrc-group:FID 1 2` (RFC 5576 4.2).
struct SourceGroup {
  std::string semantics;
  std::vector<Ssrc> ssrcs;
};

/// `a=rtcp` (RFC 3605).
struct RtcpAddress {
  UdpPort port;
  std::optional<Connection> connection;
};

/// What may stand for the whole session or in one section, where it then counts instead.
struct Shared {
  std::optional<Connection> connection;
  std::vector<Bandwidth> bandwidths;
  std::optional<Direction> direction;
  std::optional<std::string> ice_ufrag;
  std::optional<SecretText> ice_pwd;
  std::vector<std::string> ice_options;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
  std::optional<std::string> tls_id;
  std::vector<HeaderExtension> header_extensions;
  bool allows_mixed_extensions = false;  ///< `a=extmap-allow-mixed`
};

/// An m-line and what belongs to it. Port 0 is a section that was refused or taken away, unless it
/// stands in a bundle (`is_bundle_only`).
struct MediaSection {
  int line = 0;  ///< Of the text it was read from, from 1.
  std::string kind;
  UdpPort port;
  std::uint16_t port_count = 1;
  std::string protocol;
  std::vector<PayloadFormat> formats;      ///< In order of preference; of RTP protocols only.
  std::vector<std::string> other_formats;  ///< Those of all others: `t38`.
  Shared shared;
  std::optional<std::string> mid;
  std::vector<std::string> msids;
  std::vector<Candidate> candidates;
  bool has_all_candidates = false;  ///< `a=end-of-candidates`
  bool is_bundle_only = false;
  std::optional<RtcpAddress> rtcp;
  bool has_rtcp_mux = false;
  bool is_rtcp_mux_only = false;
  bool has_reduced_size_rtcp = false;
  std::vector<std::string> feedback;  ///< `a=rtcp-fb:*`
  std::optional<std::uint32_t> ptime_ms;
  std::optional<std::uint32_t> maxptime_ms;
  std::vector<SecretText> crypto;  ///< The values of `a=crypto`, as they stand.
  std::vector<SourceAttribute> sources;
  std::vector<SourceGroup> source_groups;

  [[nodiscard]] bool is_rtp() const;
  /// RTP/AVPF, RTP/SAVPF and what runs over them: feedback before its time (RFC 4585).
  [[nodiscard]] bool has_avpf() const;
  /// UDP/TLS/RTP/SAVP and SAVPF (RFC 5764 8).
  [[nodiscard]] bool is_dtls_srtp() const;
  [[nodiscard]] const PayloadFormat* find(PayloadType type) const;
};

/// A session description (RFC 8866), with the attributes that negotiation here looks at; all others
/// are left out. Holds secrets, therefore cannot be copied. A value; belongs to one thread.
struct SessionDescription {
  std::string username = "-";
  std::string session_id = "0";
  std::string session_version = "0";
  Connection origin;
  std::string name = "-";
  Shared shared;
  bool is_ice_lite = false;
  std::vector<Group> groups;
  std::vector<MediaSection> media;

  // What holds for a section, whichever level says it.
  [[nodiscard]] const Connection* connection_of(const MediaSection& section) const;
  [[nodiscard]] Direction direction_of(const MediaSection& section) const;
  [[nodiscard]] std::optional<std::string_view> ice_ufrag_of(const MediaSection& section) const;
  [[nodiscard]] const SecretText* ice_pwd_of(const MediaSection& section) const;
  [[nodiscard]] const std::vector<std::string>& ice_options_of(const MediaSection& section) const;
  [[nodiscard]] const std::vector<Fingerprint>& fingerprints_of(const MediaSection& section) const;
  [[nodiscard]] std::optional<Setup> setup_of(const MediaSection& section) const;
  [[nodiscard]] std::optional<std::string_view> tls_id_of(const MediaSection& section) const;
  /// The bundle that a section is in, nothing where it stands alone.
  [[nodiscard]] const Group* bundle_of(const MediaSection& section) const;
};

}  // namespace causeway::jsep
