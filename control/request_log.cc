#include "control/request_log.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "control/names.h"
#include "relay/base/secret.h"

namespace causeway::control {

namespace {

constexpr std::size_t kMaxId = 128;
/// What an entry costs beside its response.
constexpr std::size_t kOverhead = 256;

bool is_request_id(const std::string& id) {
  return id.size() <= kMaxId && std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
}

/// The same message always gives the same octets, maps included.
std::string serialize(const google::protobuf::MessageLite& message) {
  std::string octets;
  octets.reserve(message.ByteSizeLong() + 16);
  google::protobuf::io::StringOutputStream stream(&octets);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return octets;
}

}  // namespace

RequestLog::RequestLog(const Limits& limits) : limits_(limits) {
  fill_random(hash_key_.data(), hash_key_.size());
}

RequestLog::~RequestLog() {
  const Lock lock(mutex_);
  while (!by_age_.empty()) forget(by_age_.front().request_id), by_age_.pop_front();
}

RequestLog::Digest RequestLog::digest_of(std::string_view method,
                                         const google::protobuf::MessageLite& request) const {
  std::string body = serialize(request);
  body.append(method);
  Digest digest{};
  unsigned int size = digest.size();
  HMAC(EVP_sha256(), hash_key_.data(), static_cast<int>(hash_key_.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data(), &size);
  wipe(body.data(), body.size());  // it may hold keys
  return digest;
}

Answer<void> RequestLog::run(Instant now, const std::string& request_id, std::string_view method,
                             const google::protobuf::MessageLite& request,
                             google::protobuf::MessageLite& response,
                             const std::function<Answer<void>()>& handle) {
  if (request_id.empty()) return handle();
  if (!is_request_id(request_id)) {
    return failure(invalid(Field("request_id"), "1 to 128 printable ASCII characters."));
  }
  const Digest body = digest_of(method, request);
  EntryPtr entry;
  {
    const Lock lock(mutex_);
    forget_old(now);
    for (;;) {
      const auto found = entries_.find(request_id);
      if (found == entries_.end()) break;
      if (found->second->body != body) {
        return failure(field_error("REQUEST_ID_REUSED", Field("request_id"),
                                   "The same request_id came before with another request."));
      }
      if (found->second->is_done) {
        response.ParseFromString(found->second->response);
        return {};
      }
      is_settled_.wait(mutex_);  // the first one is being handled
    }
    entry = entries_.emplace(request_id, std::make_shared<Entry>()).first->second;
    entry->body = body;
  }
  Answer<void> done = failure(internal_error(""));
  try {
    done = handle();
  } catch (...) {
    // Whoever waits for this one is to try for himself.
    const Lock lock(mutex_);
    entries_.erase(request_id);
    is_settled_.notify_all();
    throw;
  }
  const Lock lock(mutex_);
  if (done) {
    entry->response = serialize(response);
    entry->is_done = true;
    octets_ += entry->response.size() + kOverhead;
    by_age_.push_back({now, request_id});
    forget_old(now);
  } else {
    entries_.erase(request_id);
  }
  is_settled_.notify_all();
  return done;
}

void RequestLog::forget_old(Instant now) {
  while (!by_age_.empty() &&
         (now - by_age_.front().at > limits_.memory || octets_ > limits_.octets)) {
    forget(by_age_.front().request_id);
    by_age_.pop_front();
  }
}

void RequestLog::forget(const std::string& request_id) {
  const auto found = entries_.find(request_id);
  if (found == entries_.end()) return;
  std::string& response = found->second->response;
  octets_ -= response.size() + kOverhead;
  wipe(response.data(), response.size());
  entries_.erase(found);
}

std::size_t RequestLog::size() const {
  const Lock lock(mutex_);
  return entries_.size();
}

}  // namespace causeway::control
