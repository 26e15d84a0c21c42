#include "relay/engine/engine.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::engine {

namespace {

/// How many ports are tried for a leg before the operating system is believed.
constexpr std::uint8_t kMaxPortAttempts = 8;
/// Two sockets for a leg without rtcp-mux; a session of two legs is the rule.
constexpr std::size_t kLegsPerSession = 2;
constexpr std::size_t kSocketsPerSession = 2 * kLegsPerSession;
constexpr std::size_t kMaxBatch = 1024;

bool is_due(std::optional<Instant> at, Instant now) { return at && *at <= now; }

}  // namespace

Engine::Engine(EngineConfig config, PacketPool& pool)
    : config_(std::move(config)),
      pool_(pool),
      random_(config_.random_key),
      sessions_(config_.max_sessions),
      sockets_(config_.max_sessions * kSocketsPerSession + config_.networks.size()),
      timers_(config_.max_sessions) {
  networks_.reserve(config_.networks.size());
  for (const NetworkConfig& network : config_.networks) {
    networks_.push_back(
        {network, PortTable(network.first_port, network.last_port, config_.port_quarantine), {}});
  }
  free_sessions_.reserve(sessions_.size());
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    free_sessions_.push_back(static_cast<std::uint32_t>(i));
  }
  // The last slots are the networks' own.
  const std::size_t own_sockets = sockets_.size() - networks_.size();
  free_sockets_.reserve(own_sockets);
  for (std::size_t i = own_sockets; i-- > 0;) {
    free_sockets_.push_back(static_cast<std::uint32_t>(i));
  }
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    if (!networks_[i].config.shared_port) continue;
    SocketSlot& slot = sockets_[own_sockets + i];
    const SocketId socket{static_cast<std::uint32_t>(own_sockets + i), slot.generation};
    networks_[i].shared =
        std::make_unique<SharedPort>(socket, config_.route, config_.max_sessions * kLegsPerSession,
                                     SipKey{random_.next(), random_.next()});
    slot.shared = networks_[i].shared.get();
  }
  sent_.reserve(256);
  transcoded_.reserve(kMaxBatch);
}

Engine::~Engine() = default;

// ----------------------------------------------------------------------------------- look-ups

Engine::SessionSlot* Engine::find(SessionHandle handle) {
  if (handle.worker != config_.worker || handle.slot >= sessions_.size()) return nullptr;
  SessionSlot& slot = sessions_[handle.slot];
  return slot.generation == handle.generation && slot.session ? &slot : nullptr;
}

Leg* Engine::find(LegHandle handle) {
  SessionSlot* slot = find(handle.session);
  return slot == nullptr ? nullptr : slot->session->leg(handle.leg);
}

Engine::SocketSlot* Engine::find(SocketId id) {
  if (id.slot >= sockets_.size()) return nullptr;
  SocketSlot& slot = sockets_[id.slot];
  const bool is_used = slot.owner.leg != nullptr || slot.shared != nullptr;
  return slot.generation == id.generation && is_used ? &slot : nullptr;
}

void Engine::rearm(std::uint32_t slot) {
  const auto& session = sessions_[slot].session;
  timers_.set(slot, session ? std::optional(session->next_timeout()) : std::nullopt);
}

// -------------------------------------------------------------------------------------- media

void Engine::handle_datagrams(std::span<Datagram> batch, Outbox& out) {
  transcoded_.clear();
  const bool has_others = batch.size() > 1;
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    Datagram& in = batch[i];
    const bool is_whole = in.packet.size() >= 2;
    const wire::DatagramKind kind =
        is_whole ? wire::kind_of(in.packet.data()) : wire::DatagramKind::Unknown;
    const Recipient to = recipient_of(in, kind);
    if (to.leg == nullptr || !is_whole) [[unlikely]] {
      if (to.leg != nullptr) to.leg->count_drop(DropReason::Truncated);
      in.packet.reset();
    } else if (kind == wire::DatagramKind::Stun || kind == wire::DatagramKind::Dtls) [[unlikely]] {
      handle_setup(in, kind, to, out);
    } else if (to.is_rtcp || kind == wire::DatagramKind::Rtcp) [[unlikely]] {
      handle_rtcp(in, to, out);
    } else if (has_others && is_transcoded(to) && transcoded_.size() < transcoded_.capacity()) {
      transcoded_.push_back({i, to});  // the quick ones first
    } else {
      handle_rtp(in, to, out);
    }
  }
  for (const Waiting& waiting : transcoded_) handle_rtp(batch[waiting.index], waiting.to, out);
}

