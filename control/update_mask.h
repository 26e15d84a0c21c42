#pragma once

#include <google/protobuf/message.h>

#include <span>
#include <string_view>

#include "control/errors.h"
#include "google/protobuf/field_mask.pb.h"

namespace causeway::control {

/// The mask of an update: what the request says, or, where it says nothing, the changeable fields
/// that are set in `resource`. Each path is a changeable field or a part of one.
/// Errors: UPDATE_MASK_INVALID.
[[nodiscard]] Answer<google::protobuf::FieldMask> read_update_mask(
    const google::protobuf::FieldMask& mask, bool has_mask,
    const google::protobuf::Message& resource, std::span<const std::string_view> changeable);

/// Whether the mask has `field` or a part of it.
[[nodiscard]] bool touches(const google::protobuf::FieldMask& mask, std::string_view field);

/// Puts what the mask names from `from` into `into`, each replaced as a whole.
void merge(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
           google::protobuf::Message& into);

}  // namespace causeway::control
