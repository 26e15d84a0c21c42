#include "control/describe.h"

#include "control/translate_keys.h"

namespace causeway::control {

namespace {

std::string address_text(const v1::SocketAddress& address) {
  const bool is_v6 = address.ip().find(':') != std::string::npos;
  return (is_v6 ? "[" + address.ip() + "]" : address.ip()) + ":" + std::to_string(address.port());
}

std::string address_text(const v1::RtpAddress& address) {
  std::string text = address_text(address.rtp());
  if (address.has_rtcp()) text += " (RTCP " + address_text(address.rtcp()) + ")";
  return text;
}

/// `legs/a` of `sessions/s/legs/a`.
std::string short_name(const std::string& name) {
  const std::size_t first = name.find('/');
  const std::size_t second = first == std::string::npos ? first : name.find('/', first + 1);
  return second == std::string::npos ? name : name.substr(second + 1);
}

std::string suite_text(v1::SrtpSuite suite) {
  const auto known = suite_of(suite);
  return known ? std::string(wire::facts_of(*known).name) : "keys not known yet";
}

std::string security_text(const v1::Leg& leg) {
  if (leg.security().has_dtls()) {
    const v1::SrtpSuite suite = leg.security().dtls().suite();
    return "SRTP with keys from DTLS: " +
           (suite == v1::SRTP_SUITE_UNSPECIFIED ? "no handshake yet" : suite_text(suite));
  }
  if (!leg.security().has_sdes()) return "plain RTP";
  const v1::SdesSecurity& sdes = leg.security().sdes();
  return "SRTP with SDES keys: receives " + suite_text(sdes.receive().suite()) + ", sends " +
         suite_text(sdes.send().suite());
}

std::string accept_text(const v1::AcceptFrom& accept) {
  switch (accept.rule_case()) {
    case v1::AcceptFrom::kSameIp:
      return "its address, any port";
    case v1::AcceptFrom::kCidrs: {
      std::string text = "the networks";
      for (const std::string& cidr : accept.cidrs().cidrs()) text += " " + cidr;
      return text;
    }
    case v1::AcceptFrom::kLatch:
      return "whoever proves to be a steady source (latch)";
    case v1::AcceptFrom::kExact:
      if (accept.exact().has_source()) return address_text(accept.exact().source()) + " only";
      break;
    case v1::AcceptFrom::RULE_NOT_SET:
      break;
  }
  return "that address only";
}

std::string state_text(v1::LegState state) {
  switch (state) {
    case v1::LEG_STATE_WAITING:
      return "waiting for what is missing";
    case v1::LEG_STATE_ACTIVE:
      return "active";
    case v1::LEG_STATE_SILENT:
      return "silent";
    default:
      return "closed";
  }
}

std::string direction_text(v1::Direction direction) {
  switch (direction) {
    case v1::DIRECTION_SENDONLY:
      return "sends only";
    case v1::DIRECTION_RECVONLY:
      return "receives only";
    case v1::DIRECTION_INACTIVE:
      return "on hold both ways";
    default:
      return "";
  }
}

std::string codecs_text(const v1::Leg& leg) {
  if (leg.codecs().empty()) return "any payload type passes as it is";
  std::string text;
  for (const v1::CodecParameters& codec : leg.codecs()) {
    if (!text.empty()) text += ", ";
    text += codec.encoding_name().empty() ? "static" : codec.encoding_name();
    text += " (" + std::to_string(codec.payload_type()) + ")";
  }
  return text;
}

std::string leg_text(const v1::Leg& leg) {
  std::string text = short_name(leg.name()) + ": " + state_text(leg.state()) + "\n";
  const bool has_ice = leg.transport().has_ice();
  const bool is_shared = leg.transport().kind() == v1::TRANSPORT_KIND_SHARED_PORT;
  text += "  gives its endpoint " + address_text(leg.local()) +
          (has_ice ? " as its one ICE candidate" : "") +
          (is_shared ? ", the port that all legs of its worker share," : "") + " on network " +
          leg.network() + "\n";
  if (has_ice) {
    text += leg.has_learned()
                ? "  sends to " + address_text(leg.learned()) + " (the nominated pair)\n"
                : "  has no ICE pair yet\n";
  } else if (leg.has_learned()) {
    text += "  sends to " + address_text(leg.learned()) + " (learned)\n";
  } else if (leg.has_remote()) {
    text += "  sends to " + address_text(leg.remote()) + "\n";
  } else {
    text += "  has nowhere to send yet\n";
  }
  text +=
      "  accepts " + (has_ice ? "whom ICE has validated" : accept_text(leg.accept_from())) + "\n";
  text += "  " + security_text(leg) + "\n";
  text += "  codecs: " + codecs_text(leg) + "\n";
  if (const std::string direction = direction_text(leg.direction()); !direction.empty()) {
    text += "  " + direction + "\n";
  }
  return text;
}

std::string recording_text(const v1::Recording& recording) {
  std::string text = short_name(recording.name()) + ": ";
  switch (recording.state()) {
    case v1::RECORDING_STATE_RECORDING:
      text += "recording";
      break;
    case v1::RECORDING_STATE_PAUSED:
      text += "paused";
      break;
    case v1::RECORDING_STATE_STOPPED:
      text += "stopped";
      break;
    default:
      text += "failed";
      break;
  }
  for (const v1::RecordingChannel& channel : recording.channels()) {
    text += (&channel == &recording.channels(0) ? " " : " and ") + short_name(channel.leg());
  }
  text += " to " + recording.uri();
  if (!recording.degraded_reason().empty())
    text += " (degraded: " + recording.degraded_reason() + ")";
  return text + "\n";
}

}  // namespace

std::string describe(const v1::Session& session) {
  std::string text = session.name() + ": ";
  text += session.state() == v1::SESSION_STATE_ORPHANED ? "orphaned, ends when it is silent\n"
                                                        : "open\n";
  for (const v1::Leg& leg : session.legs()) text += leg_text(leg);
  for (const v1::Connection& connection : session.connections()) {
    text += connection.plan().text();
    if (!connection.plan().why().empty()) text += "  (" + connection.plan().why() + ")";
    text += "\n";
  }
  if (session.connections().empty()) text += "no connections: nothing passes\n";
  for (const v1::Recording& recording : session.recordings()) text += recording_text(recording);
  return text;
}

}  // namespace causeway::control