/// No leg: it is nobody's, and counted.
Recipient Engine::recipient_of(const Datagram& in, wire::DatagramKind kind) {
  SocketSlot* const socket = find(in.socket);
  if (socket == nullptr) {
    ++stray_datagrams_;
    return {};
  }
  return socket->shared != nullptr ? socket->shared->recipient_of(in, kind) : socket->owner;
}

bool Engine::is_transcoded(Recipient from) const {
  const Session& session = *sessions_[from.session].session;
  return std::ranges::any_of(session.connections(), [&](const auto& connection) {
    return connection->from == from.leg->number() && connection->path->transcodes();
  });
}

void Engine::handle_rtp(Datagram& in, Recipient to, Outbox& out) {
  const std::size_t events_before = out.events.size();
  const std::uint32_t slot = to.session;
  Session& session = *sessions_[slot].session;
  Leg& from = *to.leg;
  const auto answer_before = from.transport_cc_at();
  auto packet = from.receive_rtp(in, out);
  bool has_timers = from.transport_cc_at() != answer_before;
  if (packet) {
    Connection* last = nullptr;
    bool is_connected = false;
    for (const auto& connection : session.connections()) {
      if (connection->from != from.number()) continue;
      is_connected = true;
      if (!connection->path->takes(packet->payload_type())) continue;
      if (last != nullptr) deliver(in.arrival, *last, session, packet->clone(pool_), out);
      last = connection.get();
      has_timers = has_timers || connection->path->transcodes();
    }
    if (last == nullptr) {
      from.count_drop(is_connected ? DropReason::UnknownPayloadType : DropReason::NoPath);
    } else {
      deliver(in.arrival, *last, session, std::move(*packet), out);
    }
  }
  // Deadlines only ever move later on a path without a transcoder, and the timer finds that out
  // when it fires. What makes them earlier says so in an event.
  if (has_timers || out.events.size() != events_before) rearm(slot);
}

void Engine::deliver(Instant now, Connection& connection, Session& session, wire::OpenRtp&& packet,
                     Outbox& out) {
  Leg* to = session.leg(connection.to);
  Leg* from = session.leg(connection.from);
  if (to == nullptr || from == nullptr) return;
  if (packet.size() == 0) return from->count_drop(DropReason::PoolEmpty);  // a clone that failed
  if (!to->can_send()) {
    return to->count_drop(to->endpoint().rtp() ? DropReason::Paused : DropReason::NoRemote);
  }
  const media::Route& route = connection.path->route(packet.payload_type());
  std::optional<PayloadType> video_type;
  if (route.is_video) {
    video_type = to->video_type(from->section(), route.out);
    if (!video_type) return to->count_drop(DropReason::Paused);
  }
  connection.path->set_suppressed(to->is_sending_digits());
  const auto done = connection.path->handle_packet(
      now, std::move(packet), {pool_, to->streams(), sent_, from->section(), video_type});
  if (!done) from->count_drop(done.error());
  send_all(now, *to, connection, out);
}

void Engine::send_all(Instant now, Leg& to, Connection& via, Outbox& out) {
  for (wire::OpenRtp& packet : sent_) to.send_rtp(now, std::move(packet), via.kept.get(), out);
  sent_.clear();
}

void Engine::handle_rtcp(Datagram& in, Recipient to, Outbox& out) {
  const std::uint32_t slot = to.session;
  const std::size_t events_before = out.events.size();
  auto compound = to.leg->receive_rtcp(in, out);
  if (compound) {
    sessions_[slot].session->handle_rtcp(in.arrival, *to.leg, *compound, pool_, out);
  }
  if (out.events.size() != events_before) rearm(slot);
}

