#pragma once

#include <string>
#include <vector>

#include "causeway/v1/session.pb.h"
#include "control/errors.h"
#include "relay/engine/planner.h"
#include "relay/engine/spec.h"

namespace causeway::control {

/// The chain of a connection. `session`: the id that full names of recordings must have.
/// Errors: FIELD_REQUIRED (a stage without a kind), NAME_INVALID, FIELD_INVALID, STAGE_ABSENT.
[[nodiscard]] Answer<std::vector<engine::StageSpec>> translate_stages(
    const v1::Connection& connection, const Field& field, std::string_view session);

/// What the planner says, as the API shows it. `why` is derived from the two legs.
[[nodiscard]] v1::Plan show_plan(const engine::PathPlan& plan, const engine::LegSpec& from,
                                 const engine::LegSpec& to);

/// The planner's refusal as an API error: the field is put under that of the connection, and a plan
/// that is not as asserted goes along. `leg_fields`: where the legs' own fields are, if they are in
/// the same request.
[[nodiscard]] ApiError plan_error(const Error& error, const engine::LegSpec& from,
                                  const engine::LegSpec& to,
                                  const std::vector<engine::StageSpec>& stages,
                                  const Field& connection, const std::string& to_leg_field);

}  // namespace causeway::control
