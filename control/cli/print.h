#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "causeway/v1/event_service.pb.h"
#include "causeway/v1/report.pb.h"
#include "causeway/v1/session.pb.h"

namespace causeway::cli {

/// A message for a person: `name: value` lines, indented, what is not set left out, times and
/// durations in their usual form.
[[nodiscard]] std::string as_text(const google::protobuf::Message& message);
/// The same in one line.
[[nodiscard]] std::string as_line(const google::protobuf::Message& message);
/// Proto JSON, on one line or indented.
[[nodiscard]] std::string as_json(const google::protobuf::Message& message,
                                  bool is_indented = true);

/// How much an event matters: in words, each of five characters.
enum class Severity { Info, Warning, Error };
[[nodiscard]] Severity severity_of(const v1::Event& event);
/// One event as one line: when, how much it matters (a word, and a colour), whose, what.
[[nodiscard]] std::string as_line(const v1::Event& event, bool is_colored);
/// A report as a paragraph a leg: both directions, loss, jitter, what was concealed and dropped.
[[nodiscard]] std::string as_text(const v1::SessionReport& report);
/// The addresses that endpoints send to, one leg a line.
[[nodiscard]] std::string addresses(const v1::Session& session);

}  // namespace causeway::cli
