#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "relay/base/result.h"
#include "relay/engine/spec.h"
#include "relay/media/path.h"
#include "relay/rtp/kept_streams.h"

namespace causeway::engine {

/// What a path costs, in a word (DESIGN.md section 3).
enum class PlanKind : std::uint8_t {
  Forward,    ///< Header rewrite in place; no keys on either side.
  Rekey,      ///< Open and seal in place.
  Transcode,  ///< At least one codec is decoded and encoded.
};

/// The cheapest path from one leg to another that does what was asked: a value, and the same for
/// the same input. `text` is its line in the API, `causeway describe` and the tests.
struct PathPlan {
  PlanKind kind = PlanKind::Forward;
  media::RouteTable routes;
  std::optional<media::Transcoder::Config> transcoder;  ///< Transcode only.
  std::optional<media::ExtensionMaps> extensions;       ///< Nothing: they pass as they are.
  std::size_t videos = rtp::KeptStreams::kUsual;        ///< Streams of video that are kept.
  std::vector<std::string> recordings;
  std::string text;
};

/// What a plan is where nothing of one leg can reach the other.
enum class NothingInCommon : std::uint8_t { Refused, Allowed };

/// Chooses the path. Every payload type of `from` that `to` knows too passes untouched (but see
/// TranscodingPolicy); audio that it does not know is transcoded to the first codec of `to` that we
/// can encode. Opening and sealing
/// follow from the legs' security. Stages other than Record are assertions about the result.
///
/// A leg without codecs takes and sends anything, untouched. Header extensions pass where both legs
/// list them. Transport-wide numbers do so only where each packet passes that has one: no audio is
/// transcoded, and no padding comes in retransmission streams, which end here.
///
/// Errors: FailedPrecondition NO_COMMON_CODEC (nothing of `from` can reach `to`), PLAN_MISMATCH (an
/// asserted stage is not part of the plan); InvalidArgument CODEC_UNSUPPORTED, PTIME_UNSUPPORTED.
[[nodiscard]] Result<PathPlan, Error> plan(const LegSpec& from, const LegSpec& to,
                                           std::span<const StageSpec> stages,
                                           NothingInCommon nothing = NothingInCommon::Refused);

/// Makes the path of a plan: allocates its codecs. Call off the worker. Errors: as make_decoder.
[[nodiscard]] Result<std::unique_ptr<media::Path>, Error> compile(const PathPlan& plan);

/// The codec of the relay's own that `spec` names, at the widest rate that the format can carry;
/// nothing for an opaque one.
[[nodiscard]] std::optional<codecs::CodecConfig> codec_of(const CodecSpec& spec);

}  // namespace causeway::engine
