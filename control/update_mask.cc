#include "control/update_mask.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/field_mask_util.h>

#include <algorithm>
#include <string>
#include <vector>

namespace causeway::control {

namespace {

using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

std::string_view head_of(std::string_view path) { return path.substr(0, path.find('.')); }

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
      if (std::ranges::find(changeable, head_of(path)) == changeable.end()) {
        return failure(field_error("UPDATE_MASK_INVALID", at, "This field cannot be changed."));
      }
      out.add_paths(path);
    }
    return out;
  }
  std::vector<const google::protobuf::FieldDescriptor*> set;
  resource.GetReflection()->ListFields(resource, &set);
  for (const auto* field : set) {
    if (std::ranges::find(changeable, std::string_view(field->name())) != changeable.end()) {
      out.add_paths(field->name());
    }
  }
  return out;
}

bool touches(const FieldMask& mask, std::string_view field) {
  return std::ranges::any_of(mask.paths(), [&](const std::string& path) {
    return path == field ||
           (path.size() > field.size() && path.starts_with(field) && path[field.size()] == '.');
  });
}

void merge(const Message& from, const FieldMask& mask, Message& into) {
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, mask, options, &into);
}

}  // namespace causeway::control
