#include "relay/srtp/sender.h"

#include <utility>

#include "relay/srtp/sender_core.h"

namespace causeway::srtp {

struct SrtpSender::Impl {
  std::unique_ptr<SenderCore<>> core;
};

SrtpSender::SrtpSender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SrtpSender::~SrtpSender() = default;

Result<std::unique_ptr<SrtpSender>, Error> SrtpSender::create(const wire::SrtpKeys& keys,
                                                              const SrtpOptions& options) {
  if (auto checked = check_options(options); !checked) return failure(std::move(checked).error());
  if (auto checked = check_keys(keys); !checked) return failure(std::move(checked).error());
  auto core = SenderCore<>::create(keys, options);
  if (!core) return failure(std::move(core).error());
  return std::unique_ptr<SrtpSender>(
      new SrtpSender(std::make_unique<Impl>(Impl{std::move(*core)})));
}

Result<PacketBuf, DropReason> SrtpSender::seal(wire::OpenRtp packet) {
  const std::size_t header_octets = packet.layout().header_octets;
  PacketBuf buffer = std::move(packet).take();
  if (auto sealed = impl_->core->seal_rtp(buffer, header_octets); !sealed) {
    return failure(sealed.error());
  }
  return buffer;
}

Result<PacketBuf, DropReason> SrtpSender::seal_rtcp(PacketBuf compound) {
  if (compound.size() < wire::kRtcpFixedOctets) return failure(DropReason::Truncated);
  if (auto sealed = impl_->core->seal_rtcp(compound); !sealed) return failure(sealed.error());
  return compound;
}

std::unique_ptr<SrtpSender> SrtpSender::adopt(std::unique_ptr<SrtpSender> fresh) {
  impl_->core->adopt(*fresh->impl_->core);
  return fresh;
}

bool SrtpSender::needs_new_ssrc(Ssrc ssrc) const { return impl_->core->needs_new_ssrc(ssrc); }
bool SrtpSender::key_is_low() const { return impl_->core->key_is_low(); }
std::size_t SrtpSender::streams() const { return impl_->core->streams(); }
StreamIndex SrtpSender::stream(std::size_t i) const { return impl_->core->stream(i); }

Result<void, Error> SrtpSender::restore(std::span<const StreamIndex> streams) {
  return impl_->core->restore(streams);
}

}  // namespace causeway::srtp
