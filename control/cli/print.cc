#include "control/cli/print.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <array>
#include <cstdio>

#include "control/cli/terminal.h"

namespace causeway::cli {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::TimeUtil;

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string milliseconds(const google::protobuf::Duration& span) {
  return number(static_cast<double>(TimeUtil::DurationToNanoseconds(span)) / 1e6, 1) + " ms";
}

std::string address(const v1::SocketAddress& at) {
  const bool is_v6 = at.ip().find(':') != std::string::npos;
  return (is_v6 ? "[" + at.ip() + "]" : at.ip()) + ":" + std::to_string(at.port());
}

std::string scalar(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool is_one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text =
          is_one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        return "(" + std::to_string(text.size()) + " octets)";
      }
      if (field.full_name() == "causeway.v1.SrtpKeys.crypto") return "(a key: see --json)";
      return visible(text);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return (is_one ? r.GetEnum(message, &field) : r.GetRepeatedEnum(message, &field, index))
          ->name();
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(is_one ? r.GetUInt32(message, &field)
                                   : r.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return number(static_cast<double>(r.GetFloat(message, &field)), 2);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return number(r.GetDouble(message, &field), 2);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return {};
}

/// The messages that read better as one word.
std::string as_word(const Message& message) {
  const std::string& name = message.GetDescriptor()->full_name();
  if (name == "google.protobuf.Duration") {
    return TimeUtil::ToString(static_cast<const google::protobuf::Duration&>(message));
  }
  if (name == "google.protobuf.Timestamp") {
    return TimeUtil::ToString(static_cast<const google::protobuf::Timestamp&>(message));
  }
  if (name == "causeway.v1.SocketAddress") {
    return address(static_cast<const v1::SocketAddress&>(message));
  }
  return {};
}

void write(const Message& message, bool is_line, int indent, std::string& out);

void write_field(const Message& message, const FieldDescriptor& field, int index, bool is_line,
                 int indent, std::string& out) {
  const auto begin = [&] {
    out += is_line ? (out.empty() || out.back() == '{' ? "" : " ")
                   : std::string(static_cast<std::size_t>(indent) * 2, ' ');
    out += field.name() + (is_line ? "=" : ": ");
  };
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    begin();
    out += scalar(message, field, index) + (is_line ? "" : "\n");
    return;
  }
  const Reflection& r = *message.GetReflection();
  const Message& inner =
      index < 0 ? r.GetMessage(message, &field) : r.GetRepeatedMessage(message, &field, index);
  begin();
  if (const std::string word = as_word(inner); !word.empty()) {
    out += word + (is_line ? "" : "\n");
  } else if (is_line) {
    out += "{";
    write(inner, true, 0, out);
    out += "}";
  } else {
    out += "\n";
    write(inner, false, indent + 1, out);
  }
}

void write(const Message& message, bool is_line, int indent, std::string& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      write_field(message, *field, -1, is_line, indent, out);
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < count; ++i) write_field(message, *field, i, is_line, indent, out);
  }
}

void write_direction(const char* title, const v1::DirectionReport& report, std::string& out) {
  out += std::string("  ") + title + ": " + std::to_string(report.packets()) + " packets";
  if (report.packets() == 0) {
    out += "\n";
    return;
  }
  if (!report.codec().encoding_name().empty()) out += " of " + report.codec().encoding_name();
  out += ", lost " + std::to_string(report.lost_packets());
  const auto lost = static_cast<double>(report.lost_packets());
  if (lost > 0) {  // of all, as the number before it; `lost_fraction` is of late
    out += " (" + number(100 * lost / (static_cast<double>(report.packets()) + lost), 1) + " %)";
  }
  if (report.has_jitter()) out += ", jitter " + milliseconds(report.jitter());
  if (report.reordered_packets() > 0) {
    out += ", reordered " + std::to_string(report.reordered_packets());
  }
  if (report.has_mos()) out += ", MOS " + number(static_cast<double>(report.mos()), 2);
  out += "\n";
}

