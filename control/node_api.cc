#include "control/node_api.h"

#include <algorithm>
#include <array>

#include "control/names.h"
#include "control/proto_time.h"

namespace causeway::control {

namespace {

constexpr std::string_view kNodes = "nodes/";

void add_codec(v1::Node& out, std::string name, std::uint32_t clock,
               std::initializer_list<std::uint32_t> rates, std::uint32_t channels) {
  v1::CodecSupport& codec = *out.add_codecs();
  codec.set_encoding_name(std::move(name));
  codec.set_clock_rate(clock);
  for (const std::uint32_t rate : rates) codec.add_sample_rates(rate);
  codec.set_max_channels(channels);
}

void show_abilities(v1::Node& out) {
  add_codec(out, "PCMU", 8000, {8000}, 1);
  add_codec(out, "PCMA", 8000, {8000}, 1);
  add_codec(out, "G722", 8000, {16000}, 1);
  add_codec(out, "opus", 48000, {8000, 12000, 16000, 24000, 48000}, 2);
  add_codec(out, "L16", 0, {8000, 16000, 32000, 44100, 48000}, 2);
  for (int suite = v1::SrtpSuite_MIN + 1; suite <= v1::SrtpSuite_MAX; ++suite) {
    out.add_srtp_suites(static_cast<v1::SrtpSuite>(suite));
  }
  for (std::string& feature : absent_features()) out.add_absent_features(std::move(feature));
}

std::uint32_t transcoded_connections(ControlPlane& plane) {
  std::uint32_t count = 0;
  for (const SessionPtr& session : plane.sessions().all()) {
    const Lock lock(session->data);
    count += static_cast<std::uint32_t>(
        std::ranges::count_if(session->connections, [](const ConnectionState& connection) {
          return connection.shown_plan.kind() == v1::PLAN_KIND_TRANSCODE;
        }));
  }
  return count;
}

}  // namespace

std::vector<std::string> absent_features() {
  return {"RelayService.StartPlayback",
          "RelayService.StopPlayback",
          "Stage.mix",
          "Stage.fork",
          "Leg.codec_policy.PREFER_ORDER",
          "Leg.dscp (update)",
          "Two connections to one leg (a mix)",
          "Recording of more than two legs",
          "Removing one of several stages of a recording"};
}

Answer<void> NodeApi::check_name(const std::string& name) const {
  if (name.empty() || name == "nodes/-") return {};
  const Field field("name");
  if (!name.starts_with(kNodes) || !is_id(std::string_view(name).substr(kNodes.size()))) {
    return failure(bad_name(field, "expected `nodes/{node}`"));
  }
  if (name.substr(kNodes.size()) == plane_.config().name) return {};
  ApiError error = api_error("NODE_NOT_FOUND", "This server is another node.");
  error.metadata.emplace_back("name", name);
  return failure(std::move(error));
}

void NodeApi::show_workers(v1::Node& out) {
  const auto& cpus = plane_.config().cpus;
  for (std::size_t i = 0; i < plane_.node().workers(); ++i) {
    v1::Worker& worker = *out.add_workers();
    worker.set_index(static_cast<std::uint32_t>(i));
    if (!cpus.empty()) {
      worker.set_cpu(static_cast<std::uint32_t>(cpus[i % cpus.size()].raw()));
    }
    worker.set_load(plane_.node().load(i));
    worker.set_packets_received(plane_.node().io_stats(i).received.value());
    worker.set_packets_sent(plane_.node().io_stats(i).sent.value());
    const worker::WorkerStats stats = plane_.node().worker_stats(i);
    worker.set_misrouted_checks(stats.misrouted_checks);
    worker.set_unknown_checks(stats.unknown_checks);
  }
}

/// A worker that does not answer is left out of the ports' sums: the node is described all the
/// same.
void NodeApi::show_networks(v1::Node& out) {
  const auto& networks = plane_.config().networks;
  for (const NetworkConfig& network : networks) {
    v1::Network& shown = *out.add_networks();
    shown.set_name(network.name);
    shown.set_bind_ip(network.bind.to_string());
    shown.set_advertised_ip(
        (network.advertised.is_none() ? network.bind : network.advertised).to_string());
    shown.set_port_min(network.first_port.raw());
    shown.set_port_max(network.last_port.raw());
    shown.set_dscp(network.dscp);
    if (network.shared_port) shown.set_shared_port(network.shared_port->raw());
  }
  for (std::size_t i = 0; i < plane_.node().workers(); ++i) {
    const auto capacity = plane_.node().call(WorkerId(static_cast<std::uint16_t>(i)),
                                             std::make_unique<engine::ReadCapacity>());
    if (!capacity) continue;
    out.mutable_workers(static_cast<int>(i))->set_legs((*capacity)->legs);
    for (std::size_t n = 0; n < (*capacity)->networks.size() && n < networks.size(); ++n) {
      const auto& counted = (*capacity)->networks[n];
      v1::Network& shown = *out.mutable_networks(static_cast<int>(n));
      shown.set_sharing_legs(shown.sharing_legs() + counted.sharing_legs);
      shown.set_ports_used(shown.ports_used() + counted.used);
      shown.set_ports_quarantined(shown.ports_quarantined() + counted.quarantined);
      shown.set_ports_free(shown.ports_free() + counted.ports - counted.used - counted.quarantined);
    }
  }
}

Answer<v1::Node> NodeApi::show() {
  const NodeConfig& config = plane_.config();
  v1::Node out;
  out.set_name(std::string(kNodes) + config.name);
  out.set_version(config.version);
  out.set_state(plane_.is_draining() ? v1::NODE_STATE_DRAINING : v1::NODE_STATE_SERVING);
  set(*out.mutable_start_time(), plane_.start_time());
  set(*out.mutable_read_time(), plane_.now_unix());
  show_abilities(out);
  out.set_srtp_transform(config.srtp_transform == srtp::Transform::Libsrtp ? "libsrtp" : "evp");
  out.set_io_backend("epoll");
  show_workers(out);
  show_networks(out);
  v1::Capacity& capacity = *out.mutable_capacity();
  capacity.set_sessions(plane_.session_count());
  capacity.set_max_sessions(config.max_sessions);
  capacity.set_legs(plane_.leg_count());
  capacity.set_max_legs(config.max_legs);
  capacity.set_transcoded_connections(transcoded_connections(plane_));
  capacity.set_recordings(static_cast<std::uint32_t>(plane_.recordings().running_count()));
  float load = 0;
  for (const v1::Worker& worker : out.workers()) load = std::max(load, worker.load());
  capacity.set_load(load);
  capacity.set_max_load(config.max_load);
  return out;
}

Answer<v1::GetNodeResponse> NodeApi::get(const v1::GetNodeRequest& in) {
  if (auto checked = check_name(in.name()); !checked) return failure(std::move(checked).error());
  auto node = show();
  if (!node) return failure(std::move(node).error());
  v1::GetNodeResponse out;
  *out.mutable_node() = std::move(*node);
  return out;
}

Answer<v1::DrainNodeResponse> NodeApi::drain(const v1::DrainNodeRequest& in) {
  if (auto checked = check_name(in.name()); !checked) return failure(std::move(checked).error());
  plane_.set_draining(true);
  auto node = show();
  if (!node) return failure(std::move(node).error());
  v1::DrainNodeResponse out;
  *out.mutable_node() = std::move(*node);
  return out;
}

Answer<v1::UndrainNodeResponse> NodeApi::undrain(const v1::UndrainNodeRequest& in) {
  if (auto checked = check_name(in.name()); !checked) return failure(std::move(checked).error());
  plane_.set_draining(false);
  auto node = show();
  if (!node) return failure(std::move(node).error());
  v1::UndrainNodeResponse out;
  *out.mutable_node() = std::move(*node);
  return out;
}

}  // namespace causeway::control
