#pragma once

#include "causeway/v1/recording_service.grpc.pb.h"
#include "control/answer.h"
#include "control/recording_api.h"

namespace causeway::control {

/// RecordingService over gRPC: RecordingApi behind roles, request ids and statuses. Any thread.
class RecordingService final : public v1::RecordingService::Service {
 public:
  explicit RecordingService(const ServiceContext& service)
      : service_(service), api_(service.plane) {}

  grpc::Status StartRecording(grpc::ServerContext* context, const v1::StartRecordingRequest* in,
                              v1::StartRecordingResponse* out) override;
  grpc::Status StopRecording(grpc::ServerContext* context, const v1::StopRecordingRequest* in,
                             v1::StopRecordingResponse* out) override;
  grpc::Status PauseRecording(grpc::ServerContext* context, const v1::PauseRecordingRequest* in,
                              v1::PauseRecordingResponse* out) override;
  grpc::Status ResumeRecording(grpc::ServerContext* context, const v1::ResumeRecordingRequest* in,
                               v1::ResumeRecordingResponse* out) override;
  grpc::Status GetRecording(grpc::ServerContext* context, const v1::GetRecordingRequest* in,
                            v1::GetRecordingResponse* out) override;
  grpc::Status ListRecordings(grpc::ServerContext* context, const v1::ListRecordingsRequest* in,
                              v1::ListRecordingsResponse* out) override;

 private:
  const ServiceContext& service_;
  RecordingApi api_;
};

}  // namespace causeway::control
