#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codecs/level.h"
#include "relay/base/datagram.h"
#include "relay/base/payload_type_map.h"
#include "relay/base/random.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/engine/dtls_transport.h"
#include "relay/engine/endpoint_address.h"
#include "relay/engine/extension_rules.h"
#include "relay/engine/handle.h"
#include "relay/engine/keepalive.h"
#include "relay/engine/repair_types.h"
#include "relay/engine/report.h"
#include "relay/engine/spec.h"
#include "relay/engine/tap.h"
#include "relay/engine/video_sections.h"
#include "relay/media/output_streams.h"
#include "relay/media/telephone_events.h"
#include "relay/rtp/kept_streams.h"
#include "relay/rtp/rtcp_session.h"
#include "relay/rtp/rtx.h"
#include "relay/rtp/transport_feedback.h"
#include "relay/srtp/srtp.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtp.h"

namespace causeway::engine {

struct DtlsReport;
struct Outbox;

inline constexpr std::size_t kMaxLegs = 16;
inline constexpr std::size_t kMaxTaps = 4;
/// Streams that a leg keeps statistics of; a further one takes the place of the one silent longest,
/// whose losses stay in the leg's report.
inline constexpr std::size_t kMaxSources = 8;
/// The same for a leg that can send audio only: one at a time, and a few of before.
inline constexpr std::size_t kMaxAudioSources = 4;

/// What a leg knows of one payload type that its endpoint sends.
struct PayloadFormat {
  bool is_known = false;
  MediaKind kind = MediaKind::Other;
  RtpClockRate clock{8000};
  friend bool operator==(const PayloadFormat&, const PayloadFormat&) = default;
};
using PayloadFormats = PayloadTypeMap<PayloadFormat>;
/// Of a leg's codecs; where it names none, all types are known, with the clocks of RFC 3551 6.
[[nodiscard]] PayloadFormats payload_formats(const LegSpec& spec);

/// How a leg begins: its specification, compiled. Made off the worker.
struct LegSetup {
  std::uint16_t number = 0;
  std::uint8_t network = 0;
  EndpointSetup endpoint;
  bool has_shared_port = false;  ///< Needs ICE and rtcp-mux.
  /// A leg declared secure without keys (null) refuses everything: it never falls back to plain.
  bool is_secure = false;
  std::unique_ptr<srtp::SrtpReceiver> receiver;
  std::unique_ptr<srtp::SrtpSender> sender;
  /// DTLS-SRTP: receiver and sender come from a handshake, or, where a leg is restored, are made
  /// from its snapshot's keys. Null: none.
  std::shared_ptr<const dtls::Settings> dtls;
  /// The same for RTCP, where it has a port and so a handshake of its own.
  std::unique_ptr<srtp::SrtpReceiver> rtcp_receiver;
  std::unique_ptr<srtp::SrtpSender> rtcp_sender;
  PayloadFormats formats;
  RepairTypes repair;
  std::unique_ptr<rtp::RtxReceiver> rtx;  ///< Null: its endpoint has no such streams.
  ExtensionRules extensions;
  std::unique_ptr<VideoSections> sections;  ///< Null: all video is in place 0.
  /// Null: its endpoint's packets have no transport-wide numbers.
  std::unique_ptr<rtp::TransportFeedback> transport_cc;
  RtpClockRate audio_clock{8000};              ///< Of the audio towards the endpoint.
  std::optional<PayloadType> telephone_event;  ///< For SendDtmf; at audio_clock.
  Direction direction = Direction::SendRecv;
  Duration first_packet_timeout = std::chrono::seconds(30);
  Duration media_timeout = std::chrono::seconds(30);
  std::uint8_t max_ssrcs = 8;
  std::optional<std::uint8_t> dscp;
  /// For a session that is restored: the ports it had. Nothing: any.
  std::optional<UdpPort> fixed_rtp_port;
  std::optional<UdpPort> fixed_rtcp_port;
  rtp::Cname cname;  ///< RFC 7022: random, not an address.
  WallClock wall;    ///< For sender reports.
};

/// The setup that a specification asks for; keys, CNAME and wall clock are for the caller to add.
[[nodiscard]] LegSetup make_setup(const LegSpec& spec, std::uint16_t number, std::uint8_t network);
/// The clock of the audio that we send to a leg: that of its first audio codec.
[[nodiscard]] RtpClockRate audio_clock_of(const LegSpec& spec);
/// The payload type for digits towards a leg (RFC 4733 2.1: its clock is the audio's).
[[nodiscard]] std::optional<PayloadType> telephone_event_of(const LegSpec& spec);

/// What changes in a leg; members that are not set stay. The engine swaps owning members, so that
/// what it replaced travels back and is freed off the worker.
struct LegUpdate {
  std::optional<std::optional<SocketAddress>> remote_rtp;
  std::optional<std::optional<SocketAddress>> remote_rtcp;
  std::optional<AcceptFrom> accept_from;  ///< Arms the source filter anew (LATCH learns again).
  std::optional<bool> has_rtcp_mux;       ///< RTCP goes over the RTP port from now on, or not.
  std::optional<Direction> direction;
  std::optional<Duration> first_packet_timeout;
  std::optional<Duration> media_timeout;
  std::optional<std::uint8_t> max_ssrcs;
  /// Set by set_codecs(), which makes the room that they ask for.
  std::optional<PayloadFormats> formats;
  RepairTypes repair;
  std::vector<rtp::Reception> receptions;
  std::unique_ptr<rtp::RtxReceiver> rtx;
  ExtensionRules extensions;
  std::unique_ptr<VideoSections> sections;
  std::unique_ptr<rtp::TransportFeedback> transport_cc;
  std::optional<RtpClockRate> audio_clock;
  std::optional<std::optional<PayloadType>> telephone_event;
  std::unique_ptr<srtp::SrtpReceiver> receiver;  ///< New receiving keys.
  std::unique_ptr<srtp::SrtpSender> sender;      ///< New sending keys.
  /// Only back: what RTCP had of keys of its own.
  std::unique_ptr<srtp::SrtpReceiver> rtcp_receiver;
  std::unique_ptr<srtp::SrtpSender> rtcp_sender;
  Duration key_grace = srtp::SrtpReceiver::kKeyGrace;
  /// Another kind of protection: the keys of before go at once.
  std::optional<bool> is_secure;
  std::optional<ice::AgentUpdate> ice;
  /// Null in it: no DTLS any more.
  std::optional<std::shared_ptr<const dtls::Settings>> dtls;
  bool has_new_association = false;  ///< Another handshake; else the present one goes on.

