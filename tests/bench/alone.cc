// The bare limits of what a relay does with a packet apart from moving it: the codecs alone and the
// ciphers alone, from their libraries, with nothing of relay/ or codecs/ between.
//
//   bench_alone codec opus|g722 --speech speech16k.wav [--calls N] [--seconds S] [--core N]
//               [--complexity N --bitrate N]
//   bench_alone evp AES_CM_128_HMAC_SHA1_80|AEAD_AES_128_GCM [--seconds S] [--core N]
//
// `codec`: both directions of N calls between G.711 and the other codec, one after the other as
// their packets would come, each with its own state: decode, encode. Opus is decoded to, and
// encoded from, 8 kHz mono. `evp`: one packet of 172 octets in, one out. Prints `ns_per_packet N`:
// processor time of this thread.

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <opus/opus.h>
#include <sched.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "codecs/spandsp.h"
#include "tests/bench/generator/speech.h"

// SHA1_* is what an HMAC of precomputed pads needs; EVP's digests cost twice as much.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace causeway::bench {
namespace {

struct Options {
  std::string kind, what, speech;
  int calls = 20;
  double seconds = 2;
  int core = -1;
  int complexity = 5;
  int bitrate = 24'000;
};

Options options_of(int argc, char** argv) {
  Options options;
  if (argc < 3) {
    std::cerr << "usage: bench_alone codec opus|g722 ... | evp SUITE ...\n";
    std::exit(2);
  }
  options.kind = argv[1];
  options.what = argv[2];
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* const value = argv[i + 1];
    if (name == "--speech") options.speech = value;
    if (name == "--calls") options.calls = std::atoi(value);
    if (name == "--seconds") options.seconds = std::atof(value);
    if (name == "--core") options.core = std::atoi(value);
    if (name == "--complexity") options.complexity = std::atoi(value);
    if (name == "--bitrate") options.bitrate = std::atoi(value);
  }
  return options;
}

double thread_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

/// Calls `round(i)`, which handles `packets` packets, for that long, once before it counts.
double ns_per_packet(double seconds, int packets, const std::function<void(std::size_t)>& round) {
  round(0);
  const double begin = thread_ns();
  std::size_t rounds = 0;
  while (thread_ns() - begin < seconds * 1e9) round(++rounds);
  return (thread_ns() - begin) / (static_cast<double>(rounds) * packets);
}

const std::uint8_t* octets(const std::vector<std::byte>& frame) {
  return reinterpret_cast<const std::uint8_t*>(frame.data());
}

