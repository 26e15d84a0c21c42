#include "tests/bench/generator/plan.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>

#include "relay/srtp/sdes.h"

namespace causeway::bench {

namespace {

using Fields = std::map<std::string, std::string>;

[[noreturn]] void give_up(const std::string& line, const std::string& why) {
  std::cerr << "bench_generator: " << why << " in: " << line << "\n";
  std::exit(2);
}

Fields fields_of(const std::string& line) {
  Fields fields;
  std::istringstream words(line);
  std::string word;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) give_up(line, "no '=' in " + word);
    fields[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return fields;
}

SocketAddress address_of(const std::string& line, const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  const auto address = found == fields.end() ? std::nullopt : SocketAddress::parse(found->second);
  if (!address) give_up(line, "no address " + name);
  return *address;
}

wire::SrtpKeys keys_of(const std::string& line, std::string text) {
  std::ranges::replace(text, ',', ' ');
  auto attribute = srtp::parse_sdes(text);
  if (!attribute) give_up(line, "a wrong key: " + attribute.error().detail);
  return std::move(attribute->keys);
}

Payload payload_of(const std::string& line, const std::string& name) {
  if (name == "pattern") return Payload::Pattern;
  if (name == "pcmu") return Payload::Pcmu;
  if (name == "g722") return Payload::G722;
  if (name == "opus") return Payload::Opus;
  give_up(line, "an unknown payload");
}

LegPlan leg_of(const std::string& line) {
  Fields fields = fields_of(line);
  LegPlan leg;
  leg.local = address_of(line, fields, "local");
  leg.remote = address_of(line, fields, "remote");
  if (fields.contains("rtcp")) leg.remote_rtcp = address_of(line, fields, "rtcp");
  leg.payload = payload_of(line, fields["payload"]);
  leg.type = PayloadType(static_cast<std::uint8_t>(std::atoi(fields["type"].c_str())));
  leg.hears = static_cast<std::size_t>(std::atol(fields["hears"].c_str()));
  leg.is_listened_to = fields.contains("listen");
  if (fields.contains("send")) {
    auto made = srtp::SrtpSender::create(keys_of(line, fields["send"]), {});
    if (!made) give_up(line, made.error().detail);
    leg.sealer = std::move(*made);
  }
  if (fields.contains("receive")) {
    auto made = srtp::SrtpReceiver::create(keys_of(line, fields["receive"]), {});
    if (!made) give_up(line, made.error().detail);
    leg.opener = std::move(*made);
  }
  return leg;
}

}  // namespace

std::vector<LegPlan> read_plan(std::istream& in) {
  std::vector<LegPlan> legs;
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty()) legs.push_back(leg_of(line));
  }
  for (const LegPlan& leg : legs) {
    if (leg.hears >= legs.size()) give_up("the plan", "a leg hears one that is not there");
  }
  return legs;
}

}  // namespace causeway::bench