  void set_codecs(const LegSpec& now_known);
};

/// What a DTLS handshake has made: with it SRTP goes on elsewhere, where the association is not.
struct DtlsKeys {
  wire::SrtpSuite suite = wire::SrtpSuite::AesCm128HmacSha1_80;
  SecretKey receive_key;
  SecretKey receive_salt;
  SecretKey send_key;
  SecretKey send_salt;
  /// A second owner of the same material, said aloud.
  [[nodiscard]] DtlsKeys clone() const {
    return {suite, receive_key.clone(), receive_salt.clone(), send_key.clone(), send_salt.clone()};
  }
};

/// A leg's state, written down (law 4): with its specification and keys it goes on elsewhere.
struct LegSnapshot {
  std::uint16_t number = 0;
  SocketAddress local_rtp;
  std::optional<SocketAddress> local_rtcp;
  std::optional<SocketAddress> learned_rtp;
  std::optional<SocketAddress> learned_rtcp;
  std::optional<ice::AgentSnapshot> ice;
  media::OutputStreams::Snapshot streams;
  /// Which section of video a stream of the endpoint was found to be of.
  struct LearnedSection {
    Ssrc ssrc;
    std::uint8_t section = 0;
  };
  StaticVector<LearnedSection, 16> sections;
  StaticVector<srtp::StreamIndex, 64> received_indices;
  StaticVector<srtp::StreamIndex, 64> sent_indices;
  /// Where a handshake has made them; keys that an application has handed over it has itself.
  std::optional<DtlsKeys> dtls;
  /// The same for RTCP, where it has a handshake of its own, and what was received and sent under
  /// them.
  std::optional<DtlsKeys> rtcp_dtls;
  StaticVector<srtp::StreamIndex, 64> received_rtcp_indices;
  StaticVector<srtp::StreamIndex, 64> sent_rtcp_indices;
};

/// One endpoint's side of a call, as its worker has it. Ingress turns a datagram into an OpenRtp or
/// a DropReason: source check, authentication, learning, statistics, in this order. Egress seals
/// and transmits. Knows nothing of other legs.
///
/// Made off the worker, used by one worker, freed off it; nothing allocates after construction.
///
/// What few packets need is not inlined into what all of them run through: its registers and
/// addresses would be saved and made ready for each (tests/bench/instructions.py counts them).
class Leg {
 public:
  Leg(LegSetup setup, Random& random);
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;
  ~Leg();

  /// Called once when the leg is placed: arms the source filters, starts the clocks.
  void start(Instant now, LegHandle handle, Random& random);