/// ICE, on the RTP port, and DTLS.
void Engine::handle_setup(Datagram& in, wire::DatagramKind kind, Recipient to, Outbox& out) {
  Leg& leg = *to.leg;
  if (kind == wire::DatagramKind::Stun) {
    if (to.is_rtcp) return leg.count_drop(DropReason::Unsupported);
    const bool is_proof = leg.receive_stun(in, {pool_, random_, sent_}, out);
    SharedPort* const shared = is_proof ? shared_port_of(leg) : nullptr;
    if (shared != nullptr) shared->hear(leg.rtp_port.place, in.from);
  } else {
    leg.receive_dtls(in, out);
  }
  in.packet.reset();
  rearm(to.session);
}

void Engine::handle_timeout(Instant now, Outbox& out) {
  while (const auto slot = timers_.due(now)) {
    Session& session = *sessions_[*slot].session;
    if (now >= session.lease_check_at()) {
      const bool was_silent = session.expiry() == LeaseExpiry::CloseWhenSilent;
      close_session(now, *slot,
                    was_silent ? SessionClosed::Reason::LeaseExpiredSilent
                               : SessionClosed::Reason::LeaseExpired,
                    out);
      continue;
    }
    run_timeouts(now, session, out);
    const Instant next = session.next_timeout();
    // Every handler moves its own deadline on; one that does not would spin here for ever.
    CAUSEWAY_CHECK(next > now, "a timeout that was handled is over");
    timers_.set(*slot, next);
  }
}

void Engine::run_timeouts(Instant now, Session& session, Outbox& out) {
  for (const auto& leg : session.legs()) leg->handle_timeout(now, {pool_, random_, sent_}, out);
  for (const auto& connection : session.connections()) {
    Leg* to = session.leg(connection->to);
    if (to == nullptr || !is_due(connection->path->next_timeout(), now)) continue;
    connection->path->set_suppressed(to->is_sending_digits());
    // What is made for an endpoint on hold takes no place in its stream.
    const bool is_held = !to->can_send();
    const rtp::OutputStream before = to->streams().audio();
    connection->path->handle_timeout(now, {pool_, to->streams(), sent_});
    send_all(now, *to, *connection, out);
    if (is_held) to->streams().audio() = before;
  }
}

// ------------------------------------------------------------------------------ ports and sockets

Status Engine::check_networks(Instant now, const Session& session) {
  const auto is_known = [&](const auto& leg) { return leg->setup().network < networks_.size(); };
  if (!std::ranges::all_of(session.legs(), is_known)) return Status::NetworkNotFound;
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    std::size_t pairs = 0;
    std::size_t singles = 0;
    std::size_t sharing = 0;
    for (const auto& leg : session.legs()) {
      const LegSetup& setup = leg->setup();
      if (setup.network != i) continue;
      if (setup.has_shared_port) {
        ++sharing;
      } else if (!setup.fixed_rtp_port) {
        ++(leg->endpoint().has_rtcp_mux() ? singles : pairs);
      }
    }
    if (!networks_[i].ports.has_room(now, pairs, singles)) return Status::PortsExhausted;
    if (sharing == 0) continue;
    if (networks_[i].shared == nullptr) return Status::NoSharedPort;
    if (networks_[i].shared->room() < sharing) return Status::PortsExhausted;
  }
  return Status::Ok;
}

SocketId Engine::open_socket(std::uint32_t session_slot, Leg& leg, UdpPort port, bool is_rtcp,
                             Outbox& out) {
  const std::uint32_t index = free_sockets_.back();
  free_sockets_.pop_back();
  SocketSlot& slot = sockets_[index];
  slot.owner = {&leg, session_slot, is_rtcp};
  const SocketId id{index, slot.generation};
  const NetworkConfig& network = networks_[leg.setup().network].config;
  out.sockets.push_back(
      {SocketWish::Kind::Open, id, {network.bind, port}, leg.setup().dscp.value_or(network.dscp)});
  return id;
}

