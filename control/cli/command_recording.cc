#include <memory>

#include "control/cli/commands.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

using Service = v1::RecordingService::Stub;

struct RecordingArguments {
  std::string name;
  std::string session;
  std::string id;
  std::string leg;
  bool is_ogg = false;
  bool is_as_sent = false;
  bool cuts_pauses = false;
};

/// One of the four verbs that take a name and answer the recording.
template <typename Request, typename Response>
void add_verb(CLI::App& parent, const char* verb, const char* help,
              grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
              const std::shared_ptr<RecordingArguments>& arguments, Run& run) {
  auto* command = parent.add_subcommand(verb, help);
  command->add_option("recording", arguments->name, "SESSION/recordings/ID")->required();
  command->callback([method, arguments, &run] {
    run = [method, arguments](Client& client, const Options& options) {
      Request request;
      Response response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.recordings(), method, request, response);
      if (code == kOk) print(options, response, as_text(response.recording()));
      return code;
    };
  });
}

}  // namespace

void add_recording_commands(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<RecordingArguments>();
  auto* record = app.add_subcommand("record", "Recordings of a leg or of a whole session");
  record->require_subcommand(1);

  auto* started = record->add_subcommand("start", "Begin a recording");
  started->add_option("session", arguments->session, "Its id or name")->required();
  started->add_option("--id", arguments->id, "Its id; else the relay chooses one");
  started->add_option("--leg", arguments->leg, "Only this leg; else the whole session");
  started->add_flag("--ogg", arguments->is_ogg, "Ogg Opus, not re-encoded (one Opus leg)");
  started->add_flag("--as-sent", arguments->is_as_sent,
                    "What the endpoints hear; else what they say");
  started->add_flag("--cut-pauses", arguments->cuts_pauses,
                    "Leave paused time out; else it is silence");
  started->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::StartRecordingRequest request;
      v1::StartRecordingResponse response;
      request.set_parent(session_name(arguments->session));
      request.set_recording_id(arguments->id);
      v1::Recording& recording = *request.mutable_recording();
      const bool is_name = arguments->leg.find('/') != std::string::npos;
      if (!arguments->leg.empty()) recording.set_leg((is_name ? "" : "legs/") + arguments->leg);
      if (arguments->is_ogg) recording.set_format(v1::RECORDING_FORMAT_OGG_OPUS);
      if (arguments->is_as_sent) recording.set_point(v1::RECORDING_POINT_AS_SENT);
      if (arguments->cuts_pauses) recording.set_pause_mode(v1::RECORDING_PAUSE_MODE_CUT);
      const int code =
          client.call(client.recordings(), &Service::StartRecording, request, response);
      if (code == kOk) print(options, response, as_text(response.recording()));
      return code;
    };
  });

  add_verb(*record, "stop", "End it; the file is then complete", &Service::StopRecording, arguments,
           run);
  add_verb(*record, "pause", "Leave out what follows", &Service::PauseRecording, arguments, run);
  add_verb(*record, "resume", "Go on after a pause", &Service::ResumeRecording, arguments, run);
  add_verb(*record, "get", "Show a recording", &Service::GetRecording, arguments, run);

  auto* listed = record->add_subcommand("list", "List the recordings of a session");
  listed->add_option("session", arguments->session, "Its id or name; - for all sessions")
      ->required();
  listed->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::ListRecordingsRequest request;
      v1::ListRecordingsResponse response;
      request.set_parent(session_name(arguments->session));
      const int code =
          client.call(client.recordings(), &Service::ListRecordings, request, response);
      if (code != kOk) return code;
      std::string text;
      for (const v1::Recording& recording : response.recordings()) {
        text += recording.name() + " " + v1::RecordingState_Name(recording.state()) + " " +
                recording.uri() + "\n";
      }
      print(options, response, text);
      return code;
    };
  });
}

}  // namespace causeway::cli
