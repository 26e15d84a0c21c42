#include "control/relay_service.h"

namespace causeway::control {

using grpc::ServerContext;
using grpc::Status;

Status RelayService::CreateSession(ServerContext* context, const v1::CreateSessionRequest* in,
                                   v1::CreateSessionResponse* out) {
  return answer(service_, *context, "RelayService.CreateSession", in, out,
                [&](const auto& request) { return api_.create_session(request); });
}

Status RelayService::GetSession(ServerContext* context, const v1::GetSessionRequest* in,
                                v1::GetSessionResponse* out) {
  return answer(service_, *context, "RelayService.GetSession", in, out,
                [&](const auto& request) { return api_.get_session(request); });
}

Status RelayService::ListSessions(ServerContext* context, const v1::ListSessionsRequest* in,
                                  v1::ListSessionsResponse* out) {
  return answer(service_, *context, "RelayService.ListSessions", in, out,
                [&](const auto& request) { return api_.list_sessions(request); });
}

Status RelayService::UpdateSession(ServerContext* context, const v1::UpdateSessionRequest* in,
                                   v1::UpdateSessionResponse* out) {
  return answer(service_, *context, "RelayService.UpdateSession", in, out,
                [&](const auto& request) { return api_.update_session(request); });
}

Status RelayService::RenewSession(ServerContext* context, const v1::RenewSessionRequest* in,
                                  v1::RenewSessionResponse* out) {
  return answer(service_, *context, "RelayService.RenewSession", in, out,
                [&](const auto& request) { return api_.renew_session(request); });
}

Status RelayService::DeleteSession(ServerContext* context, const v1::DeleteSessionRequest* in,
                                   v1::DeleteSessionResponse* out) {
  return answer(service_, *context, "RelayService.DeleteSession", in, out,
                [&](const auto& request) { return api_.delete_session(request); });
}

Status RelayService::CreateLeg(ServerContext* context, const v1::CreateLegRequest* in,
                               v1::CreateLegResponse* out) {
  return answer(service_, *context, "RelayService.CreateLeg", in, out,
                [&](const auto& request) { return api_.create_leg(request); });
}

Status RelayService::GetLeg(ServerContext* context, const v1::GetLegRequest* in,
                            v1::GetLegResponse* out) {
  return answer(service_, *context, "RelayService.GetLeg", in, out,
                [&](const auto& request) { return api_.get_leg(request); });
}

Status RelayService::ListLegs(ServerContext* context, const v1::ListLegsRequest* in,
                              v1::ListLegsResponse* out) {
  return answer(service_, *context, "RelayService.ListLegs", in, out,
                [&](const auto& request) { return api_.list_legs(request); });
}

Status RelayService::UpdateLeg(ServerContext* context, const v1::UpdateLegRequest* in,
                               v1::UpdateLegResponse* out) {
  return answer(service_, *context, "RelayService.UpdateLeg", in, out,
                [&](const auto& request) { return api_.update_leg(request); });
}

Status RelayService::DeleteLeg(ServerContext* context, const v1::DeleteLegRequest* in,
                               v1::DeleteLegResponse* out) {
  return answer(service_, *context, "RelayService.DeleteLeg", in, out,
                [&](const auto& request) { return api_.delete_leg(request); });
}

Status RelayService::CreateConnection(ServerContext* context, const v1::CreateConnectionRequest* in,
                                      v1::CreateConnectionResponse* out) {
  return answer(service_, *context, "RelayService.CreateConnection", in, out,
                [&](const auto& request) { return api_.create_connection(request); });
}

Status RelayService::GetConnection(ServerContext* context, const v1::GetConnectionRequest* in,
                                   v1::GetConnectionResponse* out) {
  return answer(service_, *context, "RelayService.GetConnection", in, out,
                [&](const auto& request) { return api_.get_connection(request); });
}

Status RelayService::ListConnections(ServerContext* context, const v1::ListConnectionsRequest* in,
                                     v1::ListConnectionsResponse* out) {
  return answer(service_, *context, "RelayService.ListConnections", in, out,
                [&](const auto& request) { return api_.list_connections(request); });
}

Status RelayService::UpdateConnection(ServerContext* context, const v1::UpdateConnectionRequest* in,
                                      v1::UpdateConnectionResponse* out) {
  return answer(service_, *context, "RelayService.UpdateConnection", in, out,
                [&](const auto& request) { return api_.update_connection(request); });
}

Status RelayService::DeleteConnection(ServerContext* context, const v1::DeleteConnectionRequest* in,
                                      v1::DeleteConnectionResponse* out) {
  return answer(service_, *context, "RelayService.DeleteConnection", in, out,
                [&](const auto& request) { return api_.delete_connection(request); });
}

Status RelayService::RotateKeys(ServerContext* context, const v1::RotateKeysRequest* in,
                                v1::RotateKeysResponse* out) {
  return answer(service_, *context, "RelayService.RotateKeys", in, out,
                [&](const auto& request) { return api_.rotate_keys(request); });
}

Status RelayService::SendDtmf(ServerContext* context, const v1::SendDtmfRequest* in,
                              v1::SendDtmfResponse* out) {
  return answer(service_, *context, "RelayService.SendDtmf", in, out,
                [&](const auto& request) { return api_.send_dtmf(request); });
}

Status RelayService::DescribeSession(ServerContext* context, const v1::DescribeSessionRequest* in,
                                     v1::DescribeSessionResponse* out) {
  return answer(service_, *context, "RelayService.DescribeSession", in, out,
                [&](const auto& request) { return api_.describe_session(request); });
}

Status RelayService::GetSessionReport(ServerContext* context, const v1::GetSessionReportRequest* in,
                                      v1::GetSessionReportResponse* out) {
  return answer(service_, *context, "RelayService.GetSessionReport", in, out,
                [&](const auto& request) { return api_.get_session_report(request); });
}

Status RelayService::GetLegReport(ServerContext* context, const v1::GetLegReportRequest* in,
                                  v1::GetLegReportResponse* out) {
  return answer(service_, *context, "RelayService.GetLegReport", in, out,
                [&](const auto& request) { return api_.get_leg_report(request); });
}

// What is not built yet.

Status RelayService::CreateOffer(ServerContext* context, const v1::CreateOfferRequest* in,
                                 v1::CreateOfferResponse* out) {
  return answer(service_, *context, "RelayService.CreateOffer", in, out,
                [&](const auto& request) { return api_.create_offer(request); });
}

Status RelayService::CreateAnswer(ServerContext* context, const v1::CreateAnswerRequest* in,
                                  v1::CreateAnswerResponse* out) {
  return answer(service_, *context, "RelayService.CreateAnswer", in, out,
                [&](const auto& request) { return api_.create_answer(request); });
}

Status RelayService::SetAnswer(ServerContext* context, const v1::SetAnswerRequest* in,
                               v1::SetAnswerResponse* out) {
  return answer(service_, *context, "RelayService.SetAnswer", in, out,
                [&](const auto& request) { return api_.set_answer(request); });
}

Status RelayService::RollbackOffer(ServerContext* context, const v1::RollbackOfferRequest* in,
                                   v1::RollbackOfferResponse* out) {
  return answer(service_, *context, "RelayService.RollbackOffer", in, out,
                [&](const auto& request) { return api_.rollback_offer(request); });
}

Status RelayService::AddIceCandidates(ServerContext* context, const v1::AddIceCandidatesRequest* in,
                                      v1::AddIceCandidatesResponse* out) {
  return answer(service_, *context, "RelayService.AddIceCandidates", in, out,
                [&](const auto& request) { return api_.add_ice_candidates(request); });
}

Status RelayService::BridgeOffer(ServerContext* context, const v1::BridgeOfferRequest* in,
                                 v1::BridgeOfferResponse* out) {
  return answer(service_, *context, "RelayService.BridgeOffer", in, out,
                [&](const auto& request) { return api_.bridge_offer(request); });
}

Status RelayService::BridgeAnswer(ServerContext* context, const v1::BridgeAnswerRequest* in,
                                  v1::BridgeAnswerResponse* out) {
  return answer(service_, *context, "RelayService.BridgeAnswer", in, out,
                [&](const auto& request) { return api_.bridge_answer(request); });
}

Status RelayService::StartPlayback(ServerContext* context, const v1::StartPlaybackRequest*,
                                   v1::StartPlaybackResponse*) {
  return answer_absent(service_, *context, "RelayService.StartPlayback");
}

Status RelayService::StopPlayback(ServerContext* context, const v1::StopPlaybackRequest*,
                                  v1::StopPlaybackResponse*) {
  return answer_absent(service_, *context, "RelayService.StopPlayback");
}

}  // namespace causeway::control
