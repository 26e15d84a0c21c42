#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/translate_address.h"
#include "control/translate_codec.h"
#include "control/translate_connection.h"
#include "control/translate_keys.h"
#include "control/translate_leg.h"
#include "control/update_mask.h"

namespace causeway::control {
namespace {

const std::vector<std::string> kNetworks = {"inside", "outside"};

v1::Leg leg_of(const std::string& text) {
  v1::Leg leg;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &leg)) << text;
  return leg;
}

/// What a leg is refused with, as `REASON field`; empty: it is taken.
std::string refusal_of(const v1::Leg& leg) {
  const Field field("leg");
  auto request = translate_leg(leg, field, kNetworks, "a");
  if (!request) return std::string(request.error().reason) + " " + request.error().field;
  auto keys =
      translate_security(leg.security(), Field{"security", &field}, SendKey::Make, request->spec);
  if (!keys) return std::string(keys.error().reason) + " " + keys.error().field;
  return "";
}

struct Case {
  const char* leg;
  const char* refusal;
};

class BadLegs : public testing::TestWithParam<Case> {};

TEST_P(BadLegs, AreRefusedWithTheFieldThatIsWrong) {
  EXPECT_EQ(refusal_of(leg_of(GetParam().leg)), GetParam().refusal) << GetParam().leg;
}

const std::string kKey30 = std::string(30, 'k');

INSTANTIATE_TEST_SUITE_P(
    Addresses, BadLegs,
    testing::Values(
        Case{"network: 'nowhere'", "FIELD_INVALID leg.network"},
        Case{"remote {}", "FIELD_REQUIRED leg.remote.rtp"},
        Case{"remote { rtp {} }", "FIELD_REQUIRED leg.remote.rtp.ip"},
        Case{"remote { rtp { ip: 'example.com' port: 1 } }", "FIELD_INVALID leg.remote.rtp.ip"},
        Case{"remote { rtp { ip: '0.0.0.0' port: 1 } }", "FIELD_INVALID leg.remote.rtp.ip"},
        Case{"remote { rtp { ip: '224.0.0.1' port: 1 } }", "FIELD_INVALID leg.remote.rtp.ip"},
        Case{"remote { rtp { ip: '[::1]' port: 1 } }", "FIELD_INVALID leg.remote.rtp.ip"},
        Case{"remote { rtp { ip: '192.0.2.1' } }", "FIELD_REQUIRED leg.remote.rtp.port"},
        Case{"remote { rtp { ip: '192.0.2.1' port: 65536 } }", "FIELD_INVALID leg.remote.rtp.port"},
        Case{"remote { rtp { ip: '192.0.2.1' port: 4 } rtcp { ip: 'x' port: 5 } }",
             "FIELD_INVALID leg.remote.rtcp.ip"},
        Case{"accept_from { exact { source { rtp { ip: '' } } } }",
             "FIELD_REQUIRED leg.accept_from.exact.source.rtp.ip"},
        Case{"accept_from { cidrs {} }", "FIELD_REQUIRED leg.accept_from.cidrs.cidrs"},
        Case{"accept_from { cidrs { cidrs: '192.0.2.0/24' cidrs: '192.0.2.1/24' } }",
             "FIELD_INVALID leg.accept_from.cidrs.cidrs[1]"},
        Case{"accept_from { latch { packets: 101 } }",
             "FIELD_INVALID leg.accept_from.latch.packets"},
        Case{"accept_from { latch { window { nanos: 1 } } }",
             "FIELD_INVALID leg.accept_from.latch.window"},
        Case{"accept_from { latch { cidrs: '192.0.2.7/24' } }",
             "FIELD_INVALID leg.accept_from.latch.cidrs[0]"}));