Status Engine::open_ports(Instant now, std::uint32_t session_slot, Leg& leg, Outbox& out) {
  const LegSetup& setup = leg.setup();
  if (setup.has_shared_port) return join_shared_port(now, session_slot, leg, out);
  Network& network = networks_[setup.network];
  if (free_sockets_.size() < 2) return Status::PortsExhausted;
  std::optional<UdpPort> rtp;
  std::optional<UdpPort> rtcp;
  if (setup.fixed_rtp_port) {
    if (network.ports.claim(now, *setup.fixed_rtp_port)) rtp = setup.fixed_rtp_port;
    if (rtp && setup.fixed_rtcp_port && network.ports.claim(now, *setup.fixed_rtcp_port)) {
      rtcp = setup.fixed_rtcp_port;
    }
  } else if (leg.endpoint().has_rtcp_mux()) {
    rtp = network.ports.allocate_one(now, random_);
  } else if ((rtp = network.ports.allocate_pair(now, random_))) {
    rtcp = UdpPort(static_cast<std::uint16_t>(rtp->raw() + 1));
  }
  if (!rtp) return Status::PortsExhausted;
  const IpAddress& advertised = network.config.advertised;
  leg.rtp_port = {open_socket(session_slot, leg, *rtp, false, out), {advertised, *rtp}};
  leg.rtcp_port.reset();
  if (rtcp) {
    leg.rtcp_port =
        Leg::Port{open_socket(session_slot, leg, *rtcp, true, out), {advertised, *rtcp}};
  }
  return Status::Ok;
}

void Engine::open_shared_ports(Outbox& out) {
  for (const Network& network : networks_) {
    if (network.shared == nullptr) continue;
    const NetworkConfig& config = network.config;
    out.sockets.push_back({SocketWish::Kind::Open,
                           network.shared->socket(),
                           {config.bind, *config.shared_port},
                           config.dscp});
  }
}

/// The port is there already, so the leg's is open at once.
Status Engine::join_shared_port(Instant now, std::uint32_t session_slot, Leg& leg, Outbox& out) {
  Network& network = networks_[leg.setup().network];
  SharedPort* const shared = network.shared.get();
  if (shared == nullptr) return Status::NoSharedPort;
  if (!shared->is_open()) return Status::SocketRefused;
  if (shared->room() == 0) return Status::PortsExhausted;
  const ice::Agent* const agent = leg.endpoint().ice();
  CAUSEWAY_CHECK(agent != nullptr, "a leg on a shared port is known by its ICE");
  if (!shared->is_free(agent->ufrag())) return Status::FragmentTaken;
  const SocketAddress local{network.config.advertised, *network.config.shared_port};
  leg.rtp_port = {shared->socket(), local, true, shared->add(leg, session_slot)};
  leg.connect(now, out);
  return Status::Ok;
}

SharedPort* Engine::shared_port_of(const Leg& leg) {
  const SocketSlot* const slot = find(leg.rtp_port.socket);
  return slot == nullptr ? nullptr : slot->shared;
}

SharedPortCounters Engine::shared_port_counters() const {
  SharedPortCounters sum;
  for (const Network& network : networks_) {
    if (network.shared == nullptr) continue;
    const SharedPortCounters& counted = network.shared->counters();
    sum.misrouted_checks += counted.misrouted_checks;
    sum.unknown_checks += counted.unknown_checks;
    sum.strays += counted.strays;
  }
  return sum;
}

void Engine::close_socket(Instant now, Leg& leg, Leg::Port& port, PortFate fate, Outbox& out) {
  SocketSlot* slot = find(port.socket);
  if (slot == nullptr) return;
  port.is_open = false;
  if (slot->shared != nullptr) {
    slot->shared->remove(port.place);
    port.socket = {};
    return;
  }
  slot->owner = {};
  ++slot->generation;
  free_sockets_.push_back(port.socket.slot);
  PortTable& ports = networks_[leg.setup().network].ports;
  if (fate == PortFate::Rests) {
    ports.release(now, port.local.port);
  } else {
    ports.put_back(port.local.port);
  }
  out.sockets.push_back({SocketWish::Kind::Close, port.socket, {}, 0});
}

void Engine::close_ports(Instant now, Leg& leg, PortFate fate, Outbox& out) {
  close_socket(now, leg, leg.rtp_port, fate, out);
  if (leg.rtcp_port) close_socket(now, leg, *leg.rtcp_port, fate, out);
}

