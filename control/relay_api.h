#pragma once

#include <optional>
#include <string>
#include <vector>

#include "causeway/v1/relay_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"
#include "control/session_draft.h"

namespace causeway::control {

/// What RelayService does, without gRPC: each method takes a request and answers a response or an
/// error. A change is validated, translated, planned and compiled on the caller's thread before
/// anything is touched; then the worker swaps. Any thread.
class RelayApi {
 public:
  explicit RelayApi(ControlPlane& plane) : plane_(plane) {}

  [[nodiscard]] Answer<v1::CreateSessionResponse> create_session(
      const v1::CreateSessionRequest& in);
  [[nodiscard]] Answer<v1::GetSessionResponse> get_session(const v1::GetSessionRequest& in);
  [[nodiscard]] Answer<v1::ListSessionsResponse> list_sessions(const v1::ListSessionsRequest& in);
  [[nodiscard]] Answer<v1::UpdateSessionResponse> update_session(
      const v1::UpdateSessionRequest& in);
  [[nodiscard]] Answer<v1::RenewSessionResponse> renew_session(const v1::RenewSessionRequest& in);
  [[nodiscard]] Answer<v1::DeleteSessionResponse> delete_session(
      const v1::DeleteSessionRequest& in);

  [[nodiscard]] Answer<v1::CreateLegResponse> create_leg(const v1::CreateLegRequest& in);
  [[nodiscard]] Answer<v1::GetLegResponse> get_leg(const v1::GetLegRequest& in);
  [[nodiscard]] Answer<v1::ListLegsResponse> list_legs(const v1::ListLegsRequest& in);
  [[nodiscard]] Answer<v1::UpdateLegResponse> update_leg(const v1::UpdateLegRequest& in);
  [[nodiscard]] Answer<v1::DeleteLegResponse> delete_leg(const v1::DeleteLegRequest& in);
  [[nodiscard]] Answer<v1::RotateKeysResponse> rotate_keys(const v1::RotateKeysRequest& in);

  [[nodiscard]] Answer<v1::CreateConnectionResponse> create_connection(
      const v1::CreateConnectionRequest& in);
  [[nodiscard]] Answer<v1::GetConnectionResponse> get_connection(
      const v1::GetConnectionRequest& in);
  [[nodiscard]] Answer<v1::ListConnectionsResponse> list_connections(
      const v1::ListConnectionsRequest& in);
  [[nodiscard]] Answer<v1::UpdateConnectionResponse> update_connection(
      const v1::UpdateConnectionRequest& in);
  [[nodiscard]] Answer<v1::DeleteConnectionResponse> delete_connection(
      const v1::DeleteConnectionRequest& in);

  [[nodiscard]] Answer<v1::CreateOfferResponse> create_offer(const v1::CreateOfferRequest& in);
  [[nodiscard]] Answer<v1::CreateAnswerResponse> create_answer(const v1::CreateAnswerRequest& in);
  [[nodiscard]] Answer<v1::SetAnswerResponse> set_answer(const v1::SetAnswerRequest& in);
  [[nodiscard]] Answer<v1::RollbackOfferResponse> rollback_offer(
      const v1::RollbackOfferRequest& in);
  [[nodiscard]] Answer<v1::AddIceCandidatesResponse> add_ice_candidates(
      const v1::AddIceCandidatesRequest& in);
  [[nodiscard]] Answer<v1::BridgeOfferResponse> bridge_offer(const v1::BridgeOfferRequest& in);
  [[nodiscard]] Answer<v1::BridgeAnswerResponse> bridge_answer(const v1::BridgeAnswerRequest& in);

  [[nodiscard]] Answer<v1::SendDtmfResponse> send_dtmf(const v1::SendDtmfRequest& in);
  [[nodiscard]] Answer<v1::DescribeSessionResponse> describe_session(
      const v1::DescribeSessionRequest& in);
  [[nodiscard]] Answer<v1::GetSessionReportResponse> get_session_report(
      const v1::GetSessionReportRequest& in);
  [[nodiscard]] Answer<v1::GetLegReportResponse> get_leg_report(const v1::GetLegReportRequest& in);

 private:
  [[nodiscard]] Answer<v1::BridgeOfferResponse> offer_bridge(const std::string& name,
                                                             const v1::BridgeOfferRequest& in);

  ControlPlane& plane_;
};

}  // namespace causeway::control