TEST(Legs, MayLatchWithinNetworksOnly) {
  const auto request = translate_leg(
      leg_of("accept_from { latch { cidrs: '192.0.2.0/24' cidrs: '2001:db8::/32' packets: 3 } }"),
      Field("leg"), kNetworks, "a");
  ASSERT_TRUE(request);
  const engine::AcceptFrom& accept = request->spec.accept_from;
  EXPECT_EQ(accept.rule, engine::AcceptFrom::Rule::Latch);
  ASSERT_EQ(accept.cidrs.size(), 2U);
  EXPECT_EQ(accept.cidrs[0], *Cidr::parse("192.0.2.0/24"));
  EXPECT_EQ(accept.latch_packets, 3);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, BadLegs,
    testing::Values(
        Case{"transport { kind: TRANSPORT_KIND_SHARED_PORT }", "FIELD_INVALID leg.transport.ice"},
        Case{"transport { kind: TRANSPORT_KIND_SHARED_PORT ice {} } dscp: 46",
             "FIELD_INVALID leg.dscp"},
        Case{"transport { kind: 99 }", "FIELD_INVALID leg.transport.kind"},
        Case{"dscp: 64", "FIELD_INVALID leg.dscp"},
        Case{"max_ssrcs: 9", "FIELD_INVALID leg.max_ssrcs"},
        Case{"direction: 9", "FIELD_INVALID leg.direction"},
        Case{"first_packet_timeout { seconds: -1 }", "FIELD_INVALID leg.first_packet_timeout"},
        Case{"media_timeout { seconds: 1 nanos: -1 }", "FIELD_INVALID leg.media_timeout"},
        Case{"media_timeout { seconds: 9223372036854775807 }", "FIELD_INVALID leg.media_timeout"},
        Case{"codec_policy { transcoding: TRANSCODING_POLICY_PREFER_ORDER }", "STAGE_ABSENT "},
        Case{"codec_policy { transcoding: 17 }", "FIELD_INVALID leg.codec_policy.transcoding"},
        Case{"labels { key: '' value: 'x' }", "FIELD_INVALID leg.labels"}));

