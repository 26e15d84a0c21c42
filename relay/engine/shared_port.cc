#include "relay/engine/shared_port.h"

#include <algorithm>
#include <array>

#include "relay/engine/leg.h"
#include "relay/ice/transaction_ids.h"

namespace causeway::engine {

SharedPort::SharedPort(SocketId socket, std::string route, std::size_t max_legs, const SipKey& key)
    : socket_(socket),
      route_(std::move(route)),
      key_(key),
      members_(max_legs),
      fragments_(max_legs * decltype(Member::fragments)::capacity()),
      sources_(max_legs * decltype(Member::sources)::capacity()) {
  free_.reserve(max_legs);
  for (std::size_t i = max_legs; i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
}

std::uint64_t SharedPort::key_of(std::string_view fragment) const {
  return sip_hash(key_, as_octets(fragment));
}

std::uint64_t SharedPort::key_of(const SocketAddress& source) const {
  std::array<std::byte, 19> octets;
  const auto& ip = source.ip.octets();
  std::ranges::transform(ip, octets.begin(), [](std::uint8_t octet) { return std::byte{octet}; });
  store_be16(&octets[16], source.port.raw());
  store_u8(&octets[18], static_cast<std::uint8_t>(source.ip.family()));
  return sip_hash(key_, octets);
}

// --------------------------------------------------------------------------------------- its legs

bool SharedPort::is_free(std::string_view fragment, std::optional<std::uint32_t> place) const {
  const auto found = fragments_.find(key_of(fragment));
  return !found || found == place;
}

std::uint32_t SharedPort::add(Leg& leg, std::uint32_t session) {
  const std::uint32_t place = free_.back();
  free_.pop_back();
  members_[place].leg = {&leg, session, false};
  leg.set_transaction_ids({key_, place});
  name(place);
  if (const auto& pair = leg.endpoint().ice()->selected()) hear(place, *pair);
  return place;
}

void SharedPort::remove(std::uint32_t place) {
  unname(place);
  Member& member = members_[place];
  for (const std::uint64_t source : member.sources) sources_.remove(source);
  member.sources.clear();
  member.leg = {};
  free_.push_back(place);
}

void SharedPort::rename(std::uint32_t place) {
  unname(place);
  name(place);
}

void SharedPort::name(std::uint32_t place) {
  Member& member = members_[place];
  const ice::Agent* const agent = member.leg.leg->endpoint().ice();
  for (const std::string* const fragment : {&agent->ufrag(), agent->ufrag_before()}) {
    if (fragment == nullptr) continue;
    member.fragments.push_back(key_of(*fragment));
    fragments_.put(key_of(*fragment), place);
  }
}

void SharedPort::unname(std::uint32_t place) {
  Member& member = members_[place];
  for (const std::uint64_t fragment : member.fragments) fragments_.remove(fragment);
  member.fragments.clear();
}

void SharedPort::hear(std::uint32_t place, const SocketAddress& source) {
  const std::uint64_t key = key_of(source);
  if (const auto owner = sources_.find(key)) forget(*owner, key);
  auto& sources = members_[place].sources;
  if (sources.full()) forget(place, sources[0]);
  sources.push_back(key);
  sources_.put(key, place);
}

void SharedPort::forget(std::uint32_t place, std::uint64_t source) {
  auto& sources = members_[place].sources;
  auto* const found = std::ranges::find(sources, source);
  std::rotate(found, found + 1, sources.end());
  sources.erase_unordered(sources.size() - 1);
  sources_.remove(source);
}

// ------------------------------------------------------------------------------------- datagrams

Recipient SharedPort::recipient_of(const Datagram& in, wire::DatagramKind kind) {
  const auto place = place_of(in, kind);
  return place ? members_[*place].leg : Recipient{};
}

std::optional<std::uint32_t> SharedPort::place_of(const Datagram& in, wire::DatagramKind kind) {
  if (kind == wire::DatagramKind::Stun) {
    const auto stun = wire::StunView::parse(in.packet.data());
    if (stun && stun->message_class() == wire::StunClass::Request) {
      const auto username = stun->username();
      const auto parts = username ? wire::split_username(*username) : std::nullopt;
      if (parts) return place_of_check(parts->receiver);
    } else if (stun && stun->message_class() != wire::StunClass::Indication) {
      const auto place = place_of_answer(*stun);
      if (!place) ++counters_.strays;
      return place;
    }
  }
  const auto place = sources_.find(key_of(in.from));
  if (!place) ++counters_.strays;
  return place;
}

std::optional<std::uint32_t> SharedPort::place_of_check(std::string_view fragment) {
  const auto place = fragments_.find(key_of(fragment));
  if (!place) {
    ++(fragment.starts_with(route_) ? counters_.unknown_checks : counters_.misrouted_checks);
  }
  return place;
}

std::optional<std::uint32_t> SharedPort::place_of_answer(const wire::StunView& answer) const {
  const std::uint32_t place = ice::TransactionIds::place_in(answer.transaction(), key_);
  if (place >= members_.size() || members_[place].leg.leg == nullptr) return std::nullopt;
  return place;
}

}  // namespace causeway::engine
