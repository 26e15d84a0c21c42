#include "relay/media/framer.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::media {

Framer::Framer(std::size_t frame_values, std::size_t capacity_values)
    : frame_(frame_values), values_(capacity_values) {
  CAUSEWAY_CHECK(frame_ > 0 && frame_ <= values_.size(), "a frame fits its queue");
}

void Framer::push(codecs::Pcm pcm) { std::ranges::copy(pcm, extend(pcm.size()).begin()); }

void Framer::push_silence(std::size_t values) {
  std::ranges::fill(extend(values), std::int16_t{0});
}

void Framer::pop_frame() {
  CAUSEWAY_CHECK(has_frame(), "no whole frame to take");
  begin_ += frame_;
  if (begin_ == end_) clear();
}

codecs::MutablePcm Framer::extend(std::size_t values) {
  CAUSEWAY_CHECK(values <= room(), "more sound than the framer has room for");
  if (end_ + values > values_.size()) {
    std::copy(values_.begin() + static_cast<std::ptrdiff_t>(begin_),
              values_.begin() + static_cast<std::ptrdiff_t>(end_), values_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  end_ += values;
  return codecs::MutablePcm(values_).subspan(end_ - values, values);
}

}  // namespace causeway::media