  /// Errors: every DropReason of the way in; counted here, so the caller does nothing.
  [[nodiscard]] Result<wire::OpenRtp, DropReason> receive_rtp(Datagram& in, Outbox& out);
  [[nodiscard]] Result<wire::OpenRtcp, DropReason> receive_rtcp(Datagram& in, Outbox& out);
  /// The place of the video packet that receive_rtp() has returned last.
  [[nodiscard]] std::uint8_t section() const { return section_; }
  /// What video of this type is sent as in the place; nothing where the endpoint takes none there.
  [[nodiscard]] std::optional<PayloadType> video_type(std::uint8_t section,
                                                      PayloadType type) const {
    if (setup_.sections) return setup_.sections->type_in(section, type);
    return section == 0 ? std::optional(type) : std::nullopt;
  }

  /// The worker's, with which a leg makes packets of its own. `sent` is empty between calls.
  struct Means {
    PacketPool& pool;
    Random& random;
    std::vector<wire::OpenRtp>& sent;
  };
  /// What sets a leg up rather than being media: STUN for its ICE, DTLS for its keys. Drops are
  /// counted here. True: the datagram proves that the endpoint is where it came from.
  bool receive_stun(Datagram& in, const Means& means, Outbox& out);
  void receive_dtls(Datagram& in, Outbox& out);
  /// What the pool has made of it; flights are sent, keys are taken over.
  void take_dtls(Instant now, DtlsReport& made, const Means& means, Outbox& out);
  [[nodiscard]] const DtlsTransport& dtls(bool is_rtcp) const {
    return is_rtcp ? rtcp_dtls_ : dtls_;
  }
  /// One of its ports is open, or something of it has changed: where it is the active side and
  /// knows its endpoint, DTLS begins.
  void connect(Instant now, Outbox& out);
  /// How the checks of its ICE are numbered, before the first one. REQUIRES: it has ICE.
  void set_transaction_ids(const ice::TransactionIds& ids) {
    endpoint_.ice()->set_transaction_ids(ids);
  }
  /// The end: the pool is to forget its handshakes.
  void close(Outbox& out) {
    dtls_.close(out);
    rtcp_dtls_.close(out);
  }

  /// Sends a packet that is final but for sealing. Drops are counted here. `kept`: of the
  /// connection that it comes from, to keep it where it is video; null: it is not kept.
  void send_rtp(Instant now, wire::OpenRtp&& packet, rtp::KeptStreams* kept, Outbox& out);
  /// Sends the packet `seq` of `ssrc` again, where it is kept and may be: in a stream of its own
  /// (RFC 4588) where the endpoint has negotiated that, else the very octets of before.
  void send_again(Instant now, Ssrc ssrc, SeqNum seq, rtp::KeptStreams& kept, PacketPool& pool,
                  Outbox& out);
  /// A compound that is about to go to the endpoint: what it asks for may come in a stream of its
  /// own.
  void note_requests(Instant now, Bytes compound);
  /// Sends a compound in the clear, out of a buffer of the engine's pool.
  void send_rtcp(PacketBuf packet, Outbox& out);

  /// Who answers for RTCP towards this endpoint: the relay, as an RTP endpoint of its own, or
  /// (where all that the leg sends and is sent passes) the endpoint on the other side, translated.
  void set_is_rtp_endpoint(bool is_endpoint) { is_rtp_endpoint_ = is_endpoint; }
  [[nodiscard]] bool is_rtp_endpoint() const { return is_rtp_endpoint_; }
  /// Whether the endpoint's transport-wide numbers are answered here or, since they pass, by the
  /// endpoint on the other side.
  void set_passes_transport_cc(bool passes) { passes_transport_cc_ = passes; }
  /// When the next answer to them is due.
  [[nodiscard]] std::optional<Instant> transport_cc_at() const {
    return setup_.transport_cc ? setup_.transport_cc->next_timeout() : std::nullopt;
  }
  /// A compound of the endpoint's, for the relay as its RTP endpoint.
  rtp::RtcpNews take_rtcp(const wire::OpenRtcp& compound, Instant arrival);
  /// Puts the reports about our audio on its sender's clock: what the endpoint hears at `timestamp`
  /// was captured at `capture`.
  void set_timeline(const rtp::CaptureTime& capture, RtpTimestamp timestamp) {
    rtcp_.set_timeline(capture.ntp, timestamp, capture.at);
  }
  /// What the endpoint last said is lost of our audio, 0..100.
  [[nodiscard]] std::uint8_t far_loss_percent() const;
  /// The SSRC under which the relay itself speaks to this endpoint.
  [[nodiscard]] Ssrc own_ssrc() const { return streams_.audio().ssrc(); }
  [[nodiscard]] std::string_view cname() const { return setup_.cname.text(); }
  /// Statistics of a stream that the endpoint sends; null where it is not known.
  [[nodiscard]] rtp::Reception* reception_of(Ssrc ssrc) {
    for (rtp::Reception& reception : receptions_) {
      if (reception.ssrc() == ssrc) return &reception;
    }
    return nullptr;
  }

