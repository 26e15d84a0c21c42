#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "causeway/v1/leg.pb.h"

namespace causeway::cli {

/// How a leg is written on the command line.
inline constexpr std::string_view kLegSyntax =
    "SECURITY/CODEC[+CODEC...][,KEY=VALUE...]\n"
    "  SECURITY  rtp, or srtp (keys by SDES)\n"
    "  CODEC     pcmu, pcma, g722, opus, l16, events (telephone-event), or any other as\n"
    "            NAME:TYPE:CLOCK[:CHANNELS], passed but not transcoded; NAME:TYPE sets the type\n"
    "  remote=IP:PORT       where the relay sends\n"
    "  accept=RULE          exact (default: remote), same-ip, CIDR[+CIDR...], latch, or\n"
    "                       latch:CIDR[+CIDR...]: learned within these networks\n"
    "  source=IP:PORT       exact, where the endpoint sends from another socket than `remote`\n"
    "  suite=NAME           AES_CM_128_HMAC_SHA1_80 (default), AEAD_AES_128_GCM ...\n"
    "  receive=BASE64       key and salt that the endpoint sends with; send=BASE64: the relay's\n"
    "                       (without it the relay makes one and answers it)\n"
    "  mux=yes              RTP and RTCP on one port\n"
    "  network=NAME  direction=sendrecv|sendonly|recvonly|inactive  transcoding=avoid|forbid\n"
    "  ptime=20ms  bitrate=24000  complexity=1  fec=yes  dtx=yes   (towards the endpoint)";

/// `text` as a leg without a name. The error is one sentence for the person who typed it.
[[nodiscard]] tl::expected<v1::Leg, std::string> parse_leg(std::string_view text);

}  // namespace causeway::cli
