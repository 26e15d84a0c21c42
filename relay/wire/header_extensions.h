#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "relay/base/bytes.h"
#include "relay/wire/rtp.h"

namespace causeway::wire {

/// How the elements of an RTP header extension are written (RFC 8285 4.2, 4.3).
enum class ExtensionForm : std::uint8_t {
  None,     ///< The packet has no header extension.
  OneByte,  ///< Ids 1..14, 1 to 16 octets each.
  TwoByte,  ///< Ids 1..255, 0 to 255 octets each.
  Other,    ///< A profile of its own (RFC 3550 5.3.1): not for us to read.
};

/// One element of a header extension; `id` is what a=extmap of the leg says that it means.
struct ExtensionElement {
  std::uint8_t id = 0;
  Bytes data;
};

/// The elements of a packet's header extension, one after the other:
/// `for (auto element = extensions.next(); element; element = extensions.next())`.
///
///     one-byte   0xBEDE         | ID  len-1 |  data ...  |    4 bits each
///     two-byte   0x100, appbits |    ID     |    len     |  data ...
///
/// Padding octets (zero) between elements are skipped. A view of the packet; it allocates nothing
/// and outlives nothing.
class HeaderExtensions {
 public:
  static constexpr std::uint16_t kOneByteProfile = 0xbede;
  static constexpr std::uint16_t kTwoByteProfile = 0x1000;  ///< The low four bits: appbits.

  explicit HeaderExtensions(const OpenRtp& packet);

  [[nodiscard]] ExtensionForm form() const { return form_; }
  /// The 16 bits "defined by profile"; 0 where there is no extension.
  [[nodiscard]] std::uint16_t profile() const { return profile_; }

  /// Nothing at the end, or where an element reaches past it, or where RFC 8285 4.2 says to stop
  /// (ID 15; ID 0 with a length).
  [[nodiscard]] std::optional<ExtensionElement> next();
  /// The data of the first element `id`.
  [[nodiscard]] std::optional<Bytes> find(std::uint8_t id) const;
  /// Whether next() comes to the very end: every octet is of an element or padding. False for
  /// ExtensionForm::Other.
  [[nodiscard]] bool is_whole() const;

 private:
  ExtensionForm form_ = ExtensionForm::None;
  std::uint16_t profile_ = 0;
  Bytes body_;
  Bytes rest_;
  bool has_stopped_ = false;
};

/// What the ids of one leg are on another: a value for each id, 0 where the element is left out
/// because the other leg has not negotiated it (its id may mean something else there).
class ExtensionIdMap {
 public:
  static constexpr std::uint8_t kStrip = 0;

  /// Leaves out everything until it is told otherwise.
  ExtensionIdMap() = default;
  /// Every id stays as it is: both legs have negotiated the same.
  [[nodiscard]] static ExtensionIdMap identity();

  /// REQUIRES: from != 0.
  void set(std::uint8_t from, std::uint8_t to);
  [[nodiscard]] std::uint8_t operator[](std::uint8_t from) const { return to_[from]; }

 private:
  std::array<std::uint8_t, 256> to_{};
};

/// What is to become of a packet's header extension. Borrowed for the call.
struct ExtensionEdit {
  const ExtensionIdMap* ids = nullptr;  ///< Null: all stay as they are.
  /// Elements to be added, in the ids of the receiving leg, such as its MID (RFC 9143 15,
  /// `as_octets(mid)`); each takes the place of one that has its id already. Their data lies
  /// outside the packet, ids are not 0, at most 255 octets each.
  std::span<const ExtensionElement> puts;
};

enum class ExtensionEditResult : std::uint8_t {
  Done,
  /// A profile of its own, or elements that lie about their lengths: the packet is as it was. It is
  /// for the caller to pass it so or to OpenRtp::remove_extension().
  Unreadable,
  NoRoom,  ///< More head room would be needed than there is: the packet is as it was.
};

/// Rewrites the header extension in place, within the packet's head room; payload, CSRCs and fixed
/// header stay what they are. Written in the one-byte form, unless it came in the two-byte form
/// (whose appbits are kept) or an element asks for it: an id over 14, no data, or over 16 octets.
/// RFC 8285 4.1.2 lets only streams with a=extmap-allow-mixed change their form: whoever negotiates
/// without it gives out ids up to 14 and MIDs up to 16 octets. Where nothing is left, so is the
/// extension. Allocates nothing.
[[nodiscard]] ExtensionEditResult edit_extension(OpenRtp& packet, const ExtensionEdit& edit);

}  // namespace causeway::wire
