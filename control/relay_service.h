#pragma once

#include "causeway/v1/relay_service.grpc.pb.h"
#include "control/answer.h"
#include "control/relay_api.h"

namespace causeway::control {

/// RelayService over gRPC: RelayApi behind roles, request ids and statuses. Any thread.
class RelayService final : public v1::RelayService::Service {
 public:
  explicit RelayService(const ServiceContext& service) : service_(service), api_(service.plane) {}

  grpc::Status CreateSession(grpc::ServerContext* context, const v1::CreateSessionRequest* in,
                             v1::CreateSessionResponse* out) override;
  grpc::Status GetSession(grpc::ServerContext* context, const v1::GetSessionRequest* in,
                          v1::GetSessionResponse* out) override;
  grpc::Status ListSessions(grpc::ServerContext* context, const v1::ListSessionsRequest* in,
                            v1::ListSessionsResponse* out) override;
  grpc::Status UpdateSession(grpc::ServerContext* context, const v1::UpdateSessionRequest* in,
                             v1::UpdateSessionResponse* out) override;
  grpc::Status RenewSession(grpc::ServerContext* context, const v1::RenewSessionRequest* in,
                            v1::RenewSessionResponse* out) override;
  grpc::Status DeleteSession(grpc::ServerContext* context, const v1::DeleteSessionRequest* in,
                             v1::DeleteSessionResponse* out) override;
  grpc::Status CreateLeg(grpc::ServerContext* context, const v1::CreateLegRequest* in,
                         v1::CreateLegResponse* out) override;
  grpc::Status GetLeg(grpc::ServerContext* context, const v1::GetLegRequest* in,
                      v1::GetLegResponse* out) override;
  grpc::Status ListLegs(grpc::ServerContext* context, const v1::ListLegsRequest* in,
                        v1::ListLegsResponse* out) override;
  grpc::Status UpdateLeg(grpc::ServerContext* context, const v1::UpdateLegRequest* in,
                         v1::UpdateLegResponse* out) override;
  grpc::Status DeleteLeg(grpc::ServerContext* context, const v1::DeleteLegRequest* in,
                         v1::DeleteLegResponse* out) override;
  grpc::Status CreateConnection(grpc::ServerContext* context, const v1::CreateConnectionRequest* in,
                                v1::CreateConnectionResponse* out) override;
  grpc::Status GetConnection(grpc::ServerContext* context, const v1::GetConnectionRequest* in,
                             v1::GetConnectionResponse* out) override;
  grpc::Status ListConnections(grpc::ServerContext* context, const v1::ListConnectionsRequest* in,
                               v1::ListConnectionsResponse* out) override;
  grpc::Status UpdateConnection(grpc::ServerContext* context, const v1::UpdateConnectionRequest* in,
                                v1::UpdateConnectionResponse* out) override;
  grpc::Status DeleteConnection(grpc::ServerContext* context, const v1::DeleteConnectionRequest* in,
                                v1::DeleteConnectionResponse* out) override;
  grpc::Status RotateKeys(grpc::ServerContext* context, const v1::RotateKeysRequest* in,
                          v1::RotateKeysResponse* out) override;
  grpc::Status CreateOffer(grpc::ServerContext* context, const v1::CreateOfferRequest* in,
                           v1::CreateOfferResponse* out) override;
  grpc::Status CreateAnswer(grpc::ServerContext* context, const v1::CreateAnswerRequest* in,
                            v1::CreateAnswerResponse* out) override;
  grpc::Status SetAnswer(grpc::ServerContext* context, const v1::SetAnswerRequest* in,
                         v1::SetAnswerResponse* out) override;
  grpc::Status RollbackOffer(grpc::ServerContext* context, const v1::RollbackOfferRequest* in,
                             v1::RollbackOfferResponse* out) override;
  grpc::Status AddIceCandidates(grpc::ServerContext* context, const v1::AddIceCandidatesRequest* in,
                                v1::AddIceCandidatesResponse* out) override;
  grpc::Status BridgeOffer(grpc::ServerContext* context, const v1::BridgeOfferRequest* in,
                           v1::BridgeOfferResponse* out) override;
  grpc::Status BridgeAnswer(grpc::ServerContext* context, const v1::BridgeAnswerRequest* in,
                            v1::BridgeAnswerResponse* out) override;
  grpc::Status SendDtmf(grpc::ServerContext* context, const v1::SendDtmfRequest* in,
                        v1::SendDtmfResponse* out) override;
  grpc::Status StartPlayback(grpc::ServerContext* context, const v1::StartPlaybackRequest* in,
                             v1::StartPlaybackResponse* out) override;
  grpc::Status StopPlayback(grpc::ServerContext* context, const v1::StopPlaybackRequest* in,
                            v1::StopPlaybackResponse* out) override;
  grpc::Status DescribeSession(grpc::ServerContext* context, const v1::DescribeSessionRequest* in,
                               v1::DescribeSessionResponse* out) override;
  grpc::Status GetSessionReport(grpc::ServerContext* context, const v1::GetSessionReportRequest* in,
                                v1::GetSessionReportResponse* out) override;
  grpc::Status GetLegReport(grpc::ServerContext* context, const v1::GetLegReportRequest* in,
                            v1::GetLegReportResponse* out) override;

 private:
  const ServiceContext& service_;
  RelayApi api_;
};

}  // namespace causeway::control
