// relay/dtls: whatever datagrams come, from whichever sources, no handshake succeeds that was none,
// no key leaves, and no datagram is longer than the MTU.

#include "relay/dtls/associations.h"
#include "relay/dtls/record.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void read_records(Bytes datagram) {
  while (const auto record = dtls::take_record(datagram)) fuzz::read_all(record->fragment);
}

void run(fuzz::Input input) {
  static const auto identity = *dtls::Identity::create();
  auto settings = std::make_shared<dtls::Settings>();
  settings->identity = identity;
  const std::uint8_t choice = input.u8();
  settings->needs_cookie = (choice & 1U) != 0;
  if ((choice & 2U) != 0) settings->role = dtls::Role::Active;
  if ((choice & 4U) != 0) settings->remote_fingerprints.push_back(identity->fingerprint());
  dtls::Associations associations(settings);
  dtls::Report first;
  associations.start(first);
  for (int i = 0; i < 16 && !input.is_empty(); ++i) {
    const SocketAddress from{IpAddress::v4(0xc0000201), UdpPort(input.u8())};
    const Bytes datagram = input.take(input.u16() % 2048);
    read_records(datagram);
    (void)dtls::is_acceptable(datagram);
    (void)dtls::is_client_hello(datagram);
    dtls::Report report;
    associations.handle_datagram(datagram, from, report);
    CAUSEWAY_CHECK(report.outcome != dtls::Outcome::Up, "a handshake out of nothing");
    CAUSEWAY_CHECK(report.send_key.empty() && report.receive_key.empty(), "a key has left");
    for (const auto& each : report.flight) {
      CAUSEWAY_CHECK(each.size() <= dtls::kMtu, "a datagram is longer than the MTU");
    }
    dtls::Report again;
    associations.handle_timeout(again);
  }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
