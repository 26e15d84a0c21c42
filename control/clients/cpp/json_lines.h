#pragma once

#include <string>
#include <vector>

/// The signalling of the example: a JSON object a line on stdin and stdout.
namespace causeway::client {

/// The text that the next line has under this key. Throws std::runtime_error where it has none.
std::string hear(const std::string& key);

/// Writes a line with one key. Any thread may.
void tell(const std::string& key, const std::string& text);
void tell(const std::string& key, const std::vector<std::string>& texts);

}  // namespace causeway::client
