#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/base/static_vector.h"
#include "relay/base/strong.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_views.h"
#include "relay/wire/rtp.h"

namespace causeway::rtp {

/// Which m= section of a description, counted from 0.
using SectionIndex = Strong<struct SectionIndexTag, std::uint8_t>;

/// What a description says about one section of a BUNDLE group. Borrowed for the call.
struct BundledSection {
  SectionIndex index;                  ///< Less than BundleDemux::kMaxSections, each once.
  std::string_view mid;                ///< a=mid; empty where there is none.
  std::span<const PayloadType> types;  ///< That are received in it, those of RTX included.
  std::span<const Ssrc> received;      ///< a=ssrc of the sender's description (RFC 5576).
};

/// Which section of a BUNDLE group a packet belongs to, where all share one transport (RFC 8843
/// 9.2, RFC 9143 9.2), for authentic packets.
///
///     RTP, in this order                          | goes to
///     carries a MID that is newer than its stream | that section, and so does its stream from now
///       is told by                                |   on; a MID that nobody has: NoPath, as well
///       as
///                                                 |   its stream until it names another one
///     its SSRC is known: a=ssrc, or learned       | that section; a type that it does not have:
///                                                 |   UnknownPayloadType
///     its payload type is of one section only     | that section, and so does its stream
///     anything else                               | NoPath
///
/// Streams that are learned are bounded by kMaxSsrcs: a further one takes the place of the one that
/// was silent longest. Those that were signalled stay. CSRCs are not looked at (a relay that mixes
/// nothing has nothing to do for a contributor). Nothing allocates. A value.
class BundleDemux {
 public:
  static constexpr std::size_t kMaxSections = 16;
  static constexpr std::size_t kMaxMidOctets = 64;
  static constexpr std::size_t kMaxSsrcs = 48;
  /// Of these, so many can be signalled.
  static constexpr std::size_t kMaxSignalled = 32;
  /// For how long packets of a stream that said BYE still find their section (RFC 3550 6.2.1).
  static constexpr Duration kStragglers = std::chrono::seconds(2);

  BundleDemux() = default;
  /// `mid_extension`: the id of urn:ietf:params:rtp-hdrext:sdes:mid, one for the whole group (RFC
  /// 8843 9.2: same id, same meaning); 0 where it was not negotiated.
  explicit BundleDemux(std::uint8_t mid_extension) : mid_extension_(mid_extension) {}

  /// False where there is no room for it, or a MID or index is taken: nothing is added.
  [[nodiscard]] bool add(const BundledSection& section);
  /// Goes on with what `before`, made for an earlier description, has learned of sections that are
  /// still there under their MID. Streams of the others are nobody's until they name one.
  void take_over(const BundleDemux& before);

  /// What is known of a stream from elsewhere, as if it had been learned at `now`.
  void bind(Ssrc ssrc, SectionIndex section, Instant now) {
    stream_for(ssrc, now).section = section;
  }
  /// Calls `act` with the SSRC and the section of each stream that was learned.
  template <typename F>
  void for_each_learned(F act) const {
    for (const Stream& stream : streams_) {
      if (!stream.is_signalled && stream.section) act(stream.ssrc, *stream.section);
    }
  }

  /// Errors: NoPath, UnknownPayloadType.
  [[nodiscard]] Result<SectionIndex, DropReason> route(const wire::OpenRtp& packet, Instant now);

  /// Takes in what an authentic compound says of streams: the MIDs in its SDES, and BYE, after
  /// which a stream is forgotten (kStragglers). Whom the rest of it is about its SSRCs tell.
  void learn(const wire::RtcpCompound& compound, Instant now);

  /// The section that packets of `ssrc` are known to be of.
  [[nodiscard]] std::optional<SectionIndex> section_of(Ssrc ssrc, Instant now) const;

 private:
  struct Section {
    SectionIndex index;
    std::array<char, kMaxMidOctets> mid{};
    std::uint8_t mid_octets = 0;
    std::bitset<128> types;
    [[nodiscard]] std::string_view text() const { return {mid.data(), mid_octets}; }
  };
  struct Stream {
    Ssrc ssrc;
    std::optional<SectionIndex> section;  // nothing: its MID is nobody's
    std::optional<SeqNum> told_at;        // the packet whose MID told
    Instant last_seen{};
    std::optional<Instant> leaves_at;  // after BYE
    bool is_signalled = false;
  };

  [[nodiscard]] const Section* find_section(std::string_view mid) const;
  [[nodiscard]] const Section* find_section(SectionIndex index) const;
  [[nodiscard]] Stream* find_stream(Ssrc ssrc, Instant now);
  /// The stream, known or made; the one silent longest has made room for it.
  Stream& stream_for(Ssrc ssrc, Instant now);

  std::uint8_t mid_extension_ = 0;
  StaticVector<Section, kMaxSections> sections_;
  StaticVector<Stream, kMaxSsrcs> streams_;
  std::size_t signalled_ = 0;
};

}  // namespace causeway::rtp