  /// Queues digits for SendDtmf, all or none. False where the leg has no telephone-event, or no
  /// room for all of them.
  [[nodiscard]] bool send_digits(Instant now,
                                 std::span<const media::TelephoneEventSender::Digit> digits);
  [[nodiscard]] bool is_sending_digits() const { return digits_ && digits_->is_active(); }

  /// Whether a packet sent now would leave: the direction allows it and there is an address.
  [[nodiscard]] bool can_send() const {
    return sends(setup_.direction) && endpoint_.rtp().has_value();
  }

  void apply(LegUpdate& update, Instant now, Outbox& out);
  /// False where the leg has kMaxTaps already.
  [[nodiscard]] bool add_tap(const RecordTap& tap);
  void remove_tap(record::RecordingId recording);

  /// Media timeouts, RTCP, digits, events whose end was lost. Spurious calls are no-ops.
  void handle_timeout(Instant now, const Means& means, Outbox& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  void count_drop(DropReason reason) { ++drops_[static_cast<std::size_t>(reason)]; }
  void fill_report(LegReport& report) const;
  /// What the endpoint said about our audio towards it.
  void fill_far_report(const std::optional<rtp::FarReport>& far, LegReport::Sent& sent) const;
  void fill_snapshot(LegSnapshot& snapshot) const;
  /// Off the worker, before the leg is placed.
  void restore(const LegSnapshot& snapshot, Instant now);

  [[nodiscard]] const EndpointAddress& endpoint() const { return endpoint_; }
  [[nodiscard]] media::OutputStreams& streams() { return streams_; }
  [[nodiscard]] const media::OutputStreams& streams() const { return streams_; }
  [[nodiscard]] const LegHandle& handle() const { return handle_; }
  [[nodiscard]] std::uint16_t number() const { return setup_.number; }
  [[nodiscard]] const LegSetup& setup() const { return setup_; }
  [[nodiscard]] std::optional<Instant> last_packet_at() const { return last_packet_at_; }

  // The engine's bookkeeping: what the operating system knows of this leg.
  struct Port {
    SocketId socket;
    SocketAddress local;  ///< As advertised.
    bool is_open = false;
    std::uint32_t place = 0;  ///< On a shared port: the leg's among the others.
  };
  Port rtp_port;
  std::optional<Port> rtcp_port;
  std::uint8_t port_attempts = 0;  ///< Ports that the operating system refused.
  /// Where RTCP comes in and goes out.
  [[nodiscard]] const Port& way_of_rtcp() const { return has_rtcp_way() ? *rtcp_port : rtp_port; }

 private:
  [[nodiscard]] Result<wire::OpenRtp, DropReason> open(wire::SealedRtp&& sealed, Instant now);
  /// Whether RTCP goes over a port of its own.
  [[nodiscard]] bool has_rtcp_way() const { return rtcp_port && !endpoint_.has_rtcp_mux(); }
  /// Whether it then has keys of its own (RFC 5764 4.1: an association for each port).
  [[nodiscard]] bool has_rtcp_keys() const { return has_rtcp_way() && dtls_.is_used(); }
  [[nodiscard]] bool is_on_rtcp_port(const Datagram& in) const {
    return rtcp_port && in.socket == rtcp_port->socket;
  }
  void take_keys(LegUpdate& update, Instant now);
  void take_rtcp_keys(LegUpdate& update, Instant now);
  [[nodiscard, gnu::noinline]] Result<void, DropReason> find_section(const wire::OpenRtp& packet,
                                                                     std::size_t octets,
                                                                     Instant arrival);
  void take_sections(std::unique_ptr<VideoSections>& sections, Instant now);
  void note_transport_seq(const wire::OpenRtp& packet, Instant arrival);
  void send_transport_cc(Instant now, const Means& means, Outbox& out);
  [[gnu::noinline]] void say_mid(wire::OpenRtp& packet) const;
  [[nodiscard, gnu::noinline]] Result<wire::OpenRtp, DropReason> take_repair(wire::OpenRtp packet,
                                                                             std::size_t octets,
                                                                             Instant arrival);
  [[nodiscard]] Result<void, DropReason> check_source(const wire::OpenRtp& packet,
                                                      const Datagram& in, Outbox& out);
  [[nodiscard]] Result<void, DropReason> account(const wire::OpenRtp& packet, Instant arrival,
                                                 std::size_t octets, Outbox& out);
  [[nodiscard, gnu::noinline]] Result<wire::OpenRtp, DropReason> refuse_paused(
      const wire::OpenRtp& packet, std::size_t octets, Instant arrival);
  [[gnu::always_inline]] rtp::Verdict note_arrival(const wire::OpenRtp& packet, Instant arrival,
                                                   std::size_t octets) {
    const RtpClockRate clock = setup_.formats[packet.payload_type()].clock;
    return reception_for(packet.ssrc())
        .on_packet(packet.seq(), packet.timestamp(), arrival, clock, octets);
  }
  void note_media(const wire::OpenRtp& packet, const Datagram& in, Outbox& out);
  [[gnu::noinline]] void note_level(const wire::OpenRtp& packet);
  [[gnu::noinline]] void note_auth_failure(DropReason reason, Instant now, Outbox& out);
  void watch_events(const wire::OpenRtp& packet, Instant now, Outbox& out);
  [[gnu::noinline]] void say_event(const media::HeardEvent& heard, Instant now, Outbox& out);
  [[nodiscard]] rtp::Reception& reception_for(Ssrc ssrc) {
    rtp::Reception* const known = reception_of(ssrc);
    return known != nullptr ? *known : new_reception(ssrc);
  }
  [[gnu::noinline]] rtp::Reception& new_reception(Ssrc ssrc);
  void add_totals(const rtp::ReceptionTotals& totals);
  /// The receptions, as the RTCP room borrows them.
  struct BorrowedReceptions {
    std::array<rtp::Reception*, kMaxSources> items{};
    std::size_t count = 0;
    [[nodiscard]] rtp::Receptions span() const { return {items.data(), count}; }
  };
  [[nodiscard]] BorrowedReceptions borrow_receptions();
  void take_ice(Instant now, ice::Output& said, Outbox& out);
  void make_digit_sender();
  void send_own_rtcp(Instant now, const Means& means, Outbox& out);
  void watch_mappings(Instant now);
  void keep_mappings(Instant now, const Means& means, Outbox& out);
  void play_digits(Instant now, const Means& means, Outbox& out);
  [[nodiscard]] std::optional<Instant> media_timeout_at() const;
  void tap(RecordTap::Point point, Bytes packet, Instant at, Outbox& out) {
    if (!taps_.empty()) record(point, packet, at, out);
  }
  [[gnu::noinline]] void record(RecordTap::Point point, Bytes packet, Instant at, Outbox& out);
  /// Sealed where the leg is secure; empty, and counted, where it must not be sent.
  [[nodiscard]] PacketBuf sealed(Instant now, wire::OpenRtp&& packet, Outbox& out) {
    return setup_.is_secure ? encrypted(now, std::move(packet), out) : std::move(packet).take();
  }
  [[nodiscard]] PacketBuf encrypted(Instant now, wire::OpenRtp&& packet, Outbox& out);

  LegSetup setup_;
  LegHandle handle_;
  EndpointAddress endpoint_;
  DtlsTransport dtls_;
  DtlsTransport rtcp_dtls_;            // used where RTCP goes over a port of its own
  std::optional<DtlsKeys> dtls_keys_;  // for a snapshot
  std::optional<DtlsKeys> rtcp_dtls_keys_;
  Keepalive keeps_rtp_;
  Keepalive keeps_rtcp_;
  media::OutputStreams streams_;
  std::vector<rtp::Reception> receptions_;  // its capacity is the room that there is
  rtp::RtcpSession rtcp_;
  bool is_rtp_endpoint_ = true;
  bool passes_transport_cc_ = false;
  StaticVector<RecordTap, kMaxTaps> taps_;
  media::TelephoneEventReceiver event_receiver_;
  std::optional<media::TelephoneEventSender> digits_;

  std::uint8_t section_ = 0;
  std::optional<Ssrc> newest_ssrc_;
  std::optional<Ssrc> sound_ssrc_;
  std::optional<PayloadType> newest_type_;
  Instant started_at_{};
  std::optional<Instant> first_packet_at_;
  std::optional<Instant> last_packet_at_;
  bool has_timed_out_ = false;
  bool has_said_auth_failure_ = false;
  bool has_said_key_expiring_ = false;

  codecs::LevelMeter level_;  // as the endpoint says it
  LegReport::Received received_;
  LegReport::Sent sent_;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> drops_{};
  std::uint64_t recorded_packets_ = 0;
  std::uint64_t recording_lost_packets_ = 0;
};

}  // namespace causeway::engine
