#include "control/jsep/sdp_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "control/jsep/sdp_names.h"
#include "relay/base/text.h"

namespace causeway::jsep {

namespace {

using std::string_view;

/// A value's words, from the left.
class Words {
 public:
  explicit Words(string_view text) : rest_(text) { skip_spaces(); }

  /// Empty where there is none left.
  string_view next() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    skip_spaces();
    return word;
  }
  [[nodiscard]] string_view rest() const { return rest_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  string_view rest_;
};

/// `a/b/c` in two: before the first separator, and after it.
std::pair<string_view, string_view> split(string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// Decimal digits only.
template <typename T>
std::optional<T> number(string_view text, T least = 0, T most = std::numeric_limits<T>::max()) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const bool is_number = !text.empty() && text.front() != '-' && read.ec == std::errc{};
  if (!is_number || read.ptr != end || value < least || value > most) return std::nullopt;
  return value;
}

bool is_token(string_view text) {
  constexpr string_view kSeparators = "\"(),/:;<=>?@[\\]";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return c > ' ' && c < 0x7f && kSeparators.find(c) == string_view::npos;
  });
}

/// RFC 8839 5.4: letters, digits, `+` and `/`.
bool is_ice_text(string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

struct StaticType {
  std::uint8_t type;
  string_view encoding_name;
  std::uint32_t clock_rate;
  std::uint32_t channels;
};
/// RFC 3551 6, tables 4 and 5.
constexpr std::array kStaticTypes{
    StaticType{0, "PCMU", 8000, 1},   StaticType{3, "GSM", 8000, 1},
    StaticType{4, "G723", 8000, 1},   StaticType{5, "DVI4", 8000, 1},
    StaticType{6, "DVI4", 16000, 1},  StaticType{7, "LPC", 8000, 1},
    StaticType{8, "PCMA", 8000, 1},   StaticType{9, "G722", 8000, 1},
    StaticType{10, "L16", 44100, 2},  StaticType{11, "L16", 44100, 1},
    StaticType{12, "QCELP", 8000, 1}, StaticType{13, "CN", 8000, 1},
    StaticType{14, "MPA", 90000, 1},  StaticType{15, "G728", 8000, 1},
    StaticType{16, "DVI4", 11025, 1}, StaticType{17, "DVI4", 22050, 1},
    StaticType{18, "G729", 8000, 1},  StaticType{25, "CelB", 90000, 1},
    StaticType{26, "JPEG", 90000, 1}, StaticType{28, "nv", 90000, 1},
    StaticType{31, "H261", 90000, 1}, StaticType{32, "MPV", 90000, 1},
    StaticType{33, "MP2T", 90000, 1}, StaticType{34, "H263", 90000, 1}};

PayloadFormat format_of(std::uint8_t type) {
  PayloadFormat format;
  format.payload_type = PayloadType(type);
  const auto known = std::ranges::find(kStaticTypes, type, &StaticType::type);
  if (known != kStaticTypes.end()) {
    format.encoding_name = known->encoding_name;
    format.clock_rate = RtpClockRate(known->clock_rate);
    format.channels = known->channels;
  }
  return format;
}

/// Reads line by line. Each `read_*` takes a value and says what is wrong by fail(); the first word
/// of that counts.
class Parser {
 public:
  Result<SessionDescription, SdpError> parse(string_view text);

 private:
  enum Level : std::uint8_t { AtSession = 1, InSection = 2, Anywhere = 3 };
  using Reader = void (Parser::*)(string_view value);
  struct LineRule {
    char type;
    Reader read;
  };
  struct AttributeRule {
    string_view name;
    std::uint8_t levels;
    Reader read;
  };
  static const std::array<LineRule, 15> kLines;
  static const std::array<AttributeRule, 31> kAttributes;

  void fail(string_view what) {
    if (error_.empty()) error_ = std::string(where_) + ": " + std::string(what);
  }
  void read_line(string_view line);
  void check_whole();

  [[nodiscard]] bool is_in_section() const { return !out_.media.empty(); }
  [[nodiscard]] MediaSection& section() { return out_.media.back(); }
  [[nodiscard]] Shared& shared() { return is_in_section() ? section().shared : out_.shared; }
  template <typename List, typename Value>
  void append(List& list, Value value, std::size_t most = SdpLimits::kOthers) {
    if (list.size() >= most) return fail("too many of them");
    list.push_back(std::move(value));
  }
  std::optional<Connection> connection(Words words);
  /// The format of this section that a value begins with; nothing where the section has no such
  /// payload type, which is no error (RFC 3264 5.1).
  PayloadFormat* format(string_view word);

  void ignore(string_view) {}
  void read_version(string_view value);
  void read_origin(string_view value);
  void read_name(string_view value);
  void read_connection(string_view value);
  void read_bandwidth(string_view value);
  void read_media(string_view value);
  void read_formats(Words words);
  void read_attribute(string_view value);

  template <Direction direction>
  void read_direction(string_view) {
    shared().direction = direction;
  }
  void read_candidate(string_view value);
  void read_crypto(string_view value);
  void read_end_of_candidates(string_view) { section().has_all_candidates = true; }
  void read_extmap(string_view value);
  void read_extmap_allow_mixed(string_view) { shared().allows_mixed_extensions = true; }
  void read_fingerprint(string_view value);
  void read_fmtp(string_view value);
  void read_group(string_view value);
  void read_ice_lite(string_view) { out_.is_ice_lite = true; }
  void read_ice_options(string_view value);
  void read_ice_pwd(string_view value);
  void read_ice_ufrag(string_view value);
  void read_maxptime(string_view value);
  void read_mid(string_view value);
  void read_bundle_only(string_view) { section().is_bundle_only = true; }
  void read_msid(string_view value);
  void read_ptime(string_view value);
  void read_rtcp(string_view value);
  void read_rtcp_fb(string_view value);
  void read_rtcp_mux(string_view) { section().has_rtcp_mux = true; }
  void read_rtcp_mux_only(string_view) { section().is_rtcp_mux_only = true; }
  void read_rtcp_rsize(string_view) { section().has_reduced_size_rtcp = true; }
  void read_rtpmap(string_view value);
  void read_setup(string_view value);
  void read_ssrc(string_view value);
  void read_ssrc_group(string_view value);
  void read_tls_id(string_view value);
  std::optional<std::uint32_t> milliseconds(string_view value);

  SessionDescription out_;
  int line_ = 0;
  std::string where_;  // `a=rtpmap`
  std::string error_;
  bool has_version_ = false;
  bool has_origin_ = false;
};

const std::array<Parser::LineRule, 15> Parser::kLines{{{'v', &Parser::read_version},
                                                       {'o', &Parser::read_origin},
                                                       {'s', &Parser::read_name},
                                                       {'c', &Parser::read_connection},
                                                       {'b', &Parser::read_bandwidth},
                                                       {'m', &Parser::read_media},
                                                       {'a', &Parser::read_attribute},
                                                       {'i', &Parser::ignore},
                                                       {'u', &Parser::ignore},
                                                       {'e', &Parser::ignore},
                                                       {'p', &Parser::ignore},
                                                       {'t', &Parser::ignore},
                                                       {'r', &Parser::ignore},
                                                       {'z', &Parser::ignore},
                                                       {'k', &Parser::ignore}}};

const std::array<Parser::AttributeRule, 31> Parser::kAttributes{
    {{"sendrecv", Anywhere, &Parser::read_direction<Direction::SendRecv>},
     {"sendonly", Anywhere, &Parser::read_direction<Direction::SendOnly>},
     {"recvonly", Anywhere, &Parser::read_direction<Direction::RecvOnly>},
     {"inactive", Anywhere, &Parser::read_direction<Direction::Inactive>},
     {"bundle-only", InSection, &Parser::read_bundle_only},
     {"candidate", InSection, &Parser::read_candidate},
     {"crypto", InSection, &Parser::read_crypto},
     {"end-of-candidates", InSection, &Parser::read_end_of_candidates},
     {"extmap", Anywhere, &Parser::read_extmap},
     {"extmap-allow-mixed", Anywhere, &Parser::read_extmap_allow_mixed},
     {"fingerprint", Anywhere, &Parser::read_fingerprint},
     {"fmtp", InSection, &Parser::read_fmtp},
     {"group", AtSession, &Parser::read_group},
     {"ice-lite", AtSession, &Parser::read_ice_lite},
     {"ice-options", Anywhere, &Parser::read_ice_options},
     {"ice-pwd", Anywhere, &Parser::read_ice_pwd},
     {"ice-ufrag", Anywhere, &Parser::read_ice_ufrag},
     {"maxptime", InSection, &Parser::read_maxptime},
     {"mid", InSection, &Parser::read_mid},
     {"msid", InSection, &Parser::read_msid},
     {"ptime", InSection, &Parser::read_ptime},
     {"rtcp", InSection, &Parser::read_rtcp},
     {"rtcp-fb", InSection, &Parser::read_rtcp_fb},
     {"rtcp-mux", InSection, &Parser::read_rtcp_mux},
     {"rtcp-mux-only", InSection, &Parser::read_rtcp_mux_only},
     {"rtcp-rsize", InSection, &Parser::read_rtcp_rsize},
     {"rtpmap", InSection, &Parser::read_rtpmap},
     {"setup", Anywhere, &Parser::read_setup},
     {"ssrc", InSection, &Parser::read_ssrc},
     {"ssrc-group", InSection, &Parser::read_ssrc_group},
     {"tls-id", Anywhere, &Parser::read_tls_id}}};

Result<SessionDescription, SdpError> Parser::parse(string_view text) {
  if (text.size() > SdpLimits::kOctets) return failure(SdpError{0, "it is longer than 64 KiB"});
  while (!text.empty() && error_.empty()) {
    ++line_;
    auto [line, rest] = split(text, '\n');
    text = rest;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    read_line(line);
  }
  if (error_.empty()) check_whole();
  if (!error_.empty()) return failure(SdpError{line_, std::move(error_)});
  return std::move(out_);
}

void Parser::read_line(string_view line) {
  where_ = "the line";
  if (line.find_first_of(string_view("\r\0", 2)) != string_view::npos) {
    return fail("a CR or NUL in it");
  }
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  if (line.empty()) return;
  if (line.size() < 2 || line[1] != '=') return fail("not of the form type=value");
  const auto rule = std::ranges::find(kLines, line[0], &LineRule::type);
  if (rule == kLines.end()) return fail("no such type of line");
  where_ = line.substr(0, 2);
  if (!has_version_ && line[0] != 'v') return fail("v=0 has to come first");
  (this->*rule->read)(line.substr(2));
}

void Parser::check_whole() {
  where_ = "the description";
  if (!has_version_) return fail("it is empty");
  if (!has_origin_) return fail("it has no o=");
}

void Parser::read_version(string_view value) {
  if (has_version_) return fail("a second one");
  if (value != "0") return fail("the version is not 0");
  has_version_ = true;
}

std::optional<Connection> Parser::connection(Words words) {
  const string_view network = words.next();
  const string_view family = words.next();
  // What follows a slash is of multicast only (RFC 8866 5.7).
  const string_view address = split(words.next(), '/').first;
  if (network != "IN") return fail("the network is not IN"), std::nullopt;
  if (family != "IP4" && family != "IP6") return fail("neither IP4 nor IP6"), std::nullopt;
  if (address.empty()) return fail("the address is missing"), std::nullopt;
  return Connection{std::string(address), family == "IP6"};
}

void Parser::read_origin(string_view value) {
  if (has_origin_ || is_in_section()) return fail("a second one, or in a section");
  Words words(value);
  out_.username = words.next();
  out_.session_id = words.next();
  out_.session_version = words.next();
  if (const auto found = connection(words)) out_.origin = *found;
  has_origin_ = true;
}

void Parser::read_name(string_view value) {
  if (!is_in_section() && !value.empty()) out_.name = value;
}

void Parser::read_connection(string_view value) {
  if (auto found = connection(Words(value))) shared().connection = std::move(found);
}

void Parser::read_bandwidth(string_view value) {
  const auto [type, amount] = split(value, ':');
  const auto read = number<std::uint64_t>(amount);
  if (!is_token(type) || !read) return fail("not of the form type:number");
  append(shared().bandwidths, Bandwidth{std::string(type), *read});
}

void Parser::read_media(string_view value) {
  if (out_.media.size() >= SdpLimits::kSections) return fail("more than 32 of them");
  Words words(value);
  MediaSection section;
  section.line = line_;
  section.kind = words.next();
  const auto [port, count] = split(words.next(), '/');
  section.protocol = words.next();
  const auto read_port = number<std::uint16_t>(port);
  const auto read_count = count.empty() ? 1 : number<std::uint16_t>(count, 1);
  if (!is_token(section.kind)) return fail("the kind of media is missing");
  if (!read_port || !read_count) return fail("the port is not a number up to 65535");
  if (section.protocol.empty()) return fail("the protocol is missing");
  if (words.empty()) return fail("the formats are missing");
  section.port = UdpPort(*read_port);
  section.port_count = *read_count;
  out_.media.push_back(std::move(section));
  read_formats(words);
}

void Parser::read_formats(Words words) {
  while (!words.empty()) {
    const string_view word = words.next();
    if (!section().is_rtp()) {
      append(section().other_formats, std::string(word), SdpLimits::kFormats);
      continue;
    }
    const auto type = number<std::uint8_t>(word, 0, 127);
    if (!type) return fail("a payload type is not a number up to 127");
    if (section().find(PayloadType(*type)) != nullptr) return fail("a payload type stands twice");
    append(section().formats, format_of(*type), SdpLimits::kFormats);
  }
}

void Parser::read_attribute(string_view value) {
  const auto [name, rest] = split(value, ':');
  const Level level = is_in_section() ? InSection : AtSession;
  const auto rule = std::ranges::find(kAttributes, name, &AttributeRule::name);
  if (rule == kAttributes.end() || (rule->levels & level) == 0) return;
  where_ = "a=" + std::string(rule->name);
  (this->*rule->read)(rest);
}

PayloadFormat* Parser::format(string_view word) {
  const auto type = number<std::uint8_t>(word, 0, 127);
  if (!type) {
    if (section().is_rtp()) fail("the payload type is not a number up to 127");
    return nullptr;
  }
  const auto found =
      std::ranges::find(section().formats, PayloadType(*type), &PayloadFormat::payload_type);
  return found == section().formats.end() ? nullptr : &*found;
}

void Parser::read_rtpmap(string_view value) {
  Words words(value);
  PayloadFormat* const of = format(words.next());
  const auto [encoding_name, parameters] = split(words.next(), '/');
  const auto [clock_rate, channels] = split(parameters, '/');
  const auto read_rate = number<std::uint32_t>(clock_rate, 1);
  const auto read_channels = channels.empty() ? 1U : number<std::uint32_t>(channels, 1, 255);
  if (!is_token(encoding_name)) return fail("the encoding name is missing");
  if (!read_rate) return fail("the clock rate is not a number from 1");
  if (!read_channels) return fail("the channels are not a number from 1 to 255");
  if (of == nullptr) return;
  of->encoding_name = encoding_name;
  of->clock_rate = RtpClockRate(*read_rate);
  of->channels = *read_channels;
}

void Parser::read_fmtp(string_view value) {
  Words words(value);
  PayloadFormat* const of = format(words.next());
  if (of == nullptr) return;
  // Some give the parameters of a type in several lines.
  if (!of->parameters.empty() && !words.empty()) of->parameters += ";";
  of->parameters += words.rest();
}

void Parser::read_rtcp_fb(string_view value) {
  Words words(value);
  const string_view type = words.next();
  if (words.empty()) return fail("the feedback is missing");
  if (type == "*") return append(section().feedback, std::string(words.rest()));
  if (PayloadFormat* const of = format(type)) append(of->feedback, std::string(words.rest()));
}

std::optional<std::uint32_t> Parser::milliseconds(string_view value) {
  const auto [whole, fraction] = split(value, '.');
  const auto read = number<std::uint32_t>(whole, 0, 10'000);
  if (!read || (!fraction.empty() && !number<std::uint32_t>(fraction))) {
    fail("not a number of milliseconds");
    return std::nullopt;
  }
  return *read == 0 ? std::nullopt : read;  // 0 says nothing
}

void Parser::read_ptime(string_view value) { section().ptime_ms = milliseconds(value); }
void Parser::read_maxptime(string_view value) { section().maxptime_ms = milliseconds(value); }

void Parser::read_rtcp(string_view value) {
  Words words(value);
  const auto port = number<std::uint16_t>(words.next());
  if (!port) return fail("the port is not a number up to 65535");
  RtcpAddress address{UdpPort(*port), std::nullopt};
  if (!words.empty()) address.connection = connection(words);
  section().rtcp = std::move(address);
}

void Parser::read_mid(string_view value) {
  if (!is_token(value)) return fail("not a token");
  const bool is_taken =
      std::ranges::any_of(out_.media, [&](const MediaSection& each) { return each.mid == value; });
  if (is_taken) return fail("two sections of the same name");
  if (section().mid) return fail("a second one");
  section().mid = value;
}

void Parser::read_group(string_view value) {
  Words words(value);
  Group group{std::string(words.next()), {}};
  if (!is_token(group.semantics)) return fail("the semantics are missing");
  while (!words.empty()) append(group.mids, std::string(words.next()));
  append(out_.groups, std::move(group));
}

void Parser::read_msid(string_view value) { append(section().msids, std::string(value)); }

void Parser::read_ice_ufrag(string_view value) {
  if (!is_ice_text(value, 4, 256)) return fail("not 4 to 256 letters, digits, + and /");
  shared().ice_ufrag = value;
}

void Parser::read_ice_pwd(string_view value) {
  if (!is_ice_text(value, 22, 256)) return fail("not 22 to 256 letters, digits, + and /");
  shared().ice_pwd = SecretText(value);
}

void Parser::read_ice_options(string_view value) {
  for (Words words(value); !words.empty();) {
    append(shared().ice_options, std::string(words.next()));
  }
}

void Parser::read_fingerprint(string_view value) {
  Words words(value);
  Fingerprint fingerprint{to_lower(words.next()), {}};
  string_view digits = words.next();
  if (!is_token(fingerprint.hash_function) || digits.empty()) {
    return fail("not of the form function digits");
  }
  while (!digits.empty()) {
    std::uint8_t octet = 0;
    const string_view pair = digits.substr(0, 2);
    const auto read = std::from_chars(pair.data(), pair.data() + pair.size(), octet, 16);
    const bool is_pair = pair.size() == 2 && read.ptr == pair.data() + 2;
    const bool is_separated = digits.size() == 2 || (digits.size() > 3 && digits[2] == ':');
    if (!is_pair || !is_separated) return fail("not pairs of hexadecimal digits between colons");
    if (fingerprint.digest.size() == 64) return fail("longer than any hash function's");
    fingerprint.digest.push_back(octet);
    digits.remove_prefix(std::min<std::size_t>(digits.size(), 3));
  }
  append(shared().fingerprints, std::move(fingerprint));
}

void Parser::read_setup(string_view value) {
  const auto setup = value_of(kSetupNames, value);
  if (!setup) return fail("none of actpass, active, passive, holdconn");
  shared().setup = setup;
}

void Parser::read_tls_id(string_view value) {
  if (!is_token(value) || value.size() > 255) return fail("not a token of at most 255 characters");
  shared().tls_id = value;
}

void Parser::read_extmap(string_view value) {
  Words words(value);
  const auto [id, direction] = split(words.next(), '/');
  HeaderExtension extension;
  const auto read = number<std::uint16_t>(id, 1, 4351);  // 4096 and more ask for a number
  if (!read) return fail("the number is not one from 1 to 4351");
  if (!direction.empty()) {
    extension.direction = value_of(kDirectionNames, direction);
    if (!extension.direction) return fail("no such direction");
  }
  extension.id = *read;
  extension.uri = words.next();
  if (extension.uri.empty()) return fail("the URI is missing");
  extension.attributes = words.rest();
  append(shared().header_extensions, std::move(extension));
}

void Parser::read_candidate(string_view value) {
  Words words(value);
  Candidate candidate;
  candidate.foundation = words.next();
  const auto component = number<std::uint16_t>(words.next(), 1, 256);
  candidate.transport = to_lower(words.next());
  const auto priority = number<std::uint32_t>(words.next());
  candidate.address = words.next();
  const auto port = number<std::uint16_t>(words.next());
  const bool says_type = words.next() == "typ";
  candidate.type = words.next();
  candidate.extensions = words.rest();
  if (!component) return fail("the component is not a number from 1 to 256");
  if (!priority) return fail("the priority is not a number of 32 bits");
  if (candidate.address.empty() || !port) return fail("the address and port are wrong or missing");
  if (!says_type || candidate.type.empty()) return fail("typ and the type are missing");
  candidate.component = *component;
  candidate.priority = *priority;
  candidate.port = UdpPort(*port);
  append(section().candidates, std::move(candidate), SdpLimits::kCandidates);
}

void Parser::read_crypto(string_view value) {
  if (value.empty()) return fail("it is empty");
  append(section().crypto, SecretText(value));
}

void Parser::read_ssrc(string_view value) {
  Words words(value);
  const auto ssrc = number<std::uint32_t>(words.next());
  if (!ssrc) return fail("the SSRC is not a number of 32 bits");
  const auto [name, of] = split(words.rest(), ':');
  if (!is_token(name)) return fail("the attribute is missing");
  append(section().sources, SourceAttribute{Ssrc(*ssrc), std::string(name), std::string(of)});
}

void Parser::read_ssrc_group(string_view value) {
  Words words(value);
  SourceGroup group{std::string(words.next()), {}};
  if (!is_token(group.semantics)) return fail("the semantics are missing");
  while (!words.empty()) {
    const auto ssrc = number<std::uint32_t>(words.next());
    if (!ssrc) return fail("an SSRC is not a number of 32 bits");
    append(group.ssrcs, Ssrc(*ssrc));
  }
  append(section().source_groups, std::move(group));
}

}  // namespace

std::string SdpError::to_string() const {
  return line == 0 ? what : "line " + std::to_string(line) + ": " + what;
}

Result<SessionDescription, SdpError> parse_sdp(string_view text) { return Parser().parse(text); }

}  // namespace causeway::jsep