void write_leg(const v1::LegReport& leg, std::string& out) {
  out += leg.leg() + "\n";
  if (leg.has_local()) out += "  at " + address(leg.local().rtp());
  if (leg.has_remote()) {
    out += " <-> " + address(leg.remote().rtp()) + (leg.is_remote_learned() ? " (learned)" : "");
  }
  if (leg.has_local() || leg.has_remote()) out += "\n";
  write_direction("from the endpoint", leg.received(), out);
  write_direction("to the endpoint  ", leg.sent(), out);
  if (leg.has_round_trip() && leg.round_trip().has_last()) {
    out += "  round trip: " + milliseconds(leg.round_trip().last()) + "\n";
  }
  if (leg.has_decoding() && leg.decoding().packets() > 0) {
    const v1::DecodeReport& d = leg.decoding();
    out += "  decoded: " + std::to_string(d.packets()) + " packets, concealed " +
           std::to_string(d.concealed_packets()) + ", recovered by FEC " +
           std::to_string(d.fec_recovered_packets()) + ", late " +
           std::to_string(d.late_packets()) + "\n";
  }
  if (leg.has_encoding() && leg.encoding().packets() > 0) {
    out += "  encoded: " + std::to_string(leg.encoding().packets()) + " packets\n";
  }
  if (leg.has_added_delay() && leg.added_delay().packets() > 0) {
    out += "  added delay: p50 " + milliseconds(leg.added_delay().p50()) + ", p99 " +
           milliseconds(leg.added_delay().p99()) + "\n";
  }
  std::string drops;
  for (const auto& [reason, count] : leg.drops()) {
    if (count > 0) drops += (drops.empty() ? " " : ", ") + reason + " " + std::to_string(count);
  }
  if (!drops.empty()) out += "  dropped:" + drops + "\n";
}

}  // namespace

std::string as_text(const Message& message) {
  if (const std::string word = as_word(message); !word.empty()) return word + "\n";
  std::string out;
  write(message, false, 0, out);
  return out;
}

std::string as_line(const Message& message) {
  std::string out;
  write(message, true, 0, out);
  return out;
}

std::string as_json(const Message& message, bool is_indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = is_indented;
  options.preserve_proto_field_names = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) return "{}";
  if (out.empty() || out.back() != '\n') out += "\n";
  return out;
}

Severity severity_of(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kDtlsFailed:
    case v1::Event::kSrtpAuthFailures:
      return Severity::Error;
    case v1::Event::kEventsLost:
    case v1::Event::kMediaTimeout:
    case v1::Event::kKeyExpiring:
    case v1::Event::kSessionOrphaned:
      return Severity::Warning;
    case v1::Event::kIceStateChanged:
      if (event.ice_state_changed().state() == v1::ICE_STATE_FAILED) return Severity::Error;
      return event.ice_state_changed().state() == v1::ICE_STATE_DISCONNECTED ? Severity::Warning
                                                                             : Severity::Info;
    case v1::Event::kRecordingState:
      if (event.recording_state().transition() == v1::RECORDING_TRANSITION_FAILED) {
        return Severity::Error;
      }
      return event.recording_state().transition() == v1::RECORDING_TRANSITION_DEGRADED
                 ? Severity::Warning
                 : Severity::Info;
    case v1::Event::kPlaybackEnded:
      return event.playback_ended().failure().empty() ? Severity::Info : Severity::Error;
    default:
      return Severity::Info;
  }
}

std::string as_line(const v1::Event& event, bool is_colored) {
  struct Shown {
    const char* word;
    Mark mark;
  };
  constexpr std::array<Shown, 3> kShown = {
      Shown{"info ", Mark::Green}, {"warn ", Mark::Yellow}, {"ERROR", Mark::Red}};
  const Shown& shown = kShown[static_cast<std::size_t>(severity_of(event))];
  std::string out =
      TimeUtil::ToString(event.time()) + " " + marked(shown.word, shown.mark, is_colored) + " ";
  if (!event.leg().empty()) {
    out += visible(event.leg()) + " ";
  } else if (!event.session().empty()) {
    out += visible(event.session()) + " ";
  }
  const FieldDescriptor* kind =
      event.GetReflection()->GetOneofFieldDescriptor(event, v1::Event::descriptor()->oneof_decl(0));
  if (kind == nullptr) return out;
  out += marked(kind->name(), Mark::Bold, is_colored);
  const std::string details = as_line(event.GetReflection()->GetMessage(event, kind));
  return details.empty() ? out : out + " " + details;
}

std::string as_text(const v1::SessionReport& report) {
  std::string out;
  for (const v1::LegReport& leg : report.legs()) write_leg(leg, out);
  for (const v1::ConnectionReport& connection : report.connections()) {
    out += connection.plan().text() + "\n";
  }
  for (const v1::Recording& recording : report.recordings()) {
    out += recording.name() + ": " + v1::RecordingState_Name(recording.state()) + " " +
           recording.uri() + "\n";
  }
  return out;
}

std::string addresses(const v1::Session& session) {
  std::string out;
  for (const v1::Leg& leg : session.legs()) {
    out += leg.name() + ": send RTP to " + address(leg.local().rtp());
    if (leg.local().has_rtcp()) out += ", RTCP to " + address(leg.local().rtcp());
    out += "\n";
    for (const v1::SrtpMasterKey& key : leg.security().sdes().send().keys()) {
      if (!key.material().empty()) out += "  the relay's key: see --json\n";
    }
  }
  return out;
}

}  // namespace causeway::cli
