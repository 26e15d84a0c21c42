// Bridges a browser's offer to a SIP trunk. Usage: client_bridge ADDRESS. The signalling is a JSON
// object a line on stdin and stdout: {offer}, {trunk_offer}, {trunk_answer}, {answer}, {end}.
#include "control/clients/cpp/client.h"
#include "control/clients/cpp/json_lines.h"

using namespace causeway;
using Relay = v1::RelayService::Stub;

int main(int, char** arguments) try {
  client::Causeway causeway(arguments[1]);
  v1::BridgeOfferRequest offer;
  offer.set_offer_sdp(client::hear("offer"));
  offer.mutable_session()->mutable_lease()->set_seconds(3);
  const auto bridge = causeway.call(&Relay::BridgeOffer, offer);
  v1::WatchEventsRequest watch;
  watch.set_session(bridge.session().name());
  const client::Lease lease(causeway, watch.session(), std::chrono::seconds(3));
  client::Events events(causeway, watch);
  const std::jthread watching([&](const std::stop_token& stop) {
    const std::stop_callback close(stop, [&] { events.close(); });
    while (const auto event = events.next()) client::tell("event", client::kind_of(*event));
  });
  client::tell("session", watch.session());
  client::tell("trunk_offer", bridge.offer_sdp());
  v1::BridgeAnswerRequest answer;
  answer.set_name(watch.session());
  answer.set_answer_sdp(client::hear("trunk_answer"));
  client::tell("answer", causeway.call(&Relay::BridgeAnswer, answer).answer_sdp());
  client::hear("end");
  v1::DeleteSessionRequest end;
  end.set_name(watch.session());
  const auto ended = causeway.call(&Relay::DeleteSession, end);
  for (const auto& leg : ended.report().legs()) client::tell("ended", leg.leg());
} catch (const causeway::client::Error& error) {
  causeway::client::tell("refused", {error.reason, error.field});
  return 1;
}
