#pragma once

#include <memory>
#include <string>
#include <vector>

#include "causeway/v1/relay_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"
#include "control/translate_leg.h"
#include "relay/engine/leg.h"

namespace causeway::control {

/// One change of a leg, with the connections that are planned anew because of it: prepared whole,
/// then carried out. The caller holds the session's `operation` throughout.
class LegChange {
 public:
  LegChange(ControlPlane& plane, SessionState& session) : plane_(plane), session_(session) {}
  /// It is what offer and answer have settled: not what the application wants of the leg by itself.
  void be_agreement() { is_agreement_ = true; }

  /// `leg`: the id of the leg that the request names. Errors: those of UpdateLeg and RotateKeys;
  /// nothing has changed then.
  [[nodiscard]] Answer<void> prepare(const std::string& leg, const v1::UpdateLegRequest& in)
      CAUSEWAY_EXCLUDES(session_.data);
  [[nodiscard]] Answer<void> prepare(const std::string& leg, const v1::RotateKeysRequest& in)
      CAUSEWAY_EXCLUDES(session_.data);
  /// Errors: those of commands.
  [[nodiscard]] Answer<void> carry_out() CAUSEWAY_EXCLUDES(session_.data);

  /// The keys that it brought, the made send key among them.
  [[nodiscard]] const KeyRequest& keys() const { return keys_; }
  /// The ICE and DTLS that the leg then has.
  [[nodiscard]] const LegSetupState& setup() const { return setup_; }

 private:
  struct Replanned {
    ConnectionState connection;
    std::unique_ptr<engine::Connection> built;  ///< Null: only its words change.
  };

  /// The leg as it is. Errors: LEG_NOT_FOUND, ETAG_MISMATCH.
  [[nodiscard]] Answer<const LegState*> before(const std::string& leg,
                                               const std::string& etag) const
      CAUSEWAY_REQUIRES(session_.data);
  [[nodiscard]] Answer<void> prepare_security(const LegState& before, const v1::Leg& in,
                                              const google::protobuf::FieldMask& mask,
                                              const Field& field);
  [[nodiscard]] Answer<void> prepare_plans(bool has_new_codecs, const Field& field)
      CAUSEWAY_REQUIRES(session_.data);
  [[nodiscard]] Answer<void> prepare_keys();
  [[nodiscard]] Answer<void> prepare_setup(const LegState& before, const v1::Leg& merged,
                                           const google::protobuf::FieldMask& mask,
                                           const Field& field);
  void prepare_update(const LegState& before, const google::protobuf::FieldMask& mask);
  void record_new_codecs(const LegState& before);
  /// Before the first packet of a new codec can come.
  void tell_recorder() CAUSEWAY_EXCLUDES(session_.data);
  void commit() CAUSEWAY_REQUIRES(session_.data);

  ControlPlane& plane_;
  SessionState& session_;
  LegState after_;
  KeyRequest keys_;
  LegSetupState setup_;
  engine::LegUpdate update_;
  bool is_agreement_ = false;
  bool has_update_ = false;          ///< Something that the engine has to know.
  bool learns_again_ = false;        ///< What was learned of the leg's addresses is void.
  bool shakes_hands_again_ = false;  ///< DTLS: a new association.
  std::vector<Replanned> replanned_;
  std::vector<engine::CodecSpec> new_codecs_;
};

/// Tells the engine how the audio towards a leg is timed now, after its connection has changed.
/// Errors: those of commands.
[[nodiscard]] Answer<void> update_outgoing_audio(ControlPlane& plane, SessionState& session,
                                                 std::uint16_t leg) CAUSEWAY_EXCLUDES(session.data);

}  // namespace causeway::control
