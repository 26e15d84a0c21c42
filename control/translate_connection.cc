#include "control/translate_connection.h"

#include <algorithm>

#include "control/names.h"
#include "control/translate_keys.h"
#include "relay/base/text.h"

namespace causeway::control {

namespace {

using engine::LegSpec;
using engine::MediaKind;
using engine::PathPlan;
using engine::StageSpec;

constexpr int kMaxStages = 16;

Answer<StageSpec> assertion(StageSpec::Kind kind, v1::SrtpSuite suite, const Field& field) {
  StageSpec stage;
  stage.kind = kind;
  const auto known = read_suite(suite, Field{"suite", &field});
  if (!known) return failure(known.error());
  stage.suite = *known;
  return stage;
}

Answer<StageSpec> record_stage(const v1::RecordStage& record, const Field& field,
                               std::string_view session) {
  const Field recording{"recording", &field};
  if (record.recording().empty()) {
    return failure(required(recording, "A record stage names its recording."));
  }
  const auto id = parse_reference(record.recording(), ChildKind::Recording, session);
  if (!id) return failure(bad_name(recording, id.error()));
  StageSpec stage;
  stage.kind = StageSpec::Kind::Record;
  stage.recording = std::string(*id);
  return stage;
}

Answer<StageSpec> translate_stage(const v1::Stage& stage, const Field& field,
                                  std::string_view session) {
  switch (stage.kind_case()) {
    case v1::Stage::kDecrypt:
      return assertion(StageSpec::Kind::Open, stage.decrypt().suite(), Field{"decrypt", &field});
    case v1::Stage::kEncrypt:
      return assertion(StageSpec::Kind::Seal, stage.encrypt().suite(), Field{"encrypt", &field});
    case v1::Stage::kTranscode: {
      StageSpec transcode;
      transcode.kind = StageSpec::Kind::Transcode;
      transcode.from_codec = stage.transcode().from_encoding();
      transcode.to_codec = stage.transcode().to_encoding();
      return transcode;
    }
    case v1::Stage::kRecord:
      return record_stage(stage.record(), Field{"record", &field}, session);
    case v1::Stage::kMix:
      return failure(absent_feature("Stage.mix"));
    case v1::Stage::kFork:
      return failure(absent_feature("Stage.fork"));
    case v1::Stage::KIND_NOT_SET:
      break;
  }
  return failure(required(field, "A stage is one of decrypt, transcode, record, encrypt."));
}

/// The spelling that everyone knows.
std::string_view encoding_of(codecs::CodecId id) {
  switch (id) {
    case codecs::CodecId::Pcmu:
      return "PCMU";
    case codecs::CodecId::Pcma:
      return "PCMA";
    case codecs::CodecId::G722:
      return "G722";
    case codecs::CodecId::Opus:
      return "opus";
    case codecs::CodecId::L16:
      return "L16";
  }
  return "";
}

void show_codec(v1::PlanCodec& out, PayloadType type, const codecs::CodecConfig& codec) {
  out.set_encoding_name(std::string(encoding_of(codec.id)));
  out.set_payload_type(type.raw());
  out.set_sample_rate(codec.rate.raw());
  out.set_channels(codec.channels);
}

/// The first audio codec that passes untouched, on both sides.
void show_passing_codec(const PathPlan& plan, const LegSpec& from, v1::Plan& out) {
  for (const engine::CodecSpec& codec : from.codecs) {
    const media::Route& route = plan.routes[codec.payload_type];
    if (codec.kind != MediaKind::Audio || route.action != media::Route::Action::Pass) continue;
    out.mutable_from_codec()->set_encoding_name(codec.encoding_name);
    out.mutable_from_codec()->set_payload_type(codec.payload_type.raw());
    out.mutable_to_codec()->set_encoding_name(codec.encoding_name);
    out.mutable_to_codec()->set_payload_type(route.out.raw());
    return;
  }
}

std::string why_not_cheaper(const PathPlan& plan, const LegSpec& from, const LegSpec& to) {
  if (plan.kind == engine::PlanKind::Transcode) {
    std::string sources;
    for (const auto& input : plan.transcoder->inputs) {
      sources += (sources.empty() ? "" : ", ") + to_lower(encoding_of(input.codec.id));
    }
    return "codecs differ: " + sources + " and " +
           to_lower(encoding_of(plan.transcoder->output.codec.id));
  }
  if (plan.kind == engine::PlanKind::Forward) return "";
  const bool is_from = from.security != engine::Security::Plain;
  const bool is_to = to.security != engine::Security::Plain;
  if (is_from && is_to) return "both legs are SRTP, each with its own keys";
  return "leg " + (is_from ? from.id : to.id) + " is SRTP and leg " + (is_from ? to.id : from.id) +
         " is not";
}

v1::PlanKind kind_of(engine::PlanKind kind) {
  switch (kind) {
    case engine::PlanKind::Forward:
      return v1::PLAN_KIND_FORWARD;
    case engine::PlanKind::Rekey:
      return v1::PLAN_KIND_REKEY;
    case engine::PlanKind::Transcode:
      return v1::PLAN_KIND_TRANSCODE;
  }
  return v1::PLAN_KIND_UNSPECIFIED;
}

}  // namespace

Answer<std::vector<StageSpec>> translate_stages(const v1::Connection& connection,
                                                const Field& field, std::string_view session) {
  if (connection.stages_size() > kMaxStages) {
    return failure(invalid(Field{"stages", &field}, "At most 16 stages."));
  }
  std::vector<StageSpec> stages;
  for (int i = 0; i < connection.stages_size(); ++i) {
    const Field at{"stages", &field, i};
    auto stage = translate_stage(connection.stages(i), at, session);
    if (!stage) return failure(std::move(stage).error());
    const bool is_repeated =
        stage->kind == StageSpec::Kind::Record &&
        std::ranges::find(stages, stage->recording, &StageSpec::recording) != stages.end();
    if (is_repeated) return failure(invalid(at, "The chain has this recording already."));
    stages.push_back(std::move(*stage));
  }
  return stages;
}

v1::Plan show_plan(const PathPlan& plan, const LegSpec& from, const LegSpec& to) {
  v1::Plan out;
  out.set_kind(kind_of(plan.kind));
  out.set_text(plan.text);
  out.set_why(why_not_cheaper(plan, from, to));
  if (plan.transcoder) {
    const auto& input = plan.transcoder->inputs.front();
    const auto& output = plan.transcoder->output;
    show_codec(*out.mutable_from_codec(), input.payload_type, input.codec);
    show_codec(*out.mutable_to_codec(), output.payload_type, output.codec);
  } else if (!from.codecs.empty() && !to.codecs.empty()) {
    show_passing_codec(plan, from, out);
  }
  return out;
}

ApiError plan_error(const Error& error, const LegSpec& from, const LegSpec& to,
                    const std::vector<StageSpec>& stages, const Field& connection,
                    const std::string& to_leg_field) {
  ApiError api = from_relay(error);
  if (error.reason == "PTIME_UNSUPPORTED" || error.reason == "CODEC_UNSUPPORTED") {
    api.field = to_leg_field.empty() ? connection.text() : to_leg_field + ".codecs";
  } else {
    api.field = Field{error.field, &connection}.text();
  }
  if (error.reason == "PLAN_MISMATCH") {
    // What it would be: the same without the assertions.
    std::vector<StageSpec> recordings;
    std::ranges::copy_if(stages, std::back_inserter(recordings), [](const StageSpec& stage) {
      return stage.kind == StageSpec::Kind::Record;
    });
    if (const auto plan = engine::plan(from, to, recordings)) {
      api.metadata.emplace_back("plan", plan->text);
    }
  }
  return api;
}

}  // namespace causeway::control