void Engine::handle_socket_opened(Instant now, SocketId socket, bool is_open, Outbox& out) {
  SocketSlot* slot = find(socket);
  if (slot == nullptr) return;  // its leg was removed meanwhile
  if (slot->shared != nullptr) return slot->shared->set_open(is_open);
  Leg& leg = *slot->owner.leg;
  const std::uint32_t session = slot->owner.session;
  if (!is_open) {
    close_ports(now, leg, PortFate::Rests, out);
    if (++leg.port_attempts >= kMaxPortAttempts) {
      return settle(now, session, Status::SocketRefused, out);
    }
    if (const Status status = open_ports(now, session, leg, out); status != Status::Ok) {
      settle(now, session, status, out);
    }
    return;
  }
  (slot->owner.is_rtcp ? *leg.rtcp_port : leg.rtp_port).is_open = true;
  leg.connect(now, out);
  settle(now, session, Status::Ok, out);
}

LegAddresses Engine::addresses_of(const Leg& leg) {
  LegAddresses addresses{leg.handle(), leg.rtp_port.local, std::nullopt};
  if (leg.rtcp_port) addresses.rtcp = leg.rtcp_port->local;
  return addresses;
}

/// Ends the command that waits for the sockets of `slot`, if it is now decided.
void Engine::settle(Instant now, std::uint32_t index, Status status, Outbox& out) {
  SessionSlot& slot = sessions_[index];
  const auto is_open = [](const Leg& leg) {
    return leg.rtp_port.is_open && (!leg.rtcp_port || leg.rtcp_port->is_open);
  };
  if (slot.opening) {
    if (status != Status::Ok) {
      auto command = std::move(slot.opening);
      command->session = take_session(now, index, PortFate::Freed, out);
      return finish(std::move(command), status, out);
    }
    const auto& legs = slot.session->legs();
    if (!std::ranges::all_of(legs, [&](const auto& leg) { return is_open(*leg); })) return;
    auto command = std::move(slot.opening);
    command->handle = slot.session->handle();
    for (const auto& leg : legs) command->addresses.push_back(addresses_of(*leg));
    finish(std::move(command), Status::Ok, out);
  } else if (slot.adding) {
    Leg* leg = slot.session->leg(slot.adding->addresses.leg.leg);
    if (status != Status::Ok) {
      auto command = std::move(slot.adding);
      close_ports(now, *leg, PortFate::Freed, out);
      command->leg = slot.session->remove_leg(leg->number());
      --live_legs_;
      return finish(std::move(command), status, out);
    }
    if (!is_open(*leg)) return;
    auto command = std::move(slot.adding);
    command->addresses = addresses_of(*leg);
    finish(std::move(command), Status::Ok, out);
  }
}

std::unique_ptr<Session> Engine::take_session(Instant now, std::uint32_t index, PortFate fate,
                                              Outbox& out) {
  SessionSlot& slot = sessions_[index];
  for (const auto& leg : slot.session->legs()) {
    leg->close(out);
    close_ports(now, *leg, fate, out);
  }
  live_legs_ -= slot.session->legs().size();
  --live_sessions_;
  if (++slot.generation == 0) slot.generation = 1;
  free_sessions_.push_back(index);
  timers_.set(index, std::nullopt);
  // Whoever frees the session is another thread, and the pool is this one's.
  for (const auto& connection : slot.session->connections()) connection->path->release_packets();
  return std::move(slot.session);
}

void Engine::close_session(Instant now, std::uint32_t index, SessionClosed::Reason reason,
                           Outbox& out) {
  SessionSlot& slot = sessions_[index];
  const SessionHandle handle = slot.session->handle();
  if (slot.opening) finish(std::move(slot.opening), Status::SessionNotFound, out);
  if (slot.adding) finish(std::move(slot.adding), Status::SessionNotFound, out);
  out.events.emplace_back(
      now, SessionClosed{handle, reason, take_session(now, index, PortFate::Rests, out)});
}

void Engine::close_all(Instant now, SessionClosed::Reason reason, Outbox& out) {
  for (std::uint32_t i = 0; i < sessions_.size(); ++i) {
    if (sessions_[i].session) close_session(now, i, reason, out);
  }
}

// ----------------------------------------------------------------------------------- commands

template <typename T>
void Engine::finish(std::unique_ptr<T> command, Status status, Outbox& out) {
  command->status = status;
  out.completions.emplace_back(std::move(command));
}

void Engine::handle_command(Instant now, Command command, Outbox& out) {
  std::visit([&](auto& body) { handle(now, std::move(body), out); }, command);
}

