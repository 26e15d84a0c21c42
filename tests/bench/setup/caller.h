#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace causeway::bench {

/// Called once a call was made, or was not; maybe on another thread.
using Done = std::function<void(bool is_ok)>;

/// A control protocol, asked for calls that are all alike. All methods but poll() return at once.
class Caller {
 public:
  virtual ~Caller() = default;
  /// What has to be there before a call can be made, and is no part of how long that takes.
  [[nodiscard]] virtual bool has_preparation() const { return false; }
  virtual void prepare(std::uint32_t /*call*/, Done done) { done(true); }
  virtual void create(std::uint32_t call, Done done) = 0;
  virtual void destroy(std::uint32_t call, Done done) = 0;
  /// Lets answers in, for at most that long. A protocol with threads of its own just waits.
  virtual void poll(std::int64_t until_ns) = 0;
};

/// gRPC: one CreateSession, one DeleteSession. `request_json`: a CreateSessionRequest whose session
/// id is replaced.
[[nodiscard]] std::unique_ptr<Caller> make_grpc_caller(const std::string& server,
                                                       const std::string& request_json);

/// gRPC, the common bridge: BridgeOffer and BridgeAnswer, one after the other; DeleteSession. The
/// session's id in the JSON of both requests is replaced.
[[nodiscard]] std::unique_ptr<Caller> make_bridge_caller(const std::string& server,
                                                         const std::string& offer_json,
                                                         const std::string& answer_json);

/// gRPC: a CreateSession to prepare, a CreateAnswer for its leg `caller`; DeleteSession. The
/// session's id in the JSON of both requests is replaced.
[[nodiscard]] std::unique_ptr<Caller> make_answer_caller(const std::string& server,
                                                         const std::string& session_json,
                                                         const std::string& answer_json);

/// rtpengine's ng protocol: offer, then answer; delete. The templates are bencoded requests in
/// which every `CALLID0000000` is replaced by a text as long, and the keys of the answer stay the
/// same.
struct NgTemplates {
  std::string offer;
  std::string answer;
  std::string remove;
};
[[nodiscard]] std::unique_ptr<Caller> make_ng_caller(const std::string& server,
                                                     NgTemplates templates);

}  // namespace causeway::bench
