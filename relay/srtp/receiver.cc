#include "relay/srtp/receiver.h"

#include <utility>

#include "relay/srtp/receiver_core.h"

namespace causeway::srtp {

struct SrtpReceiver::Impl {
  std::unique_ptr<ReceiverCore<>> core;
  OpenInfo last;
};

SrtpReceiver::SrtpReceiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SrtpReceiver::~SrtpReceiver() = default;

Result<std::unique_ptr<SrtpReceiver>, Error> SrtpReceiver::create(const wire::SrtpKeys& keys,
                                                                  const SrtpOptions& options) {
  if (auto checked = check_options(options); !checked) return failure(std::move(checked).error());
  if (auto checked = check_keys(keys); !checked) return failure(std::move(checked).error());
  auto core = ReceiverCore<>::create(keys, options);
  if (!core) return failure(std::move(core).error());
  return std::unique_ptr<SrtpReceiver>(
      new SrtpReceiver(std::make_unique<Impl>(Impl{std::move(*core), {}})));
}

Result<wire::OpenRtp, DropReason> SrtpReceiver::open(wire::SealedRtp packet, Instant now) {
  const auto opened = impl_->core->open_rtp(packet.packet_, packet.layout().header_octets, now);
  if (!opened) return failure(opened.error());
  impl_->last = *opened;
  return wire::OpenRtp::from_opened(std::move(packet));
}

Result<wire::OpenRtcp, DropReason> SrtpReceiver::open(wire::SealedRtcp packet, Instant now) {
  const auto opened = impl_->core->open_rtcp(packet.packet_, now);
  if (!opened) return failure(opened.error());
  impl_->last = *opened;
  return wire::OpenRtcp::from_opened(std::move(packet.packet_));
}

const OpenInfo& SrtpReceiver::last_opened() const { return impl_->last; }

std::unique_ptr<SrtpReceiver> SrtpReceiver::adopt(std::unique_ptr<SrtpReceiver> fresh, Instant now,
                                                  Duration grace) {
  impl_->core->adopt(*fresh->impl_->core, now, grace);
  return fresh;
}

std::optional<Instant> SrtpReceiver::grace_ends() const { return impl_->core->grace_ends(); }

void SrtpReceiver::retire_into(SrtpReceiver& shell) {
  impl_->core->retire_into(*shell.impl_->core);
}

std::size_t SrtpReceiver::streams() const { return impl_->core->streams(); }

StreamIndex SrtpReceiver::stream(std::size_t i) const { return impl_->core->stream(i); }

void SrtpReceiver::restore(std::span<const StreamIndex> streams) { impl_->core->restore(streams); }

}  // namespace causeway::srtp