void Engine::handle(Instant now, std::unique_ptr<OpenSession> command, Outbox& out) {
  if (free_sessions_.empty()) return finish(std::move(command), Status::TooManySessions, out);
  if (const Status status = check_networks(now, *command->session); status != Status::Ok) {
    return finish(std::move(command), status, out);
  }
  const std::uint32_t index = free_sessions_.back();
  free_sessions_.pop_back();
  SessionSlot& slot = sessions_[index];
  slot.session = std::move(command->session);
  slot.opening = std::move(command);
  ++live_sessions_;
  live_legs_ += slot.session->legs().size();
  slot.session->start(now, {config_.worker, index, slot.generation}, random_, out);
  for (const auto& leg : slot.session->legs()) {
    if (const Status status = open_ports(now, index, *leg, out); status != Status::Ok) {
      return settle(now, index, status, out);
    }
  }
  rearm(index);
  settle(now, index, Status::Ok, out);  // where nothing has to be opened nothing is waited for
}

void Engine::handle(Instant now, std::unique_ptr<AddLeg> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  if (command->leg->setup().network >= networks_.size()) {
    return finish(std::move(command), Status::NetworkNotFound, out);
  }
  // control/ adds one leg to a session at a time; a second one before the first has its sockets is
  // refused rather than queued.
  if (slot->session->legs().full() || slot->opening || slot->adding) {
    return finish(std::move(command), Status::TooManyLegs, out);
  }
  Leg& leg = *command->leg;
  leg.start(now, {command->session, leg.number()}, random_);
  slot->session->add_leg(std::move(command->leg));
  slot->session->update_legs();
  ++live_legs_;
  command->addresses.leg = leg.handle();
  slot->adding = std::move(command);
  const std::uint32_t index = slot->session->handle().slot;
  if (const Status status = open_ports(now, index, leg, out); status != Status::Ok) {
    return settle(now, index, status, out);
  }
  rearm(index);
  settle(now, index, Status::Ok, out);
}

namespace {

/// `connection` comes back as the one that it replaces, without packets: those are this worker's.
void replace(Session& session, std::uint16_t from, std::uint16_t to,
             std::unique_ptr<Connection>& connection) {
  connection = session.replace_connection(from, to, std::move(connection));
  if (connection) connection->path->release_packets();
}

}  // namespace

void Engine::handle(Instant now, std::unique_ptr<UpdateLeg> command, Outbox& out) {
  Leg* leg = find(command->leg);
  if (leg == nullptr) return finish(std::move(command), Status::LegNotFound, out);
  SharedPort* const shared = command->update.ice ? shared_port_of(*leg) : nullptr;
  if (shared != nullptr && command->update.ice->local &&
      !shared->is_free(command->update.ice->local->ufrag, leg->rtp_port.place)) {
    return finish(std::move(command), Status::FragmentTaken, out);
  }
  leg->apply(command->update, now, out);
  if (shared != nullptr) shared->rename(leg->rtp_port.place);
  Session& session = *sessions_[command->leg.session.slot].session;
  if (command->update.is_secure) session.forget_kept(*leg);
  for (auto& connection : command->replanned) {
    replace(session, connection->from, connection->to, connection);
  }
  if (!command->replanned.empty()) session.update_legs();
  rearm(command->leg.session.slot);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant now, std::unique_ptr<RemoveLeg> command, Outbox& out) {
  Leg* leg = find(command->leg);
  if (leg == nullptr) return finish(std::move(command), Status::LegNotFound, out);
  const std::uint32_t index = command->leg.session.slot;
  SessionSlot& slot = sessions_[index];
  if (slot.adding && slot.adding->addresses.leg == command->leg) {
    finish(std::move(slot.adding), Status::LegNotFound, out);
  }
  Session& session = *slot.session;
  session.fill_report(*leg, command->report);
  auto& connections = session.connections();
  for (std::size_t i = connections.size(); i-- > 0;) {
    if (connections[i]->from != leg->number() && connections[i]->to != leg->number()) continue;
    connections[i]->path->release_packets();
    command->connections.push_back(std::move(connections[i]));
    connections.erase_unordered(i);
  }
  leg->close(out);
  close_ports(now, *leg, PortFate::Rests, out);
  command->removed = session.remove_leg(leg->number());
  session.update_legs();
  --live_legs_;
  rearm(index);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant, std::unique_ptr<SetConnection> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  Session& session = *slot->session;
  if (session.leg(command->from) == nullptr || session.leg(command->to) == nullptr) {
    return finish(std::move(command), Status::LegNotFound, out);
  }
  const Connection* wanted = command->connection.get();
  replace(session, command->from, command->to, command->connection);
  session.update_legs();
  const bool was_refused = wanted != nullptr && command->connection.get() == wanted;
  rearm(command->session.slot);
  finish(std::move(command), was_refused ? Status::TooManyConnections : Status::Ok, out);
}

