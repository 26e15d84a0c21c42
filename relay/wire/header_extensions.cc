#include "relay/wire/header_extensions.h"

#include <algorithm>

#include "relay/base/check.h"
#include "relay/base/packet_buf.h"

namespace causeway::wire {

namespace {

constexpr std::uint8_t kOneByteStop = 15;  // RFC 8285 4.2
constexpr std::size_t kOneByteMaxData = 16;

bool fits_one_byte(std::uint8_t id, std::size_t octets) {
  return id < kOneByteStop && octets >= 1 && octets <= kOneByteMaxData;
}

/// The elements of an extension, written one after the other into room on the stack.
class Body {
 public:
  explicit Body(ExtensionForm form) : form_(form) {}

  void add(std::uint8_t id, Bytes data) {
    const std::size_t header = form_ == ExtensionForm::OneByte ? 1 : 2;
    if (used_ + header + data.size() + 3 > octets_.size()) {
      is_full_ = true;
      return;
    }
    if (form_ == ExtensionForm::OneByte) {
      store_u8(&octets_[used_], static_cast<std::uint8_t>((unsigned{id} << 4) | (data.size() - 1)));
    } else {
      store_u8(&octets_[used_], id);
      store_u8(&octets_[used_ + 1], static_cast<std::uint8_t>(data.size()));
    }
    used_ += header;
    std::ranges::copy(data, octets_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += data.size();
  }
  /// Padded to whole words.
  [[nodiscard]] Bytes finish() {
    while (used_ % 4 != 0) octets_[used_++] = std::byte{0};
    return Bytes(octets_).first(used_);
  }
  [[nodiscard]] bool is_empty() const { return used_ == 0; }
  [[nodiscard]] bool is_full() const { return is_full_; }

 private:
  ExtensionForm form_;
  std::size_t used_ = 0;
  bool is_full_ = false;
  std::array<std::byte, PacketBuf::kCapacity> octets_;  // written before it is read
};

/// Calls `take(id, data)` with each element that the packet is to have afterwards.
template <typename Take>
void for_each_element(HeaderExtensions before, const ExtensionEdit& edit, Take take) {
  for (auto element = before.next(); element; element = before.next()) {
    const std::uint8_t id = edit.ids == nullptr ? element->id : (*edit.ids)[element->id];
    const bool is_replaced =
        std::ranges::find(edit.puts, id, &ExtensionElement::id) != edit.puts.end();
    if (id != ExtensionIdMap::kStrip && !is_replaced) take(id, element->data);
  }
  for (const ExtensionElement& put : edit.puts) take(put.id, put.data);
}

}  // namespace

HeaderExtensions::HeaderExtensions(const OpenRtp& packet) {
  const RtpLayout& layout = packet.layout();
  if (layout.extension_offset == 0) return;
  const Bytes octets = packet.bytes();
  profile_ = load_be16(&octets[layout.extension_offset - std::size_t{4}]);
  body_ = rest_ = octets.subspan(layout.extension_offset, layout.extension_octets);
  if (profile_ == kOneByteProfile) {
    form_ = ExtensionForm::OneByte;
  } else if ((profile_ & 0xfff0U) == kTwoByteProfile) {
    form_ = ExtensionForm::TwoByte;
  } else {
    form_ = ExtensionForm::Other;
  }
}

std::optional<ExtensionElement> HeaderExtensions::next() {
  if (form_ == ExtensionForm::Other || has_stopped_) return std::nullopt;
  while (!rest_.empty() && rest_.front() == std::byte{0}) rest_ = rest_.subspan(1);
  if (rest_.empty()) return std::nullopt;
  const std::uint8_t first = load_u8(rest_.data());
  std::uint8_t id = first;
  std::size_t header = 2;
  std::size_t octets = 0;
  if (form_ == ExtensionForm::OneByte) {
    id = static_cast<std::uint8_t>(first >> 4);
    header = 1;
    octets = (first & 0x0fU) + std::size_t{1};
    has_stopped_ = id == 0 || id == kOneByteStop;
  } else if (rest_.size() >= header) {
    octets = load_u8(&rest_[1]);
  }
  has_stopped_ = has_stopped_ || rest_.size() < header + octets;
  if (has_stopped_) return std::nullopt;
  const Bytes data = rest_.subspan(header, octets);
  rest_ = rest_.subspan(header + octets);
  return ExtensionElement{id, data};
}

std::optional<Bytes> HeaderExtensions::find(std::uint8_t id) const {
  HeaderExtensions from_start = *this;
  from_start.rest_ = body_;
  from_start.has_stopped_ = false;
  for (auto element = from_start.next(); element; element = from_start.next()) {
    if (element->id == id) return element->data;
  }
  return std::nullopt;
}

bool HeaderExtensions::is_whole() const {
  HeaderExtensions rest = *this;
  while (rest.next()) {
  }
  return form_ != ExtensionForm::Other && !rest.has_stopped_;
}

ExtensionIdMap ExtensionIdMap::identity() {
  ExtensionIdMap map;
  for (unsigned id = 1; id < map.to_.size(); ++id) map.to_[id] = static_cast<std::uint8_t>(id);
  return map;
}

void ExtensionIdMap::set(std::uint8_t from, std::uint8_t to) {
  CAUSEWAY_CHECK(from != 0, "id 0 is padding (RFC 8285 4.2)");
  to_[from] = to;
}

ExtensionEditResult edit_extension(OpenRtp& packet, const ExtensionEdit& edit) {
  const HeaderExtensions before(packet);
  if (!before.is_whole()) return ExtensionEditResult::Unreadable;
  bool fits = before.form() != ExtensionForm::TwoByte;
  for_each_element(before, edit, [&](std::uint8_t id, Bytes data) {
    fits = fits && fits_one_byte(id, data.size());
  });
  Body body(fits ? ExtensionForm::OneByte : ExtensionForm::TwoByte);
  for_each_element(before, edit, [&](std::uint8_t id, Bytes data) { body.add(id, data); });
  if (body.is_full()) return ExtensionEditResult::NoRoom;
  if (body.is_empty()) {
    packet.remove_extension();
    return ExtensionEditResult::Done;
  }
  std::uint16_t profile = HeaderExtensions::kOneByteProfile;
  if (!fits) {
    profile = before.form() == ExtensionForm::TwoByte ? before.profile()
                                                      : HeaderExtensions::kTwoByteProfile;
  }
  return packet.set_extension(profile, body.finish()) ? ExtensionEditResult::Done
                                                      : ExtensionEditResult::NoRoom;
}

}  // namespace causeway::wire
