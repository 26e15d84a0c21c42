#pragma once

#include "causeway/v1/recording_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"

namespace causeway::control {

/// What RecordingService does, without gRPC. Any thread.
class RecordingApi {
 public:
  explicit RecordingApi(ControlPlane& plane) : plane_(plane) {}

  [[nodiscard]] Answer<v1::StartRecordingResponse> start(const v1::StartRecordingRequest& in);
  [[nodiscard]] Answer<v1::StopRecordingResponse> stop(const v1::StopRecordingRequest& in);
  [[nodiscard]] Answer<v1::PauseRecordingResponse> pause(const v1::PauseRecordingRequest& in);
  [[nodiscard]] Answer<v1::ResumeRecordingResponse> resume(const v1::ResumeRecordingRequest& in);
  [[nodiscard]] Answer<v1::GetRecordingResponse> get(const v1::GetRecordingRequest& in);
  [[nodiscard]] Answer<v1::ListRecordingsResponse> list(const v1::ListRecordingsRequest& in);

 private:
  [[nodiscard]] Answer<v1::Recording> mark(const std::string& name, bool is_paused);

  ControlPlane& plane_;
};

}  // namespace causeway::control
