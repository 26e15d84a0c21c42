#!/usr/bin/env python3
"""Writes the hand-made seeds of tests/fuzz/seeds. Seeds that fuzzing found stand beside them and
are not touched. Run it again after adding a seed here."""

import base64
import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"


def write(target, **seeds):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def rtp(first=0x80, type_=0, seq=1, timestamp=160, ssrc=0xCAFE, rest=b"\xff" * 160):
    return struct.pack("!BBHII", first, type_, seq, timestamp, ssrc) + rest


def rtcp(count, type_, body):
    return struct.pack("!BBH", 0x80 | count, type_, len(body) // 4) + body


def rtp_seeds():
    extension = struct.pack("!HH", 0xBEDE, 1) + b"\x10\xaa\x00\x00"
    write("fuzz_rtp", pcmu=rtp(), marker=rtp(type_=0x80 | 111, rest=b"\x78\x01\x02"),
          extension=rtp(0x90, rest=extension + b"abc"), csrc=rtp(0x82, rest=b"\0" * 8 + b"x"),
          extension_lies=rtp(0x90, rest=struct.pack("!HH", 0xBEDE, 999)),
          padding=rtp(0xA0, rest=b"abc\0\0\3"), padding_lies=rtp(0xA0, rest=b"\xff"),
          padding_none=rtp(0xA0, rest=b""), header_only=rtp(rest=b""), rtcp_type=rtp(type_=200),
          version_1=rtp(0x40), short=b"\x80\x00")

    def extended(profile, body, payload=b"abc"):
        return rtp(0x90, type_=96, rest=struct.pack("!HH", profile, len(body) // 4) + body + payload)

    write("fuzz_rtp", one_byte=extended(0xBEDE, b"\x10\xaa\x00\x41xy\xe0z\x00\x00\x00\x00"),
          one_byte_full=extended(0xBEDE, b"\x1f" + b"m" * 16 + b"\x00" * 3),
          one_byte_stop=extended(0xBEDE, b"\x10\xaa\xf0\x20"),
          one_byte_padding_length=extended(0xBEDE, b"\x10\xaa\x01\x20"),
          one_byte_lies=extended(0xBEDE, b"\x10\xaa\x2f\x00"),
          two_byte=extended(0x1003, b"\x01\x00\x00\xff\x02xy\x0f\x01z\x00\x00"),
          two_byte_lies=extended(0x1000, b"\x01\xff\x00\x00"),
          two_byte_cut=extended(0x1000, b"\x05\x01a\x06"),
          own_profile=extended(0x1234, b"\x10\xaa\x10\xaa"), mid=extended(0xBEDE, b"\x11aa\x00"),
          mid_of_nobody=extended(0xBEDE, b"\x10x\x00\x00"),
          no_room=extended(0x1000, b"".join(bytes([n, 0]) for n in range(1, 161))),
          rtx=rtp(type_=127, rest=b"\x12\x34abc"), rtx_short=rtp(type_=127, rest=b"\x12"),
          rtx_probe=rtp(0xA0, type_=127, rest=b"\0\0\0\4"))


def stun_seeds():
    # RFC 5769 2.1 and 2.2, then shapes of a request.
    request = bytes.fromhex(
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e00"
        "01ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5"
        "b2d3f249c1b571a280280004e57a3bcf")
    response = bytes.fromhex(
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112"
        "a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96")

    def message(type_, *attributes):
        body = b"".join(struct.pack("!HH", t, len(v)) + v + b"\0" * (-len(v) % 4)
                        for t, v in attributes)
        return struct.pack("!HHI", type_, len(body), 0x2112A442) + b"transaction!" + body

    seeds = dict(request=request, response=response, bare=message(1), indication=message(0x11),
                 unknown=message(1, (0x7001, b"abcd")), twice=message(1, (6, b"evtj:x"), (6, b"y")),
                 error=message(0x111, (9, b"\0\0\4\x57")), lies=message(1)[:-12] + b"\0\6\xff\xff",
                 behind=message(1, (8, b"\0" * 20), (0x25, b"")))
    write("fuzz_stun", **{f"{role}_{name}": bytes([n]) + octets
                          for n, role in enumerate(("lite", "full"))
                          for name, octets in seeds.items()})
    # Those with bit 1 in the first octet are signed by the target.
    check = [(6, b"evtj:h6vY"), (0x24, b"\x6e\x7f\0\xff")]
    mapped = (0x20, b"\0\1\xa1\x47\xe1\x12\xa6\x43")
    authentic = dict(nominates=message(1, *check, (0x802A, b"k" * 8), (0x25, b"")),
                     keeps=message(1, *check, (0x802A, b"\0" * 8)),
                     conflict=message(1, *check, (0x8029, b"\xff" * 8)),
                     strange=message(1, *check, (0x7001, b"abcd")),
                     success=message(0x101, mapped), success_strange=message(0x101, mapped, (0x7001, b"")),
                     role=message(0x111, (9, b"\0\0\4\x57")), forbidden=message(0x111, (9, b"\0\0\4\3")))
    write("fuzz_stun", **{f"{role}_signed_{name}": bytes([n]) + octets
                          for n, role in ((2, "lite"), (3, "full"))
                          for name, octets in authentic.items()})


def dtls_seeds():
    def record(type_, epoch, fragment, version=0xFEFD):
        return struct.pack("!BHHIHH", type_, version, epoch, 0, 1, len(fragment)) + fragment

    hello_body = (b"\xfe\xfd" + b"r" * 32 + b"\0" + b"\0" + b"\0\4\xc0\x2b\xc0\x2f" + b"\1\0" +
                  struct.pack("!HHHH", 9, 14, 5, 2) + b"\0\1\0")
    hello = b"\1" + struct.pack("!I", len(hello_body))[1:] + b"\0\0" + b"\0\0\0" + \
        struct.pack("!I", len(hello_body))[1:] + hello_body
    half = hello[:6] + b"\0\0\0" + struct.pack("!I", 20)[1:] + hello_body[:20]
    datagrams = dict(hello=record(22, 0, hello), fragment=record(22, 0, half),
                     alert=record(21, 0, b"\2\x28"), sealed_alert=record(21, 1, b"x" * 24),
                     change=record(20, 0, b"\1"), data=record(23, 1, b"x" * 40),
                     two=record(22, 0, hello) + record(20, 0, b"\1"), cut=record(22, 0, hello)[:-3],
                     old=record(22, 0, hello, 0xFEFF))
    for choice in range(8):
        write("fuzz_dtls", **{f"{choice}_{name}": bytes([choice]) +
                              (b"\1" + struct.pack("!H", len(octets)) + octets) * 2
                              for name, octets in datagrams.items()})


def address_seeds():
    texts = ["192.0.2.1", "192.0.2.1:4000", "[2001:db8::1]:4000", "2001:db8::1", "::ffff:192.0.2.1",
             "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0", "192.0.2.1/24", "[::1%lo]:1",
             "1.2.3", "256.1.1.1", "01.2.3.4", "192.0.2.1:65536", "[::]:0", "::ffff:192.0.2.0/120"]
    write("fuzz_address", **{f"text_{n:02}": text for n, text in enumerate(texts)})


def rtcp_seeds():
    report = struct.pack("!IIIIII", 0xCAFE, 0x10000001, 5, 6, 0x12345678, 0x100)
    sender = struct.pack("!IQIII", 1, 0xE000000000000000, 160, 1, 160)
    sdes = struct.pack("!I", 1) + b"\x01\x03abc\x00\x00\x00"
    sr = rtcp(1, 200, sender + report)
    write("fuzz_rtcp", sr=sr, sr_sdes=sr + rtcp(1, 202, sdes),
          rr=rtcp(1, 201, struct.pack("!I", 1) + report), rr_empty=rtcp(0, 201, struct.pack("!I", 1)),
          bye=rtcp(1, 203, struct.pack("!I", 1)),
          bye_reason=rtcp(1, 203, struct.pack("!I", 1) + b"\x03bye"),
          nack=rtcp(1, 205, struct.pack("!IIHH", 1, 2, 100, 0x8001)),
          twcc=rtcp(15, 205, struct.pack("!IIHHI", 1, 2, 1, 2, 0x01000000) + b"\x20\x02\x04\x04"),
          tmmbr=rtcp(3, 205, struct.pack("!IIII", 1, 0, 2, 0x1234)),
          pli=rtcp(1, 206, struct.pack("!II", 1, 2)),
          fir=rtcp(4, 206, struct.pack("!IIIBxxx", 1, 0, 2, 7)),
          remb=rtcp(15, 206, struct.pack("!II", 1, 0) + b"REMB\x01\x0a\xff\xff" + b"\0\0\0\2"),
          xr=rtcp(0, 207, struct.pack("!I", 1) + struct.pack("!BBHQ", 4, 0, 2, 5)),
          app=rtcp(0, 204, struct.pack("!I", 1) + b"NAME"), lies=b"\x80\xc8\xff\xff" + b"\0" * 8,
          sdes_open=rtcp(1, 202, struct.pack("!I", 1) + b"\x01\xff"))

    def transport_cc(base, count, reference, chunks, deltas, number=7):
        fci = struct.pack("!HHI", base, count, (reference << 8 | number) & 0xFFFFFFFF)
        fci += b"".join(struct.pack("!H", chunk) for chunk in chunks) + deltas
        return rtcp(15, 205, struct.pack("!II", 1, 2) + fci + b"\0" * (-len(fci) % 4))

    write("fuzz_rtcp", twcc_run=transport_cc(5, 4, 2, [0x2004], b"\0\4\x08\xff"),
          twcc_vectors=transport_cc(0xFFFF, 17, 0, [0xA800, 0xC900], b"\1\2\xff\xf6\3"),
          twcc_gap=transport_cc(0, 20000, -1, [0x1FFF, 0x1FFF, 0x0E21, 0x4001], b"\x80\0"),
          twcc_nothing=transport_cc(0, 0, 0, [0x2001], b"\0"),
          twcc_claims=transport_cc(0, 65528, 0, [0, 0x2000] + [0x1FFF] * 8, b""),
          twcc_reserved=transport_cc(0, 1, 0, [0x6001], b"\0\0"),
          twcc_no_deltas=transport_cc(0, 14, 0, [0xBFFF], b""),
          sdes_mid=rtcp(1, 202, struct.pack("!I", 9) + b"\x0f\x03abc\0\0\0"),
          tmmbn=rtcp(4, 205, struct.pack("!IIII", 1, 0, 1, 0x1234)),
          tstr=rtcp(5, 206, struct.pack("!IIIBxxB", 1, 0, 2, 7, 3)),
          xr_voip=rtcp(0, 207, struct.pack("!IBBHI", 1, 7, 0, 8, 2) + b"\0" * 28),
          xr_dlrr=rtcp(0, 207, struct.pack("!IBBHIII", 1, 5, 0, 3, 2, 1, 1)))


def telephone_event_seeds():
    write("fuzz_telephone_event", five=b"\x05\x0a\x01\x40", end=b"\x05\x8a\x03\x20",
          reserved=b"\x0b\x4a\x00\xa0", longest=b"\x10\x00\xff\xff", unknown=b"\xff\x3f\x00\x01",
          two=b"\x01\x0a\x00\xa0\x02\x0a\x00\xa0", short=b"\x05\x0a\x01")


def opus_framing_seeds():
    many = bytes([0x48 | 3, 0x80 | 3, 2, 3]) + b"aabbbcccc"
    padded = bytes([0x78 | 3, 0xC0 | 0x40 | 2, 255, 3, 1]) + b"a" + b"bb" + b"\0" * 257
    write("fuzz_opus_framing", code0=b"\x78" + b"a" * 40, code1=b"\x09" + b"a" * 40,
          code1_odd=b"\x09" + b"a" * 41, code2=b"\x0a\x05" + b"a" * 12,
          code2_long=b"\x0a\xfc\x01" + b"a" * 300, code3_vbr=many, code3_padded=padded,
          code3_cbr=bytes([0x48 | 3, 4]) + b"a" * 40, code3_none=b"\x0b\x00",
          code3_too_long=bytes([0x18 | 3, 3]) + b"a" * 30, code3_48=bytes([0x83, 48]) + b"a" * 48,
          dtx=b"\x78", stereo=b"\x7c" + b"a" * 9, empty=b"", lbrr=b"\x48\x80" + b"a" * 30,
          too_big=b"\x78" + b"a" * 1276)


def srtp_open_seeds():
    def step(kind, number, payload):
        return struct.pack("!BHB", kind, number, len(payload)) + payload

    steps = b"".join(step(kind, 13, b"payload!") for kind in range(14))
    write("fuzz_srtp_open", **{f"suite_{suite}_mki_{mki}": bytes([suite, mki]) + steps
                               for suite in range(6) for mki in (0, 2)})
    write("fuzz_srtp_open", rollover=b"\0\0" + step(0, 0, b"a") * 20,
          far=b"\4\0" + (step(6, 0x3000, b"") + step(0, 0, b"a")) * 12,
          forged=b"\0\0" + step(4, 0, rtp()) + step(4, 0, rtcp(1, 201, b"\0\0\0\1" * 7)))


def sdes_seeds():
    def key(octets, first=0):
        return base64.b64encode(bytes((first + i) % 256 for i in range(octets))).decode()

    cm128, gcm128, gcm256 = key(30), key(28), key(44)
    texts = {
        "plain": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128}",
        "whole_line": f"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{cm128}|2^20|1:4",
        "two_keys": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128}|2^31|1:1;inline:{key(30, 9)}|2^31|2:1",
        "aes256": f"1 AES_256_CM_HMAC_SHA1_80 inline:{key(46)}",
        "gcm128": f"3 AEAD_AES_128_GCM inline:{gcm128}", "gcm256": f"4 AEAD_AES_256_GCM inline:{gcm256}",
        "parameters": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128} WSH=128 FEC_ORDER=SRTP_FEC -X=1",
        "fec_key": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128} FEC_KEY=inline:{key(30, 5)}",
        "decimal_lifetime": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128}|1048576",
        "unencrypted": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128} UNENCRYPTED_SRTP",
        "short_key": f"1 AES_CM_128_HMAC_SHA1_80 inline:{key(29)}",
        "null": f"1 NULL_HMAC_SHA1_80 inline:{cm128}", "kdr": f"1 AES_CM_128_HMAC_SHA1_80 inline:{cm128} KDR=4",
        "unpadded": f"1 AEAD_AES_128_GCM inline:{gcm128.rstrip('=')}",
    }
    write("fuzz_sdes", **texts)


