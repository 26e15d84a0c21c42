#include "control/recording_service.h"

namespace causeway::control {

using grpc::ServerContext;
using grpc::Status;

Status RecordingService::StartRecording(ServerContext* context, const v1::StartRecordingRequest* in,
                                        v1::StartRecordingResponse* out) {
  return answer(service_, *context, "RecordingService.StartRecording", in, out,
                [&](const auto& request) { return api_.start(request); });
}

Status RecordingService::StopRecording(ServerContext* context, const v1::StopRecordingRequest* in,
                                       v1::StopRecordingResponse* out) {
  return answer(service_, *context, "RecordingService.StopRecording", in, out,
                [&](const auto& request) { return api_.stop(request); });
}

Status RecordingService::PauseRecording(ServerContext* context, const v1::PauseRecordingRequest* in,
                                        v1::PauseRecordingResponse* out) {
  return answer(service_, *context, "RecordingService.PauseRecording", in, out,
                [&](const auto& request) { return api_.pause(request); });
}

Status RecordingService::ResumeRecording(ServerContext* context,
                                         const v1::ResumeRecordingRequest* in,
                                         v1::ResumeRecordingResponse* out) {
  return answer(service_, *context, "RecordingService.ResumeRecording", in, out,
                [&](const auto& request) { return api_.resume(request); });
}

Status RecordingService::GetRecording(ServerContext* context, const v1::GetRecordingRequest* in,
                                      v1::GetRecordingResponse* out) {
  return answer(service_, *context, "RecordingService.GetRecording", in, out,
                [&](const auto& request) { return api_.get(request); });
}

Status RecordingService::ListRecordings(ServerContext* context, const v1::ListRecordingsRequest* in,
                                        v1::ListRecordingsResponse* out) {
  return answer(service_, *context, "RecordingService.ListRecordings", in, out,
                [&](const auto& request) { return api_.list(request); });
}

}  // namespace causeway::control
