#include "control/update_mask.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/field_mask_util.h>

#include <algorithm>
#include <string>

namespace causeway::control {

namespace {

using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

/// `path` is `field`, or a part of it.
bool is_within(std::string_view path, std::string_view field) {
  return path == field ||
         (path.size() > field.size() && path.starts_with(field) && path[field.size()] == '.');
}

/// Whether the message has the field that a path names, whatever lies between.
bool is_set(const Message& message, std::string_view path) {
  const std::size_t dot = path.find('.');
  const auto* const field =
      message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  const auto& reflection = *message.GetReflection();
  if (field == nullptr) return false;
  if (dot != std::string_view::npos) {
    return reflection.HasField(message, field) &&
           is_set(reflection.GetMessage(message, field), path.substr(dot + 1));
  }
  return field->is_repeated() ? reflection.FieldSize(message, field) > 0
                              : reflection.HasField(message, field);
}

bool is_valid_path(const Message& resource, const std::string& path) {
  return FieldMaskUtil::GetFieldDescriptors(resource.GetDescriptor(), path, nullptr);
}

}  // namespace

Answer<FieldMask> read_update_mask(const FieldMask& mask, bool has_mask, const Message& resource,
                                   std::span<const std::string_view> changeable) {
  FieldMask out;
  if (has_mask && mask.paths_size() != 0) {
    const Field field("update_mask");
    for (int i = 0; i < mask.paths_size(); ++i) {
      const std::string& path = mask.paths(i);
      const Field at{"paths", &field, i};
      if (!is_valid_path(resource, path)) {
        return failure(field_error("UPDATE_MASK_INVALID", at, "There is no such field."));
      }
      if (std::ranges::none_of(changeable,
                               [&](std::string_view each) { return is_within(path, each); })) {
        return failure(field_error("UPDATE_MASK_INVALID", at, "This field cannot be changed."));
      }
      out.add_paths(path);
    }
    return out;
  }
  for (const std::string_view field : changeable) {
    if (is_set(resource, field)) out.add_paths(std::string(field));
  }
  return out;
}

bool touches(const FieldMask& mask, std::string_view field) {
  return std::ranges::any_of(mask.paths(),
                             [&](const std::string& path) { return is_within(path, field); });
}

void merge(const Message& from, const FieldMask& mask, Message& into) {
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, mask, options, &into);
}

}  // namespace causeway::control
