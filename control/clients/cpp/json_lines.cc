#include "control/clients/cpp/json_lines.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace causeway::client {
namespace {

void write(const std::string& key, const google::protobuf::Value& value) {
  google::protobuf::Struct line;
  (*line.mutable_fields())[key] = value;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(line, &text).ok()) text = "{}";
  text += '\n';
  std::fputs(text.c_str(), stdout);  // One call a line: stdio locks its files.
  std::fflush(stdout);
}

}  // namespace

std::string hear(const std::string& key) {
  std::string text;
  google::protobuf::Struct line;
  std::getline(std::cin, text);
  if (!google::protobuf::util::JsonStringToMessage(text, &line).ok() ||
      !line.fields().contains(key)) {
    throw std::runtime_error("no line with " + key);
  }
  return line.fields().at(key).string_value();
}

void tell(const std::string& key, const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  write(key, value);
}

void tell(const std::string& key, const std::vector<std::string>& texts) {
  google::protobuf::Value value;
  for (const std::string& text : texts) {
    value.mutable_list_value()->add_values()->set_string_value(text);
  }
  write(key, value);
}

}  // namespace causeway::client