def names_seeds():
    texts = ["sessions/s", "sessions/s/legs/a", "sessions/s/connections/c1", "sessions/s/recordings/r",
             "sessions/s/playbacks/p", "legs/a", "recordings/r.1", "sessions/../legs/a", "sessions/s/legs/",
             "sessions/" + "x" * 64, "sessions/" + "x" * 65, "sessions/-a", "_id", "sessions//legs/a"]
    write("fuzz_names", **{f"text_{kind}_{n:02}": bytes([kind]) + text.encode()
                           for n, text in enumerate(texts) for kind in range(4) if n < 5 or kind == 0})


def config_seeds():
    whole = (SEEDS.parents[2] / "deploy/causewayd.yaml").read_bytes()
    write("fuzz_config", sample=b"\2" + whole,
          network=b"\0name=lo,bind=127.0.0.1,advertise=203.0.113.7,ports=20000-20999,dscp=46",
          network_upside_down=b"\0name=a,bind=::1,ports=30000-20000",
          environment=b"\1" + b"127.0.0.1:7700", environment_number=b"\x151000",
          tls=b"\2listen: 0.0.0.0:7700\ntls:\n  certificate: c.pem\n  key: k.pem\nlog: {level: debug}\n",
          unknown=b"\2colour: blue\n", nested=b"\2networks: [[[[[[[[{}]]]]]]]]\n", broken=b"\2a: [b\n",
          alias=b"\2a: &x [*x, *x]\nworkers: 4\nlease: 90s\n", empty=b"\2")


