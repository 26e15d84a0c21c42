#include "control/names.h"

#include <openssl/rand.h>

#include <array>

#include "relay/base/check.h"

namespace causeway::control {

namespace {

constexpr std::string_view kSessions = "sessions/";

std::string_view collection_of(ChildKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"legs", "connections", "recordings",
                                                             "playbacks"};
  return kNames[static_cast<std::size_t>(kind)];
}
std::string_view singular_of(ChildKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"leg", "connection", "recording",
                                                             "playback"};
  return kNames[static_cast<std::size_t>(kind)];
}

auto expected_form(std::string_view form) {
  return failure(NameProblem("expected `" + std::string(form) +
                             "`, ids of 1 to 64 characters of A-Z a-z 0-9 . _ ~ -, beginning with "
                             "a letter, a digit or _"));
}

std::string full_form(ChildKind kind) {
  return "sessions/{session}/" + std::string(collection_of(kind)) + "/{" +
         std::string(singular_of(kind)) + "}";
}

/// What follows `collection/`, if that is how `text` begins.
std::string_view after_collection(std::string_view text, ChildKind kind) {
  const std::string_view collection = collection_of(kind);
  if (text.substr(0, collection.size()) != collection) return {};
  text.remove_prefix(collection.size());
  return text.empty() || text.front() != '/' ? std::string_view() : text.substr(1);
}

}  // namespace

void fill_random(void* out, std::size_t octets) {
  const int done = RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(octets));
  CAUSEWAY_CHECK(done == 1, "without random numbers there are no keys");
}

std::string to_hex(std::string_view octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * octets.size());
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::string make_id() {
  std::array<char, 16> octets;
  fill_random(octets.data(), octets.size());
  return to_hex({octets.data(), octets.size()});
}

std::string session_name(std::string_view session) {
  return std::string(kSessions).append(session);
}

std::string child_name(std::string_view session, ChildKind kind, std::string_view id) {
  std::string name = session_name(session);
  name += '/';
  name += collection_of(kind);
  name += '/';
  name += id;
  return name;
}

Result<std::string_view, NameProblem> parse_session_name(std::string_view name) {
  if (name.substr(0, kSessions.size()) == kSessions) {
    const std::string_view id = name.substr(kSessions.size());
    if (is_id(id)) return id;
  }
  return expected_form("sessions/{session}");
}

Result<ChildName, NameProblem> parse_child_name(std::string_view name, ChildKind kind) {
  const std::string_view whole = name;
  if (whole.substr(0, kSessions.size()) != kSessions) return expected_form(full_form(kind));
  name.remove_prefix(kSessions.size());
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return expected_form(full_form(kind));
  const ChildName parsed{name.substr(0, slash), after_collection(name.substr(slash + 1), kind)};
  if (!is_id(parsed.session) || !is_id(parsed.id)) return expected_form(full_form(kind));
  return parsed;
}

Result<std::string_view, NameProblem> parse_reference(std::string_view name, ChildKind kind,
                                                      std::string_view session) {
  const std::string_view short_id = after_collection(name, kind);
  if (is_id(short_id)) return short_id;
  if (const auto full = parse_child_name(name, kind)) {
    if (full->session == session) return full->id;
    return failure(NameProblem("is of another session"));
  }
  return expected_form(std::string(collection_of(kind)) + "/{" + std::string(singular_of(kind)) +
                       "} or " + full_form(kind));
}

}  // namespace causeway::control