INSTANTIATE_TEST_SUITE_P(
    Codecs, BadLegs,
    testing::Values(
        Case{"codecs { payload_type: 128 }", "FIELD_INVALID leg.codecs[0].payload_type"},
        Case{"codecs { payload_type: 72 encoding_name: 'x' clock_rate: 1 }",
             "FIELD_INVALID leg.codecs[0].payload_type"},
        Case{"codecs { payload_type: 96 }", "FIELD_REQUIRED leg.codecs[0].encoding_name"},
        Case{"codecs { payload_type: 96 encoding_name: 'a b' }",
             "FIELD_INVALID leg.codecs[0].encoding_name"},
        Case{"codecs { payload_type: 0 encoding_name: 'opus' }",
             "CODEC_UNSUPPORTED leg.codecs[0].encoding_name"},
        Case{"codecs {} codecs { payload_type: 0 }",
             "CODEC_UNSUPPORTED leg.codecs[1].payload_type"},
        Case{"codecs { payload_type: 96 encoding_name: 'EVS' }",
             "FIELD_REQUIRED leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 96 encoding_name: 'L16' }",
             "FIELD_REQUIRED leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 96 encoding_name: 'G722' clock_rate: 16000 }",
             "CODEC_UNSUPPORTED leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 96 encoding_name: 'Opus' clock_rate: 8000 }",
             "CODEC_UNSUPPORTED leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 8 clock_rate: 16000 }",
             "CODEC_UNSUPPORTED leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 96 encoding_name: 'x' clock_rate: 1000001 }",
             "FIELD_INVALID leg.codecs[0].clock_rate"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' channels: 1 }",
             "CODEC_UNSUPPORTED leg.codecs[0].channels"},
        Case{"codecs { payload_type: 96 encoding_name: 'x' clock_rate: 8000 channels: 9 }",
             "FIELD_INVALID leg.codecs[0].channels"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' kind: MEDIA_KIND_VIDEO }",
             "CODEC_UNSUPPORTED leg.codecs[0].kind"},
        Case{"codecs { payload_type: 96 encoding_name: 'x' clock_rate: 1 kind: 8 }",
             "FIELD_INVALID leg.codecs[0].kind"},
        Case{"header_extensions { uri: 'urn:x' }", "FIELD_REQUIRED leg.header_extensions[0].id"},
        Case{"header_extensions { id: 15 uri: 'urn:x' }",
             "FIELD_INVALID leg.header_extensions[0].id"},
        Case{"header_extensions { id: 1 uri: 'urn:x' } header_extensions { id: 1 uri: 'urn:y' }",
             "FIELD_INVALID leg.header_extensions[1].id"},
        Case{"header_extensions { id: 1 }", "FIELD_REQUIRED leg.header_extensions[0].uri"},
        Case{"header_extensions { id: 1 uri: 'urn: x' }",
             "FIELD_INVALID leg.header_extensions[0].uri"},
        Case{"header_extensions { id: 1 uri: 'urn:x' media: MEDIA_KIND_OTHER }",
             "FIELD_INVALID leg.header_extensions[0].media"},
        Case{"header_extensions { id: 1 uri: 'urn:x' mid: '0' }",
             "FIELD_INVALID leg.header_extensions[0].mid"},
        Case{"video_sections {} video_sections {} video_sections {} video_sections {} "
             "video_sections {}",
             "FIELD_INVALID leg.video_sections"},
        Case{"video_sections { mid: '12345678901234567' }",
             "FIELD_INVALID leg.video_sections[0].mid"},
        Case{"video_sections { mid: 'a' } video_sections { mid: 'a' }",
             "FIELD_INVALID leg.video_sections[1].mid"},
        Case{"video_sections { direction: 9 }", "FIELD_INVALID leg.video_sections[0].direction"},
        Case{"codecs {} video_sections { payload_types: 0 }",
             "FIELD_INVALID leg.video_sections[0].payload_types[0]"},
        Case{"video_sections { ssrcs: [1, 2, 3, 4, 5, 6, 7, 8, 9] }",
             "FIELD_INVALID leg.video_sections[0].ssrcs"},
        Case{"codecs { payload_type: 97 encoding_name: 'rtx' kind: MEDIA_KIND_AUDIO }",
             "CODEC_UNSUPPORTED leg.codecs[0].kind"},
        Case{"codecs { payload_type: 97 encoding_name: 'rtx' fmtp: 'apt=0' } codecs {}",
             "CODEC_UNSUPPORTED leg.codecs[0].fmtp"},
        Case{"codecs { payload_type: 97 encoding_name: 'rtx' fmtp: 'apt=96' } "
             "codecs { payload_type: 96 encoding_name: 'VP8' clock_rate: 90000 "
             "kind: MEDIA_KIND_VIDEO send_payload_type: 98 }",
             "CODEC_UNSUPPORTED leg.codecs[0].fmtp"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' fmtp: '\\001' }",
             "FIELD_INVALID leg.codecs[0].fmtp"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' ptime { nanos: 30000000 } }",
             "PTIME_UNSUPPORTED leg.codecs[0].ptime"},
        Case{"codecs { payload_type: 0 ptime { nanos: 25000000 } }",
             "PTIME_UNSUPPORTED leg.codecs[0].ptime"},
        Case{"codecs { payload_type: 0 ptime { seconds: 1 } }",
             "FIELD_INVALID leg.codecs[0].ptime"},
        Case{"codecs { payload_type: 0 opus {} }", "FIELD_INVALID leg.codecs[0].opus"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' opus { bitrate: 5999 } }",
             "FIELD_INVALID leg.codecs[0].opus.bitrate"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' opus { complexity: 11 } }",
             "FIELD_INVALID leg.codecs[0].opus.complexity"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' opus { max_playback_rate: 44100 } }",
             "FIELD_INVALID leg.codecs[0].opus.max_playback_rate"},
        Case{"codecs { payload_type: 0 send_payload_type: 128 }",
             "FIELD_INVALID leg.codecs[0].send_payload_type"},
        Case{"codecs { payload_type: 96 encoding_name: 'opus' send_payload_type: 72 }",
             "FIELD_INVALID leg.codecs[0].send_payload_type"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, BadLegs,
    testing::Values(
        Case{"security { sdes { receive { keys { material: 'short' } } } }",
             "FIELD_REQUIRED leg.security.sdes.receive.suite"},
        Case{"security { sdes { receive { suite: 77 keys { material: 'short' } } } }",
             "FIELD_INVALID leg.security.sdes.receive.suite"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AEAD_AES_128_GCM keys { material: "
             "'short' } } } }",
             "KEY_LENGTH leg.security.sdes.receive.keys[0].material"},
        Case{"security { sdes { send { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { material: "
             "'0123456789012345678901234567890' } } } }",
             "KEY_LENGTH leg.security.sdes.send.keys[0].material"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { "
             "material: '012345678901234567890123456789' } keys { material: "
             "'012345678901234567890123456789' } } } }",
             "FIELD_REQUIRED leg.security.sdes.receive.keys[0].mki"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { "
             "material: '012345678901234567890123456789' mki: 'a' } keys { material: "
             "'012345678901234567890123456789' mki: 'bb' } } } }",
             "KEY_LENGTH leg.security.sdes.receive.keys[1].mki"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { "
             "material: '012345678901234567890123456789' lifetime_packets: 281474976710657 } } } }",
             "FIELD_INVALID leg.security.sdes.receive.keys[0].lifetime_packets"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 window_size: "
             "32769 keys { material: '012345678901234567890123456789' } } } }",
             "FIELD_INVALID leg.security.sdes.receive.window_size"},
        Case{"security { sdes { receive { crypto: 'nonsense' } } }",
             "CRYPTO_INVALID leg.security.sdes.receive.crypto"},
        Case{"security { sdes { receive { crypto: '1 AES_CM_128_HMAC_SHA1_80 "
             "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz UNENCRYPTED_SRTP' } } }",
             "CRYPTO_INVALID leg.security.sdes.receive.crypto"},
        Case{"security { sdes { receive { crypto: '1 AES_CM_128_HMAC_SHA1_80 inline:QUJD' } } }",
             "KEY_LENGTH leg.security.sdes.receive.crypto"},
        Case{"security { sdes { receive { crypto: 'x' keys {} } } }",
             "FIELD_INVALID leg.security.sdes.receive.crypto"},
        Case{"security { sdes { receive { suite: SRTP_SUITE_AEAD_AES_128_GCM crypto: '1 "
             "AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz' } } }",
             "FIELD_INVALID leg.security.sdes.receive.suite"},
        Case{"security { sdes { roc_policy: 9 } }", "FIELD_INVALID leg.security.sdes.roc_policy"}));

TEST(TranslateLeg, DefaultsAreThoseOfTheApi) {
  const auto request = translate_leg(v1::Leg(), Field("leg"), kNetworks, "a");
  ASSERT_TRUE(request);
  const engine::LegSpec& spec = request->spec;
  EXPECT_EQ(spec.id, "a");
  EXPECT_EQ(request->network, 0);
  EXPECT_EQ(spec.accept_from.rule, engine::AcceptFrom::Rule::Exact);
  EXPECT_EQ(spec.security, engine::Security::Plain);
  EXPECT_EQ(spec.direction, engine::Direction::SendRecv);
  EXPECT_EQ(spec.first_packet_timeout, std::chrono::seconds(30));
  EXPECT_EQ(spec.media_timeout, std::chrono::seconds(30));
  EXPECT_EQ(spec.max_ssrcs, 8);
  EXPECT_TRUE(spec.codecs.empty());
}

TEST(TranslateLeg, TakesWhatIsSaid) {
  const auto request = translate_leg(
      leg_of(
          "network: 'outside' transport { kind: TRANSPORT_KIND_RTCP_MUX } "
          "remote { rtp { ip: '2001:db8::7' port: 4000 } rtcp { ip: '2001:db8::8' port: 4003 } } "
          "accept_from { latch { packets: 7 window { seconds: 9 } cidrs: '2001:db8::/32' } } dscp: "
          "34 max_ssrcs: 2 "
          "direction: DIRECTION_RECVONLY media_timeout {} "
          "codec_policy { transcoding: TRANSCODING_POLICY_FORBID }"),
      Field("leg"), kNetworks, "a");
  ASSERT_TRUE(request);
  const engine::LegSpec& spec = request->spec;
  EXPECT_EQ(request->network, 1);
  EXPECT_TRUE(spec.has_rtcp_mux);
  EXPECT_EQ(spec.remote_rtp, SocketAddress::parse("[2001:db8::7]:4000"));
  EXPECT_EQ(spec.remote_rtcp, SocketAddress::parse("[2001:db8::8]:4003"));
  EXPECT_EQ(spec.accept_from.rule, engine::AcceptFrom::Rule::Latch);
  EXPECT_EQ(spec.accept_from.latch_packets, 7);
  EXPECT_EQ(spec.accept_from.latch_window, std::chrono::seconds(9));
  ASSERT_EQ(spec.accept_from.cidrs.size(), 1);
  EXPECT_TRUE(spec.accept_from.cidrs[0].contains(*IpAddress::parse("2001:db8::9")));
  EXPECT_EQ(spec.dscp, 34);
  EXPECT_EQ(spec.max_ssrcs, 2);
  EXPECT_EQ(spec.direction, engine::Direction::RecvOnly);
  EXPECT_EQ(spec.media_timeout, Duration::zero());
  EXPECT_EQ(spec.transcoding, engine::TranscodingPolicy::Forbid);
}

TEST(TranslateLeg, ASharedPortIsForRtcpToo) {
  const auto request =
      translate_leg(leg_of("transport { kind: TRANSPORT_KIND_SHARED_PORT ice {} }"), Field("leg"),
                    kNetworks, "a");
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->spec.has_shared_port);
  EXPECT_TRUE(request->spec.has_rtcp_mux);
  EXPECT_TRUE(request->spec.has_ice);
}

engine::CodecSpec codec_of_text(const std::string& text) {
  v1::CodecParameters codec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &codec));
  auto spec = translate_codec(codec, Field("codec"));
  EXPECT_TRUE(spec) << text;
  return spec ? *spec : engine::CodecSpec();
}

TEST(TranslateCodec, StaticTypesNameThemselves) {
  const auto pcma = codec_of_text("payload_type: 8");
  EXPECT_EQ(pcma.encoding_name, "PCMA");
  EXPECT_EQ(pcma.clock, RtpClockRate(8000));
  const auto l16 = codec_of_text("payload_type: 10");
  EXPECT_EQ(l16.clock, RtpClockRate(44100));
  EXPECT_EQ(l16.channels, 2);
  EXPECT_EQ(codec_of_text("payload_type: 34").kind, engine::MediaKind::Video);
}

TEST(TranslateCodec, KnowsWhatAnEncodingsRfcSays) {
  const auto opus =
      codec_of_text("payload_type: 111 encoding_name: 'OPUS' fmtp: 'useinbandfec=1;usedtx=1'");
  EXPECT_EQ(opus.clock, RtpClockRate(48000));
  EXPECT_EQ(opus.channels, 2);
  EXPECT_TRUE(opus.opus.has_inband_fec);
  EXPECT_TRUE(opus.opus.has_dtx);
  EXPECT_FALSE(opus.opus.is_cbr);
  const auto event =
      codec_of_text("payload_type: 110 encoding_name: 'telephone-event' clock_rate: 48000");
  EXPECT_EQ(event.kind, engine::MediaKind::TelephoneEvent);
  EXPECT_EQ(codec_of_text("payload_type: 13").kind, engine::MediaKind::ComfortNoise);
}

TEST(TranslateCodec, SettingsGoBeforeTheFmtp) {
  const auto opus = codec_of_text(
      "payload_type: 111 encoding_name: 'opus' fmtp: 'useinbandfec=1' "
      "opus { inband_fec: false bitrate: 32000 complexity: 0 max_playback_rate: 16000 }");
  EXPECT_FALSE(opus.opus.has_inband_fec);
  EXPECT_EQ(opus.opus.bitrate, 32'000U);
  EXPECT_EQ(opus.opus.complexity, 0);
  EXPECT_EQ(opus.fmtp, "maxplaybackrate=16000;useinbandfec=1");
}

TEST(TranslateKeys, ReadsWhatLibsrtpTakes) {
  v1::SrtpKeys keys;
  keys.set_suite(v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80);
  keys.add_keys()->set_material(std::string(16, 'k') + std::string(14, 's'));
  keys.set_window_size(1500);
  keys.set_initial_roc(3);
  const auto set = translate_keys(keys, Field("receive"));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->keys.keys.size(), 1U);
  EXPECT_TRUE(set->keys.keys[0].key.equals(SecretKey(as_octets(std::string(16, 'k')))));
  EXPECT_TRUE(set->keys.keys[0].salt.equals(SecretKey(as_octets(std::string(14, 's')))));
  EXPECT_EQ(set->replay_window, 2048);
  EXPECT_EQ(set->initial_roc, 3U);
}

TEST(TranslateKeys, WhatIsShownHasNoMaterial) {
  v1::SrtpKeys keys;
  keys.set_suite(v1::SRTP_SUITE_AEAD_AES_128_GCM);
  keys.add_keys()->set_material(std::string(28, 'k'));
  keys.mutable_keys(0)->set_mki("m1");
  const auto set = translate_keys(keys, Field("receive"));
  ASSERT_TRUE(set);
  const v1::SrtpKeys shown = public_keys(*set);
  EXPECT_EQ(shown.suite(), v1::SRTP_SUITE_AEAD_AES_128_GCM);
  EXPECT_EQ(shown.keys(0).mki(), "m1");
  EXPECT_EQ(shown.SerializeAsString().find("kkkk"), std::string::npos);
}

TEST(TranslateKeys, AMadeKeyIsReadableAsOctetsAndAsAnAttribute) {
  for (int suite = v1::SrtpSuite_MIN + 1; suite <= v1::SrtpSuite_MAX; ++suite) {
    const auto made = make_keys(*suite_of(static_cast<v1::SrtpSuite>(suite)), 7, {}, Field("send"));
    ASSERT_TRUE(made);
    v1::SrtpKeys shown;
    show_made_keys(*made, shown);
    v1::SrtpKeys by_octets = shown;
    by_octets.clear_crypto();
    v1::SrtpKeys by_attribute;
    by_attribute.set_crypto("a=crypto:" + shown.crypto());
    const auto first = translate_keys(by_octets, Field("k"));
    const auto second = translate_keys(by_attribute, Field("k"));
    ASSERT_TRUE(first && second) << shown.crypto();
    EXPECT_TRUE(first->keys.keys[0].key.equals(made->keys.keys[0].key));
    EXPECT_TRUE(second->keys.keys[0].key.equals(made->keys.keys[0].key));
    EXPECT_TRUE(second->keys.keys[0].salt.equals(made->keys.keys[0].salt));
    EXPECT_EQ(second->tag, 7U);
  }
}

TEST(TranslateSecurity, TheRelaysKeyIsOfTheEndpointsSuiteAndTag) {
  engine::LegSpec spec;
  v1::Security security;
  security.mutable_sdes()->mutable_receive()->set_crypto(
      "3 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20");
  const auto keys = translate_security(security, Field("security"), SendKey::Make, spec);
  ASSERT_TRUE(keys && keys->receive && keys->send);
  EXPECT_EQ(spec.receive_suite, wire::SrtpSuite::AesCm128HmacSha1_32);
  EXPECT_EQ(spec.send_suite, wire::SrtpSuite::AesCm128HmacSha1_32);
  EXPECT_TRUE(keys->send->is_made);
  EXPECT_EQ(keys->send->tag, 3U);
  EXPECT_EQ(keys->receive->keys.keys[0].lifetime_packets, std::uint64_t{1} << 20);
}

TEST(TranslateSecurity, AnOfferersOwnKeyOutlivesTheAnswer) {
  engine::LegSpec spec;
  spec.send_suite = wire::SrtpSuite::AeadAes128Gcm;
  v1::Security security;
  v1::SrtpKeys& receive = *security.mutable_sdes()->mutable_receive();
  receive.set_suite(v1::SRTP_SUITE_AEAD_AES_128_GCM);
  receive.add_keys()->set_material(std::string(28, 'k'));
  const auto kept = translate_security(security, Field("s"), SendKey::KeepIfFits, spec);
  ASSERT_TRUE(kept);
  EXPECT_FALSE(kept->send);
  security.mutable_sdes()->mutable_send();
  const auto asked = translate_security(security, Field("s"), SendKey::KeepIfFits, spec);
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->send);
}

TEST(TranslateStages, AreAssertionsAndRecordings) {
  v1::Connection connection;
  connection.add_stages()->mutable_decrypt()->set_suite(v1::SRTP_SUITE_AEAD_AES_128_GCM);
  connection.add_stages()->mutable_transcode()->set_from_encoding("opus");
  connection.add_stages()->mutable_record()->set_recording("recordings/r");
  connection.add_stages()->mutable_encrypt();
  const auto stages = translate_stages(connection, Field("connection"), "s");
  ASSERT_TRUE(stages);
  ASSERT_EQ(stages->size(), 4U);
  EXPECT_EQ((*stages)[0].suite, wire::SrtpSuite::AeadAes128Gcm);
  EXPECT_EQ((*stages)[1].from_codec, "opus");
  EXPECT_EQ((*stages)[2].recording, "r");
  EXPECT_EQ((*stages)[3].kind, engine::StageSpec::Kind::Seal);
}

TEST(TranslateStages, RefuseWhatTheyCannotBe) {
  const auto refusal = [](const std::string& stage) {
    v1::Connection connection;
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString("stages { " + stage + " }", &connection));
    const auto stages = translate_stages(connection, Field("connection"), "s");
    return stages ? "" : std::string(stages.error().reason) + " " + stages.error().field;
  };
  EXPECT_EQ(refusal(""), "FIELD_REQUIRED connection.stages[0]");
  EXPECT_EQ(refusal("mix { mix: 'm' }"), "STAGE_ABSENT ");
  EXPECT_EQ(refusal("fork { uri: 'u' }"), "STAGE_ABSENT ");
  EXPECT_EQ(refusal("record {}"), "FIELD_REQUIRED connection.stages[0].record.recording");
  EXPECT_EQ(refusal("record { recording: 'r' }"),
            "NAME_INVALID connection.stages[0].record.recording");
  EXPECT_EQ(refusal("record { recording: 'sessions/t/recordings/r' }"),
            "NAME_INVALID connection.stages[0].record.recording");
  EXPECT_EQ(refusal("decrypt { suite: 50 }"), "FIELD_INVALID connection.stages[0].decrypt.suite");
  EXPECT_EQ(refusal("record { recording: 'recordings/r' } } stages { record { recording: "
                    "'recordings/r' }"),
            "FIELD_INVALID connection.stages[1]");
}

TEST(UpdateMask, NamesChangeableFieldsAndTheirParts) {
  static constexpr std::string_view kChangeable[] = {"labels", "remote"};
  const auto read = [&](std::vector<std::string> paths, const v1::Leg& leg = {}) {
    google::protobuf::FieldMask mask;
    for (std::string& path : paths) mask.add_paths(std::move(path));
    const auto out = read_update_mask(mask, true, leg, kChangeable);
    if (!out) return out.error().field;
    std::string text;
    for (const std::string& path : out->paths()) text += path + ";";
    return text;
  };
  EXPECT_EQ(read({"remote.rtp", "labels"}), "remote.rtp;labels;");
  EXPECT_EQ(read({"remote", "network"}), "update_mask.paths[1]");
  EXPECT_EQ(read({"no_such_field"}), "update_mask.paths[0]");
  EXPECT_EQ(read({"remote.nothing"}), "update_mask.paths[0]");
  EXPECT_EQ(read({}, leg_of("network: 'n' remote { rtp {} }")), "remote;");
}

TEST(UpdateMask, ReplacesEachFieldAsAWhole) {
  v1::Leg before = leg_of(
      "remote { rtp { ip: '192.0.2.1' port: 4 } rtcp { ip: '192.0.2.1' port: 9 } } "
      "codecs { payload_type: 0 } codecs { payload_type: 8 } max_ssrcs: 3");
  const v1::Leg change =
      leg_of("remote { rtp { ip: '192.0.2.2' port: 6 } } codecs { payload_type: 9 }");
  google::protobuf::FieldMask mask;
  mask.add_paths("remote");
  mask.add_paths("codecs");
  merge(change, mask, before);
  EXPECT_EQ(before.remote().rtp().ip(), "192.0.2.2");
  EXPECT_FALSE(before.remote().has_rtcp());
  ASSERT_EQ(before.codecs_size(), 1);
  EXPECT_EQ(before.codecs(0).payload_type(), 9U);
  EXPECT_EQ(before.max_ssrcs(), 3U);
}

}  // namespace
}  // namespace causeway::control