def engine_seeds():
    def opened(shape_a, codec_a, shape_b, codec_b):
        return bytes([0, 0, shape_a, codec_a, shape_b, codec_b, 200, 0])

    def spoken(packets, shape=0, type_=0, socket=0, source=0, octets=160):
        head = bytes([1, shape, type_]) + (bytes([octets]) if type_ == 111 else b"")
        return (head + b"\x48" * octets + bytes([socket, source, 5, 20])) * packets

    plain_a, plain_b, srtp = 0x06, 0x16, 0x86  # SAME_IP, remotes 0 and 1, suite 2
    write("fuzz_engine",
          forward=opened(plain_a, 0, plain_b, 0) + spoken(10),
          transcode=opened(plain_a, 2, plain_b, 1) + spoken(8, type_=111, octets=40) +
          spoken(8, type_=8, socket=2, source=1),
          srtp=opened(srtp, 0, plain_b, 1) + spoken(8, shape=0x82),
          latch=opened(0x0E, 0, plain_b, 0) + spoken(10, source=6),
          mux=opened(0x07, 4, 0x17, 4) + spoken(4) + bytes([13, 0, 2, 2, 5, 6]) + bytes([5, 200] * 4),
          recorded=opened(plain_a, 0, plain_b, 0) + bytes([14, 0, 0]) + spoken(6) + bytes([14, 0, 6]),
          replanned=opened(plain_a, 0, plain_b, 0) + spoken(4) + bytes([8, 0, 0x1C, 1]) + spoken(4),
          rtcp=opened(plain_a, 0, plain_b, 0) + spoken(3) +
          bytes([4, 1, 0, 8]) + rtcp(0, 201, b"\0\0\0\1") + bytes([7, 20, 12, 0, 1, 9]),
          legs=opened(plain_a, 0, plain_b, 0) + bytes([10, 0, 0, 0x26, 0, 8, 0, 0x24, 10, 0, 1, 11, 0, 0]),
          refused=bytes([0, 7, plain_a, 0, plain_b, 0, 9, 1, 15, 1, 1, 0]) + b"x" * 12,
          shared=opened(plain_a, 0x80, plain_b, 0x80) + bytes([16, 0x18, 1, 0, 16, 0x19, 2, 1]) + spoken(3) +
          bytes([16, 0x18, 1, 5, 16, 0x11, 3, 0, 9, 0, 0x34, 16, 0x1b, 4, 0, 10, 0, 1, 16, 0x18, 5, 0]),
          asking=opened(plain_a, 0xC0, plain_b, 0x80) + bytes([5, 200] * 6 + [7, 60]),
          leases=opened(plain_a, 0, plain_b, 0) + bytes([7, 255]) * 3)


if __name__ == "__main__":
    for make in [value for name, value in dict(globals()).items() if name.endswith("_seeds")]:
        make()
