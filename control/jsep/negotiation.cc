#include "control/jsep/negotiation.h"

#include <algorithm>
#include <array>

#include "control/jsep/codec_match.h"
#include "control/jsep/extension_match.h"
#include "control/jsep/sdp_writer.h"
#include "relay/base/text.h"

namespace causeway::jsep {

namespace {

using Reason = Refusal::Reason;

constexpr std::array<std::string_view, 6> kSuites = {
    "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM",        "AEAD_AES_256_GCM"};
constexpr std::size_t kMaxSsrcs = 8;  // of a section
constexpr std::array<std::string_view, 3> kHashFunctions = {"sha-256", "sha-384", "sha-512"};

Refusal refusal(Reason reason, int line, std::string what) {
  return Refusal{reason, line, std::move(what)};
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

/// Whether a section is of a protocol that the profile's endpoints speak.
bool fits(const Profile& profile, const SessionDescription& description,
          const MediaSection& section) {
  const bool is_avp = is_one_of(section.protocol, {"RTP/AVP", "RTP/AVPF"});
  const bool is_savp = is_one_of(section.protocol, {"RTP/SAVP", "RTP/SAVPF"});
  switch (profile.keying) {
    case Keying::None:
      return is_avp;
    case Keying::Sdes:
      // RFC 8643: keys beside RTP/AVP are an offer of SRTP too.
      return is_savp || (is_avp && !section.crypto.empty());
    case Keying::SdesOrPlain:
      return is_avp || is_savp;
    case Keying::Dtls:
      // Before RFC 5764's protocols were everywhere a fingerprint beside RTP/SAVPF said it.
      return section.is_dtls_srtp() || (is_savp && !description.fingerprints_of(section).empty());
  }
  return false;
}

/// With ICE the relay has one port; with DTLS one association does for both then (RFC 5764 4.1.1).
bool has_mux(const Profile& profile) { return profile.has_ice || profile.keying == Keying::Dtls; }

Line line_of(const MediaSection& section) {
  return {section.kind,          section.protocol, section.formats,
          section.other_formats, section.mid,      false};
}

/// Where what a bundle has in common stands: its first section (RFC 8843 7.3). A section that is in
/// none stands for itself.
const MediaSection& tagged(const SessionDescription& description, const MediaSection& section) {
  const Group* const bundle = description.bundle_of(section);
  if (bundle == nullptr || bundle->mids.empty()) return section;
  const auto found = std::ranges::find_if(description.media, [&](const MediaSection& each) {
    return each.mid == bundle->mids.front();
  });
  return found == description.media.end() ? section : *found;
}

/// Reads how a section's endpoint is reached and what protects its packets; with ICE that is said
/// once for a bundle.
struct Reader {
  Reader(const Profile& p, const SessionDescription& d, const MediaSection& m, bool answer,
         Transport& to)
      : profile(p),
        description(d),
        section(p.has_ice ? tagged(d, m) : m),
        media(m),
        is_answer(answer),
        out(to) {}

  const Profile& profile;
  const SessionDescription& description;
  const MediaSection& section;  ///< Of the transport.
  const MediaSection& media;
  bool is_answer;
  Transport& out;
  Direction direction = Direction::SendRecv;  ///< Ours.

  [[nodiscard]] Refusal wrong(std::string what) const {
    return refusal(Reason::SdpInvalid, section.line, std::move(what));
  }

  Result<void, Refusal> read() {
    for (const auto part :
         {&Reader::read_mux, &Reader::read_address, &Reader::read_ice, &Reader::read_keys}) {
      if (auto done = (this->*part)(); !done) return done;
    }
    return {};
  }

  Result<void, Refusal> read_mux() {
    out.has_rtcp_mux = section.has_rtcp_mux && has_mux(profile);
    if (profile.has_ice && !section.has_rtcp_mux) {
      return failure(wrong("it lacks a=rtcp-mux, and with ICE the relay has one port"));
    }
    return {};
  }

  /// `c=` and the m-line's port, or `a=rtcp` (RFC 3605).
  Result<void, Refusal> read_address() {
    Direction theirs = description.direction_of(media);
    direction = turned(theirs);
    if (profile.has_ice) return {};
    const auto read = [&](const Connection* connection) -> Result<IpAddress, Refusal> {
      if (connection == nullptr) return failure(wrong("there is no c= for it"));
      const auto ip = IpAddress::parse(connection->address);
      if (!ip) return failure(wrong("the address of its c= is not a number"));
      return *ip;
    };
    const auto ip = read(description.connection_of(section));
    if (!ip) return failure(ip.error());
    if (ip->is_unspecified()) {
      // Hold as RFC 2543 had it.
      theirs = lesser(theirs, Direction::SendOnly);
      direction = turned(theirs);
    } else {
      out.remote_rtp = SocketAddress{*ip, section.port};
    }
    if (section.rtcp && out.remote_rtp) {
      IpAddress rtcp_ip = *ip;
      if (section.rtcp->connection) {
        const auto other = read(&*section.rtcp->connection);
        if (!other) return failure(other.error());
        rtcp_ip = *other;
      }
      out.remote_rtcp = SocketAddress{rtcp_ip, section.rtcp->port};
    }
    return {};
  }

  Result<void, Refusal> read_ice() {
    if (!profile.has_ice) return {};
    const auto ufrag = description.ice_ufrag_of(section);
    const SecretText* const password = description.ice_pwd_of(section);
    if (!ufrag || password == nullptr) {
      return failure(wrong("it lacks a=ice-ufrag and a=ice-pwd"));
    }
    out.ufrag = std::string(*ufrag);
    out.password = SecretText(password->reveal());
    if (profile.is_lite && description.is_ice_lite) {
      return failure(wrong("both sides are ice-lite; the profile sip-webrtc makes the checks"));
    }
    out.candidates = usable_candidates(section.candidates);
    return {};
  }

  Result<void, Refusal> read_keys() {
    switch (profile.keying) {
      case Keying::None:
        return {};
      case Keying::Dtls:
        return read_dtls();
      case Keying::Sdes:
        return read_crypto();
      case Keying::SdesOrPlain:
        if (section.crypto.empty() && is_one_of(section.protocol, {"RTP/AVP", "RTP/AVPF"})) {
          return {};
        }
        return read_crypto();
    }
    return {};
  }

  Result<void, Refusal> read_dtls() {
    for (const Fingerprint& each : description.fingerprints_of(section)) {
      if (std::ranges::find(kHashFunctions, each.hash_function) != kHashFunctions.end()) {
        out.fingerprints.push_back(each);
      }
    }
    if (out.fingerprints.empty()) {
      return failure(wrong("it lacks an a=fingerprint of sha-256, sha-384 or sha-512"));
    }
    if (const auto tls_id = description.tls_id_of(section)) out.tls_id = std::string(*tls_id);
    const auto setup = description.setup_of(section);
    if (setup == Setup::HoldConn) return failure(wrong("a=setup:holdconn makes no connection"));
    if (is_answer && setup == Setup::ActPass) {
      return failure(wrong("an answer chooses a=setup:active or a=setup:passive"));
    }
    // Where ICE finds the endpoint, the relay's hello meets its first check: a round trip less (RFC
    // 5763 5). Without ICE it leaves the beginning to the endpoint, which may be behind a NAT.
    out.is_active = setup == Setup::Passive || (setup == Setup::ActPass && profile.has_ice);
    return {};
  }

  Result<void, Refusal> read_crypto() {
    for (const SecretText& line : section.crypto) {
      const std::string_view text = line.reveal();
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos) continue;
      const std::string_view rest = text.substr(space + 1);
      const std::string_view suite = rest.substr(0, rest.find(' '));
      if (std::ranges::find(kSuites, suite) == kSuites.end()) continue;
      out.crypto = SecretText(text);
      out.crypto_tag = std::string(text.substr(0, space));
      return {};
    }
    return failure(refusal(Reason::CryptoInvalid, section.line,
                           section.crypto.empty() ? "it lacks an a=crypto"
                                                  : "none of its a=crypto is of a suite that the "
                                                    "relay has"));
  }
};

bool is_there(const SessionDescription& description, const MediaSection& section) {
  return section.port != UdpPort(0) ||
         (section.is_bundle_only && description.bundle_of(section) != nullptr);
}

std::vector<PayloadFormat> written(const std::vector<Codec>& codecs) {
  std::vector<PayloadFormat> formats;
  for (const Codec& codec : codecs) {
    PayloadFormat& format = formats.emplace_back();
    format.payload_type = codec.type;
    format.encoding_name = codec.name;
    format.clock_rate = codec.clock;
    format.channels = codec.channels;
    format.parameters = codec.our_parameters;
    format.feedback = codec.feedback;
  }
  for (const Codec& codec : codecs) {
    if (!codec.rtx) continue;
    PayloadFormat& format = formats.emplace_back();
    format.payload_type = codec.rtx->type;
    format.encoding_name = "rtx";
    format.clock_rate = codec.clock;
    format.parameters = "apt=" + std::to_string(codec.type.raw());
  }
  return formats;
}

/// What is the same for all sections of a bundle. ICE stands in the first one; DTLS, as browsers
/// write it, in each: Chromium (156) refuses a section behind one without (RFC 8843 7.1.3 has it
/// in the first only).
void write_transport(const Profile& profile, const OurTransport& our, Setup setup, bool is_first,
                     MediaSection& section) {
  if (profile.has_ice && is_first) {
    section.shared.ice_ufrag = our.ufrag;
    section.shared.ice_pwd = SecretText(our.password);
    // RFC 8445 5.1.2.1: a host candidate, component 1.
    section.candidates.push_back(
        {"1", 1, "udp", 2'130'706'431U, our.rtp.ip.to_string(), our.rtp.port, "host", ""});
    section.has_all_candidates = true;
  }
  if (profile.keying == Keying::Dtls && our.fingerprint) {
    section.shared.fingerprints.push_back(*our.fingerprint);
    section.shared.setup = setup;
  }
}

/// Writes the sections that are the relay's, one after the other.
struct Writer {
  const Profile& profile;
  bool has_bundle;
  SessionDescription& description;
  Group bundle{"BUNDLE", {}};

  /// How a section is reached, and its packets protected.
  struct Way {
    const OurTransport& our;
    Setup setup;
    std::string_view crypto_tag;
    bool has_rtcp_mux;
  };

  /// `place`: of video, see Video.
  void write(const std::vector<Codec>& codecs, Direction direction, const Way& way,
             MediaSection& section, std::size_t place = 0) {
    const OurTransport& our = way.our;
    section.port = our.rtp.port;
    section.formats = written(codecs);
    section.shared.direction = direction;
    section.has_rtcp_mux = way.has_rtcp_mux;
    // One stream, so that the browser keeps sound and picture together; another picture is one by
    // itself.
    const std::string number = place == 0 ? "" : "-" + std::to_string(place + 1);
    if (profile.has_ice) {
      section.msids.push_back("causeway" + number + " " + section.kind + number);
    }
    write_transport(profile, our, way.setup, bundle.mids.empty(), section);
    if (!way.crypto_tag.empty()) write_crypto(way.crypto_tag, our.crypto, section);
    if (has_bundle && section.mid) bundle.mids.push_back(*section.mid);
  }

  static void write_crypto(std::string_view tag, std::string_view crypto, MediaSection& section) {
    std::string line(tag);
    line += ' ';
    line += crypto;
    section.crypto.push_back(SecretText(line));
    wipe(line.data(), line.size());
  }

  [[nodiscard]] std::string finish() {
    if (!bundle.mids.empty()) description.groups.push_back(std::move(bundle));
    return write_sdp(description);
  }
};

void write_extensions(const std::vector<Extension>& extensions, MediaSection& section) {
  for (const Extension& each : extensions) {
    section.shared.header_extensions.push_back({each.id, std::nullopt, each.uri, ""});
  }
}

SessionDescription begin(const Profile& profile, const OurSide& our) {
  SessionDescription description;
  description.session_id = our.session_id;
  description.session_version = std::to_string(our.version);
  description.origin = {our.rtp.ip.to_string(), our.rtp.ip.is_v6()};
  description.shared.connection = description.origin;
  description.is_ice_lite = profile.is_lite;
  return description;
}

MediaSection& add_line(const Line& line, SessionDescription& description) {
  MediaSection& section = description.media.emplace_back();
  section.kind = line.kind;
  section.protocol = line.protocol;
  section.mid = line.mid;
  section.other_formats = line.other_formats;
  // Of a section that is refused the formats stand for nothing (RFC 3264 6).
  for (const PayloadFormat& format : line.formats) {
    section.formats.emplace_back().payload_type = format.payload_type;
  }
  return section;
}

}  // namespace

namespace {

bool sends(Direction d) { return d == Direction::SendRecv || d == Direction::SendOnly; }
bool receives(Direction d) { return d == Direction::SendRecv || d == Direction::RecvOnly; }
Direction direction_of(bool sends, bool receives) {
  if (sends && receives) return Direction::SendRecv;
  if (sends) return Direction::SendOnly;
  return receives ? Direction::RecvOnly : Direction::Inactive;
}

}  // namespace

Direction lesser(Direction a, Direction b) {
  return direction_of(sends(a) && sends(b), receives(a) && receives(b));
}

Direction greater(Direction a, Direction b) {
  return direction_of(sends(a) || sends(b), receives(a) || receives(b));
}

Direction turned(Direction direction) {
  if (direction == Direction::SendOnly) return Direction::RecvOnly;
  if (direction == Direction::RecvOnly) return Direction::SendOnly;
  return direction;
}

std::string Refusal::to_string() const {
  return line == 0 ? what : "line " + std::to_string(line) + ": " + what;
}

namespace {

void refuse_video(std::vector<Line>& lines) {
  for (Line& line : lines) line.is_ours = line.is_ours && line.kind != "video";
}

}  // namespace

const Video* video_in(const std::vector<Video>& videos, std::size_t place) {
  const auto found = std::ranges::find(videos, place, &Video::place);
  return found == videos.end() ? nullptr : &*found;
}

const Video* video_of_line(const std::vector<Video>& videos, std::size_t line) {
  const auto found = std::ranges::find(videos, line, &Video::line);
  return found == videos.end() ? nullptr : &*found;
}

void leave_out_video(Agreed& agreed) {
  agreed.videos.clear();
  agreed.video_transport.reset();
  refuse_video(agreed.lines);
}

void leave_out_video(Offer& offer) {
  offer.videos.clear();
  refuse_video(offer.lines);
}

std::vector<SocketAddress> usable_candidates(const std::vector<Candidate>& candidates) {
  constexpr std::size_t kMost = 16;
  std::vector<const Candidate*> usable;
  for (const Candidate& each : candidates) {
    if (each.transport == "udp" && each.component == 1) usable.push_back(&each);
  }
  std::ranges::stable_sort(usable, std::greater<>(), &Candidate::priority);
  std::vector<SocketAddress> addresses;
  for (const Candidate* each : usable) {
    const auto ip = IpAddress::parse(each->address);
    if (!ip || ip->is_unspecified() || addresses.size() == kMost) continue;
    addresses.push_back({*ip, each->port});
  }
  return addresses;
}

// --------------------------------------------------------------------------------- their offer

namespace {

Writer::Way way_of_answer(const OurTransport& our, const Transport& theirs) {
  return {our, theirs.is_active ? Setup::Active : Setup::Passive, theirs.crypto_tag,
          theirs.has_rtcp_mux};
}

/// An association that goes on keeps its roles (RFC 8842 5.3).
void keep_role(std::optional<Setup> theirs, const Transport& before, Transport& now) {
  if (!before.fingerprints.empty() && theirs == Setup::ActPass) now.is_active = before.is_active;
}

/// Whether video is where it can be taken: with ICE in the bundle of the audio, without on a port
/// of its own.
bool goes_with(const Profile& profile, const SessionDescription& description,
               const MediaSection& audio, const MediaSection& video) {
  if (!fits(profile, description, video)) return false;
  if (!profile.has_ice) return video.port != UdpPort(0);
  const Group* const bundle = description.bundle_of(audio);
  return is_there(description, video) && bundle != nullptr &&
         description.bundle_of(video) == bundle;
}

/// How many sections of video there may be.
std::size_t most_videos(const Profile& profile) { return profile.has_ice ? kMaxVideos : 1; }

/// Whether a section can be told from the other ones, and they from it: packets towards the
/// endpoint say their MID, and an id means one thing in a bundle (RFC 8843 9.2).
bool can_be_told(const Video& video, const std::vector<Video>& beside) {
  if (beside.empty()) return true;
  const auto goes_together = [&](const Video& other) {
    return says_mid(other.extensions) &&
           std::ranges::all_of(other.extensions, [&](const Extension& known) {
             return std::ranges::all_of(video.extensions, [&](const Extension& each) {
               return (each.id == known.id) == (each.uri == known.uri);
             });
           });
  };
  return says_mid(video.extensions) && std::ranges::all_of(beside, goes_together);
}

/// Settles the section as one of the call's video, `video`, as far as its endpoint lets it flow.
/// False, and nothing is settled, where it has no way of its own that could be taken.
bool settle_video(const Profile& profile, const SessionDescription& description,
                  const MediaSection& section, bool is_answer, Video video, Agreed& agreed) {
  Direction ours = turned(description.direction_of(section));
  std::optional<Transport> transport;
  if (!profile.has_ice) {
    Reader reader{profile, description, section, is_answer, transport.emplace()};
    if (!reader.read()) return false;
    ours = reader.direction;
  }
  video.direction = lesser(ours, video.direction);
  settle_transport_cc(video);
  for (const SourceAttribute& each : section.sources) {
    const bool is_known = std::ranges::find(video.ssrcs, each.ssrc) != video.ssrcs.end();
    if (!is_known && video.ssrcs.size() < kMaxSsrcs) video.ssrcs.push_back(each.ssrc);
  }
  agreed.videos.push_back(std::move(video));
  agreed.video_transport = std::move(transport);
  return true;
}

/// The section of before that the line goes on with; null: it is a new one, perhaps in the place
/// of one that is gone (RFC 8829 5.2.2).
const Video* goes_on_with(const Agreed* before, std::size_t line, const MediaSection& section) {
  if (before == nullptr || line >= before->lines.size()) return nullptr;
  const Video* const known = video_of_line(before->videos, line);
  return known != nullptr && before->lines[line].mid == section.mid ? known : nullptr;
}

/// A place that no section has.
std::uint8_t free_place(const std::vector<Video>& videos) {
  std::uint8_t place = 0;
  while (video_in(videos, place) != nullptr) ++place;
  return place;
}

/// Takes a section of video where it can be taken. False: it cannot.
bool take_video(const Profile& profile, const CodecPolicy& policy, const SessionDescription& offer,
                const Agreed* before, std::size_t line, std::uint8_t place, Agreed& agreed) {
  const MediaSection& section = offer.media[line];
  std::vector<Codec> codecs = match_video_offer(section, policy, place);
  leave_out_ambiguous(codecs, agreed.videos);
  if (codecs.empty()) return false;
  const Video* const theirs = policy.videos ? video_in(*policy.videos, place) : nullptr;
  Video video{std::move(codecs), theirs != nullptr ? theirs->direction : Direction::SendRecv};
  video.place = place;
  video.line = line;
  if (profile.has_ice) video.extensions = match_extensions(offer, section);
  if (!can_be_told(video, agreed.videos)) return false;
  if (!settle_video(profile, offer, section, false, std::move(video), agreed)) return false;
  agreed.lines[line].is_ours = true;
  if (agreed.video_transport && before != nullptr && before->video_transport) {
    keep_role(offer.setup_of(section), *before->video_transport, *agreed.video_transport);
  }
  return true;
}

/// The video that is to go with the audio: the sections of before, each in its place, then others
/// that have a codec in common with the other side of the call, in those that are free.
void take_videos(const Profile& profile, const CodecPolicy& policy, const SessionDescription& offer,
                 const MediaSection& audio, const Agreed* before, Agreed& agreed) {
  for (const bool goes_on : {true, false}) {
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
      const MediaSection& section = offer.media[i];
      if (section.kind != "video" || !goes_with(profile, offer, audio, section)) continue;
      const Video* const known = goes_on_with(before, i, section);
      if ((known != nullptr) != goes_on || agreed.videos.size() >= most_videos(profile)) continue;
      const std::uint8_t place = known != nullptr ? known->place : free_place(agreed.videos);
      (void)take_video(profile, policy, offer, before, i, place, agreed);
    }
  }
  std::ranges::sort(agreed.videos, {}, &Video::line);
}

/// Greater than any number that is a `mid` of these lines.
std::uint32_t mid_after(const std::vector<Line>& lines, std::uint32_t next) {
  for (const Line& line : lines) {
    const std::string mid = line.mid.value_or("");
    const bool is_number = !mid.empty() && mid.size() < 6 &&
                           std::ranges::all_of(mid, [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) next = std::max(next, static_cast<std::uint32_t>(std::stoul(mid)) + 1);
  }
  return next;
}

/// What the relay can make: 10, 20, 40 or 60 ms; it need not be what is asked (RFC 8866 6.4).
std::uint32_t packet_length(std::uint32_t wanted_ms) {
  return wanted_ms <= 10 ? 10 : wanted_ms <= 20 ? 20 : wanted_ms <= 40 ? 40 : 60;
}

/// What the audio's section says: the transport of the leg, and which way it flows.
Result<void, Refusal> take_audio(const Profile& profile, const SessionDescription& description,
                                 const MediaSection& audio, bool is_answer, const Agreed* before,
                                 Agreed& agreed) {
  Reader reader{profile, description, audio, is_answer, agreed};
  if (auto done = reader.read(); !done) return done;
  if (before != nullptr) keep_role(description.setup_of(reader.section), *before, agreed);
  agreed.direction = reader.direction;
  agreed.has_bundle = profile.has_ice && description.bundle_of(audio) != nullptr;
  if (audio.ptime_ms) agreed.ptime_ms = packet_length(*audio.ptime_ms);
  return {};
}

}  // namespace

Result<Agreed, Refusal> agree_on_offer(const Profile& profile, const CodecPolicy& policy,
                                       const SessionDescription& offer, const Agreed* before) {
  if (before != nullptr && offer.media.size() < before->lines.size()) {
    return failure(refusal(Reason::SdpInvalid, 0,
                           "it has fewer m-lines than the description before (RFC 3264 8)"));
  }
  Agreed agreed;
  std::optional<std::size_t> chosen;
  const MediaSection* unfit = nullptr;
  const MediaSection* without_codec = nullptr;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const MediaSection& section = offer.media[i];
    agreed.lines.push_back(line_of(section));
    if (section.kind != "audio" || !is_there(offer, section)) continue;
    if (!fits(profile, offer, section)) {
      if (unfit == nullptr) unfit = &section;
      continue;
    }
    std::vector<Codec> codecs = match_offer(section.formats, policy);
    if (codecs.empty()) {
      if (without_codec == nullptr) without_codec = &section;
      continue;
    }
    const bool was_ours = before != nullptr && i < before->lines.size() && before->lines[i].is_ours;
    if (chosen && !was_ours) continue;
    chosen = i;
    agreed.codecs = std::move(codecs);
  }
  if (!chosen) {
    if (without_codec != nullptr) {
      return failure(refusal(Reason::NoCommonCodec, without_codec->line,
                             "the relay has none of its codecs, or may not use it"));
    }
    if (unfit != nullptr) {
      return failure(
          refusal(Reason::SdpInvalid, unfit->line,
                  "its protocol is not one of the profile " + std::string(profile.name)));
    }
    if (before == nullptr) {
      return failure(refusal(Reason::SdpInvalid, 0, "there is no audio in it"));
    }
    agreed.has_no_audio = true;
    agreed.direction = Direction::Inactive;
    return agreed;
  }
  agreed.lines[*chosen].is_ours = true;
  const MediaSection& audio = offer.media[*chosen];
  if (auto done = take_audio(profile, offer, audio, false, before, agreed); !done) {
    return failure(std::move(done).error());
  }
  if (profile.has_ice) agreed.extensions = match_extensions(offer, audio);
  take_videos(profile, policy, offer, audio, before, agreed);
  agreed.next_mid = mid_after(agreed.lines, before == nullptr ? 0 : before->next_mid);
  return agreed;
}

std::string write_answer(const Profile& profile, const Agreed& agreed, const OurSide& our) {
  SessionDescription description = begin(profile, our);
  Writer writer{profile, agreed.has_bundle, description};
  for (std::size_t i = 0; i < agreed.lines.size(); ++i) {
    const Line& line = agreed.lines[i];
    MediaSection& section = add_line(line, description);
    if (!line.is_ours) continue;
    if (const Video* const video = video_of_line(agreed.videos, i)) {
      const Transport& theirs = agreed.video_transport ? *agreed.video_transport : agreed;
      writer.write(video->codecs, lesser(video->direction, our.direction),
                   way_of_answer(our.video ? *our.video : our, theirs), section, video->place);
      write_extensions(video->extensions, section);
      continue;
    }
    writer.write(agreed.codecs, lesser(agreed.direction, our.direction), way_of_answer(our, agreed),
                 section);
    write_extensions(agreed.extensions, section);
    section.ptime_ms = agreed.ptime_ms;
  }
  return writer.finish();
}

// ----------------------------------------------------------------------------------- our offer

namespace {

/// A mid that no line has had: their number where that is free.
std::string free_mid(Offer& offer) {
  const auto number = std::max(static_cast<std::uint32_t>(offer.lines.size() - 1), offer.next_mid);
  offer.next_mid = number + 1;
  return std::to_string(number);
}

/// A line for a section that is new in our offer. One that was refused is used again (RFC
/// 3264 8.1), in a bundle under another mid (RFC 8829 5.2.2).
std::size_t add_line_for(const Profile& profile, std::string_view kind,
                         const std::vector<Codec>& codecs, Offer& offer) {
  const auto refused = std::ranges::find_if(offer.lines, [&](const Line& line) {
    const bool may_be_used = !profile.has_ice || kind == "video";
    return may_be_used && !line.is_ours && line.kind == kind && line.protocol == profile.protocol;
  });
  const auto at = static_cast<std::size_t>(refused - offer.lines.begin());
  Line& line = refused != offer.lines.end() ? *refused : offer.lines.emplace_back();
  line.kind = std::string(kind);
  line.protocol = std::string(profile.protocol);
  line.formats = written(codecs);
  if (profile.has_ice) line.mid = free_mid(offer);
  line.is_ours = true;
  return at;
}

/// The section of video that is to be offered in a place; without codecs where none is.
Video video_in_offer(const Profile& profile, const CodecPolicy& policy, std::size_t place,
                     const std::vector<Video>& before, const Offer& offer) {
  Video video{video_to_offer(policy, place, offer.codecs, before, offer.videos)};
  const Video* const was = video_in(before, place);
  const Video* const theirs = policy.videos ? video_in(*policy.videos, place) : nullptr;
  video.place = static_cast<std::uint8_t>(place);
  video.is_new = was == nullptr;
  if (theirs != nullptr) video.direction = theirs->direction;
  if (profile.has_ice) {
    std::vector<Extension> bundled = offer.extensions;
    for (const std::vector<Video>* list : {&offer.videos, &before}) {
      for (const Video& each : *list) {
        bundled.insert(bundled.end(), each.extensions.begin(), each.extensions.end());
      }
    }
    video.extensions = extensions_to_offer("video", was ? &was->extensions : nullptr, bundled);
    if (!can_be_told(video, offer.videos)) video.codecs.clear();
  } else {
    // What phones hardly know they are not bothered with; an offer of theirs may have it.
    for (Codec& codec : video.codecs) codec.rtx.reset();
  }
  settle_transport_cc(video);
  return video;
}

}  // namespace

Offer make_offer(const Profile& profile, const CodecPolicy& policy, const Agreed* before) {
  Offer offer;
  offer.codecs = codecs_to_offer(policy);
  if (before != nullptr) {
    offer.lines = before->lines;
    offer.next_mid = before->next_mid;
    // Numbers that were agreed on stay what they are (RFC 3264 8.3.2).
    for (Codec& codec : offer.codecs) {
      for (const Codec& known : before->codecs) {
        if (known.name == codec.name && known.clock == codec.clock) {
          codec.type = known.type;
          codec.send_type = known.send_type;
        }
      }
    }
  }
  const auto ours = std::ranges::find_if(
      offer.lines, [](const Line& line) { return line.is_ours && line.kind == "audio"; });
  offer.audio = ours != offer.lines.end() ? static_cast<std::size_t>(ours - offer.lines.begin())
                                          : add_line_for(profile, "audio", offer.codecs, offer);
  if (profile.has_ice) {
    offer.extensions = extensions_to_offer("audio", before ? &before->extensions : nullptr, {});
  }
  const std::vector<Video> none;
  const std::vector<Video>& videos = before != nullptr ? before->videos : none;
  refuse_video(offer.lines);
  // Those of before first: a line that is theirs is not for another.
  for (const bool is_new : {false, true}) {
    for (std::size_t place = 0; place < most_videos(profile); ++place) {
      const Video* const was = video_in(videos, place);
      if ((was == nullptr) != is_new) continue;
      Video video = video_in_offer(profile, policy, place, videos, offer);
      if (video.codecs.empty()) continue;
      video.line = was != nullptr ? was->line : add_line_for(profile, "video", video.codecs, offer);
      offer.lines[video.line].is_ours = true;
      offer.videos.push_back(std::move(video));
    }
  }
  return offer;
}

std::string write_offer(const Profile& profile, const Offer& offer, const OurSide& our) {
  SessionDescription description = begin(profile, our);
  Writer writer{profile, profile.has_ice, description};
  const auto way = [&](const OurTransport& transport) {
    const std::string_view tag = transport.crypto.empty() ? "" : "1";
    return Writer::Way{transport, Setup::ActPass, tag, has_mux(profile)};
  };
  for (std::size_t i = 0; i < offer.lines.size(); ++i) {
    const Line& line = offer.lines[i];
    MediaSection& section = add_line(line, description);
    if (i == offer.audio) {
      writer.write(offer.codecs, lesser(offer.direction, our.direction), way(our), section);
      write_extensions(offer.extensions, section);
      section.ptime_ms = 20;
    } else if (const Video* const video = video_of_line(offer.videos, i)) {
      writer.write(video->codecs, lesser(video->direction, our.direction),
                   way(our.video ? *our.video : our), section, video->place);
      write_extensions(video->extensions, section);
      // RFC 8843 7.2.1: no address of its own, so nothing without the bundle.
      section.is_bundle_only = profile.has_ice && video->is_new;
      if (section.is_bundle_only) section.port = UdpPort(0);
    }
  }
  return writer.finish();
}

// -------------------------------------------------------------------------------- their answer

namespace {

/// An answer may leave video out; without any the call is one of sound.
void take_video_answers(const Profile& profile, const Offer& offer,
                        const SessionDescription& answer, const MediaSection& audio,
                        Agreed& agreed) {
  for (const Video& offered : offer.videos) {
    const MediaSection& section = answer.media[offered.line];
    Video video{match_video_answer(section, offered.codecs), offered.direction};
    leave_out_ambiguous(video.codecs, agreed.videos);
    video.extensions = match_answered_extensions(answer, section, offered.extensions);
    video.place = offered.place;
    video.line = offered.line;
    const bool is_taken = !video.codecs.empty() && goes_with(profile, answer, audio, section) &&
                          can_be_told(video, agreed.videos);
    agreed.lines[offered.line].is_ours =
        is_taken && settle_video(profile, answer, section, true, std::move(video), agreed);
  }
  std::ranges::sort(agreed.videos, {}, &Video::line);
}

}  // namespace

Result<Agreed, Refusal> agree_on_answer(const Profile& profile, const Offer& offer,
                                        const SessionDescription& answer) {
  if (answer.media.size() != offer.lines.size()) {
    return failure(refusal(Reason::SdpInvalid, 0,
                           "it has another number of m-lines than the offer (RFC 3264 6)"));
  }
  for (std::size_t i = 0; i < offer.lines.size(); ++i) {
    if (answer.media[i].kind != offer.lines[i].kind) {
      return failure(refusal(Reason::SdpInvalid, answer.media[i].line,
                             "the offer has another kind of media in this place"));
    }
  }
  const MediaSection& section = answer.media[offer.audio];
  if (!is_there(answer, section)) {
    return failure(refusal(Reason::NoCommonCodec, section.line, "the audio is refused (port 0)"));
  }
  if (!fits(profile, answer, section)) {
    return failure(refusal(Reason::SdpInvalid, section.line,
                           "its protocol is not one of the profile " + std::string(profile.name)));
  }
  Agreed agreed;
  agreed.lines = offer.lines;
  agreed.codecs = match_answer(section.formats, offer.codecs);
  if (agreed.codecs.empty()) {
    return failure(
        refusal(Reason::NoCommonCodec, section.line, "it takes none of the codecs offered"));
  }
  if (auto done = take_audio(profile, answer, section, true, nullptr, agreed); !done) {
    return failure(std::move(done).error());
  }
  agreed.direction = lesser(agreed.direction, offer.direction);
  agreed.extensions = match_answered_extensions(answer, section, offer.extensions);
  take_video_answers(profile, offer, answer, section, agreed);
  agreed.next_mid = mid_after(agreed.lines, offer.next_mid);
  return agreed;
}

}  // namespace causeway::jsep