/// Both directions of one call. Their sinks are members, so that nothing is optimised away.
class OpusCall {
 public:
  explicit OpusCall(const Options& options) {
    int error = 0;
    encoder_.reset(opus_encoder_create(8'000, 1, OPUS_APPLICATION_VOIP, &error));
    decoder_.reset(opus_decoder_create(8'000, 1, &error));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(options.bitrate));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(options.complexity));
  }
  void pass(const std::vector<std::byte>& pcmu, const std::vector<std::byte>& opus) {
    for (std::size_t i = 0; i < pcm_.size(); ++i) pcm_[i] = ulaw_to_linear(octets(pcmu)[i]);
    done_ += opus_encode(encoder_.get(), pcm_.data(), 160, packet_.data(), 1'000);
    done_ += opus_decode(decoder_.get(), octets(opus), static_cast<int>(opus.size()), pcm_.data(),
                         160, 0);
    for (std::size_t i = 0; i < pcm_.size(); ++i) packet_[i] = linear_to_ulaw(pcm_[i]);
  }

 private:
  struct Free {
    void operator()(OpusEncoder* each) const { opus_encoder_destroy(each); }
    void operator()(OpusDecoder* each) const { opus_decoder_destroy(each); }
  };
  std::unique_ptr<OpusEncoder, Free> encoder_;
  std::unique_ptr<OpusDecoder, Free> decoder_;
  std::array<std::int16_t, 160> pcm_{};
  std::array<std::uint8_t, 1'000> packet_{};
  int done_ = 0;
};

/// spandsp's own 8 kHz modes: the lower band alone, no filter bank.
class G722Call {
 public:
  explicit G722Call(const Options& /*options*/)
      : encoder_(g722_encode_init(nullptr, 64'000, G722_SAMPLE_RATE_8000)),
        decoder_(g722_decode_init(nullptr, 64'000, G722_SAMPLE_RATE_8000)) {}
  void pass(const std::vector<std::byte>& pcmu, const std::vector<std::byte>& g722) {
    for (std::size_t i = 0; i < 160; ++i) pcm_[i] = ulaw_to_linear(octets(pcmu)[i]);
    g722_encode(encoder_.get(), packet_.data(), pcm_.data(), 160);
    g722_decode(decoder_.get(), pcm_.data(), octets(g722), static_cast<int>(g722.size()));
    for (std::size_t i = 0; i < 160; ++i) packet_[i] = linear_to_ulaw(pcm_[i]);
  }

 private:
  struct Free {
    void operator()(g722_encode_state_t* each) const { g722_encode_free(each); }
    void operator()(g722_decode_state_t* each) const { g722_decode_free(each); }
  };
  std::unique_ptr<g722_encode_state_t, Free> encoder_;
  std::unique_ptr<g722_decode_state_t, Free> decoder_;
  std::array<std::int16_t, 320> pcm_{};
  std::array<std::uint8_t, 320> packet_{};
};

template <typename Call>
double codec(const Options& options, Payload other) {
  const Speech speech = read_speech(options.speech);
  const Frames pcmu = encode_speech(speech, Payload::Pcmu);
  const Frames coded = encode_speech(speech, other);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < options.calls; ++i) calls.push_back(std::make_unique<Call>(options));
  return ns_per_packet(options.seconds, 2 * options.calls, [&](std::size_t round) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::size_t frame = (round + 37 * i) % pcmu.size();
      calls[i]->pass(pcmu[frame], coded[frame]);
    }
  });
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* each) const { EVP_CIPHER_CTX_free(each); }
};

constexpr int kPayloadOctets = 160;
constexpr int kPacketOctets = 172;

double counter_mode(double seconds) {
  const std::array<unsigned char, 16> key{1};
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher(EVP_CIPHER_CTX_new());
  EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ctr(), nullptr, key.data(), nullptr);
  SHA_CTX inner, outer;
  std::array<unsigned char, SHA_CBLOCK> pad{};
  pad.fill(0x36);
  SHA1_Init(&inner);
  SHA1_Update(&inner, pad.data(), pad.size());
  pad.fill(0x5c);
  SHA1_Init(&outer);
  SHA1_Update(&outer, pad.data(), pad.size());
  std::array<unsigned char, kPacketOctets + 20> packet{};
  return ns_per_packet(seconds, 1, [&](std::size_t round) {
    std::array<unsigned char, 16> iv{};
    iv[13] = static_cast<unsigned char>(round);
    int size = 0;
    EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, nullptr, iv.data());
    EVP_EncryptUpdate(cipher.get(), &packet[12], &size, &packet[12], kPayloadOctets);
    SHA_CTX context = inner;
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
    SHA1_Update(&context, packet.data(), kPacketOctets + 4);
    SHA1_Final(digest.data(), &context);
    context = outer;
    SHA1_Update(&context, digest.data(), digest.size());
    SHA1_Final(&packet[kPacketOctets], &context);
  });
}

double galois_counter_mode(double seconds) {
  const std::array<unsigned char, 16> key{1};
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher(EVP_CIPHER_CTX_new());
  EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr);
  std::array<unsigned char, kPacketOctets + 16> packet{};
  return ns_per_packet(seconds, 1, [&](std::size_t round) {
    std::array<unsigned char, 12> iv{};
    iv[11] = static_cast<unsigned char>(round);
    int size = 0;
    EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, nullptr, iv.data());
    EVP_EncryptUpdate(cipher.get(), nullptr, &size, packet.data(), 12);
    EVP_EncryptUpdate(cipher.get(), &packet[12], &size, &packet[12], kPayloadOctets);
    EVP_EncryptFinal_ex(cipher.get(), &packet[kPacketOctets], &size);
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, 16, &packet[kPacketOctets]);
  });
}

double run(const Options& options) {
  if (options.kind == "codec" && options.what == "opus") {
    return codec<OpusCall>(options, Payload::Opus);
  }
  if (options.kind == "codec" && options.what == "g722") {
    return codec<G722Call>(options, Payload::G722);
  }
  if (options.what == "AES_CM_128_HMAC_SHA1_80") return counter_mode(options.seconds);
  if (options.what == "AEAD_AES_128_GCM") return galois_counter_mode(options.seconds);
  std::cerr << "bench_alone: knows no " << options.what << "\n";
  std::exit(2);
}

void pin(int core) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<std::size_t>(core), &cpus);
  if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) std::perror("bench_alone: --core");
}

}  // namespace
}  // namespace causeway::bench

int main(int argc, char** argv) {
  const auto options = causeway::bench::options_of(argc, argv);
  if (options.core >= 0) causeway::bench::pin(options.core);
  std::cout << "ns_per_packet " << causeway::bench::run(options) << "\n";
}