void Engine::handle(Instant now, std::unique_ptr<ControlRecording> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  const bool is_stop = command->marker == record::FrameKind::Stop;
  if (command->marker && !is_stop && out.records != nullptr) {
    out.records->write_marker(command->recording, *command->marker, now);
  }
  Status status = Status::Ok;
  for (const auto& wanted : command->taps) {
    Leg* leg = slot->session->leg(wanted.leg);
    if (leg == nullptr) {
      status = Status::LegNotFound;
    } else if (!leg->add_tap(wanted.tap)) {
      status = Status::TooManyTaps;
    }
  }
  if (is_stop) {
    for (const auto& leg : slot->session->legs()) leg->remove_tap(command->recording);
    if (out.records != nullptr) {
      out.records->write_marker(command->recording, record::FrameKind::Stop, now);
    }
  }
  finish(std::move(command), status, out);
}

void Engine::handle(Instant now, std::unique_ptr<RenewLease> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  slot->session->renew(now, command->lease, command->expiry);
  rearm(command->session.slot);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant now, std::unique_ptr<CloseSession> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  close_session(now, command->session.slot, command->reason, out);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant, std::unique_ptr<ReadReport> command, Outbox& out) {
  Leg* leg = find(command->leg);
  if (leg == nullptr) return finish(std::move(command), Status::LegNotFound, out);
  sessions_[command->leg.session.slot].session->fill_report(*leg, command->report);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant now, std::unique_ptr<SendDtmf> command, Outbox& out) {
  Leg* leg = find(command->leg);
  if (leg == nullptr) return finish(std::move(command), Status::LegNotFound, out);
  if (!leg->setup().telephone_event) {
    return finish(std::move(command), Status::NoTelephoneEvent, out);
  }
  const bool fits = leg->send_digits(now, {command->digits.begin(), command->digits.size()});
  rearm(command->leg.session.slot);
  finish(std::move(command), fits ? Status::Ok : Status::TooManyDigits, out);
}

void Engine::handle(Instant now, std::unique_ptr<DtlsReport> command, Outbox& out) {
  Leg* leg = find(command->leg);
  if (leg == nullptr || leg->dtls(command->is_rtcp).association() != command->association) {
    return finish(std::move(command), Status::LegNotFound, out);
  }
  leg->take_dtls(now, *command, {pool_, random_, sent_}, out);
  rearm(command->leg.session.slot);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant now, std::unique_ptr<TakeSnapshot> command, Outbox& out) {
  SessionSlot* slot = find(command->session);
  if (slot == nullptr) return finish(std::move(command), Status::SessionNotFound, out);
  slot->session->fill_snapshot(*command->snapshot, now);
  finish(std::move(command), Status::Ok, out);
}

void Engine::handle(Instant, std::unique_ptr<ReadCapacity> command, Outbox& out) {
  command->sessions = static_cast<std::uint32_t>(live_sessions_);
  command->legs = static_cast<std::uint32_t>(live_legs_);
  command->networks.clear();
  for (const Network& network : networks_) {
    if (command->networks.full()) break;
    command->networks.push_back(
        {static_cast<std::uint32_t>(network.ports.size()),
         static_cast<std::uint32_t>(network.ports.used()),
         static_cast<std::uint32_t>(network.ports.quarantined()),
         static_cast<std::uint32_t>(network.shared == nullptr ? 0 : network.shared->legs())});
  }
  finish(std::move(command), Status::Ok, out);
}

}  // namespace causeway::engine
