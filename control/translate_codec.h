#pragma once

#include <vector>

#include "causeway/v1/common.pb.h"
#include "control/errors.h"
#include "relay/engine/spec.h"

namespace causeway::control {

/// Errors: FIELD_INVALID.
[[nodiscard]] Answer<engine::Direction> read_direction(v1::Direction direction, const Field& field);

/// One codec of a leg, with the defaults of its RFC filled in.
/// Errors: FIELD_INVALID, FIELD_REQUIRED, CODEC_UNSUPPORTED, PTIME_UNSUPPORTED, STAGE_ABSENT.
[[nodiscard]] Answer<engine::CodecSpec> translate_codec(const v1::CodecParameters& codec,
                                                        const Field& field);

/// A leg's codecs in their order; `field` is that of the leg. Errors: as above; CODEC_UNSUPPORTED
/// for a payload type that is used twice.
[[nodiscard]] Answer<std::vector<engine::CodecSpec>> translate_codecs(
    const google::protobuf::RepeatedPtrField<v1::CodecParameters>& codecs, const Field& field);

/// The static payload types of RFC 3551 section 6, for legs that name no codecs.
[[nodiscard]] std::vector<engine::CodecSpec> static_codecs();

}  // namespace causeway::control
