#include "relay/dtls/datagram_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace causeway::dtls {

namespace {

DatagramWire& wire_of(BIO* bio) { return *static_cast<DatagramWire*>(BIO_get_data(bio)); }

int write_datagram(BIO* bio, const char* data, int octets) {
  if (octets <= 0) return 0;
  if (Flight* const out = wire_of(bio).out) {
    const Bytes all = std::as_bytes(std::span(data, static_cast<std::size_t>(octets)));
    out->emplace_back(all.begin(), all.end());
  }
  return octets;
}

int read_datagram(BIO* bio, char* data, int room) {
  DatagramWire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (wire.in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t octets = std::min(wire.in.size(), static_cast<std::size_t>(room));
  std::memcpy(data, wire.in.data(), octets);
  wire.in = {};  // what does not fit is lost, as with a socket
  return static_cast<int>(octets);
}

/// OpenSSL asks a datagram BIO for much that only a socket could know.
long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// Made once, never changed, and kept as long as the process (OpenSSL's objects refer to it).
const BIO_METHOD* datagram_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    BIO_meth_set_write(made, write_datagram);
    BIO_meth_set_read(made, read_datagram);
    BIO_meth_set_ctrl(made, control);
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  return method;
}

}  // namespace

BIO* make_datagram_bio(DatagramWire& wire) {
  BIO* const bio = BIO_new(datagram_method());
  if (bio != nullptr) BIO_set_data(bio, &wire);
  return bio;
}

}  // namespace causeway::dtls
