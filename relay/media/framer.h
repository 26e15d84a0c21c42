#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/codec.h"

namespace causeway::media {

/// PCM on its way from packets of one length to frames of another: a queue of samples, taken out a
/// whole frame at a time. Counts single values (samples times channels). Allocates only in its
/// constructor.
class Framer {
 public:
  /// REQUIRES: 0 < frame_values <= capacity_values.
  Framer(std::size_t frame_values, std::size_t capacity_values);

  /// REQUIRES: pcm.size() <= room().
  void push(codecs::Pcm pcm);
  void push_silence(std::size_t values);
  [[nodiscard]] std::size_t room() const { return values_.size() - (end_ - begin_); }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool has_frame() const { return size() >= frame_; }
  [[nodiscard]] std::size_t frame_values() const { return frame_; }
  /// The frame that is next to go. REQUIRES: has_frame().
  [[nodiscard]] codecs::Pcm front() const { return codecs::Pcm(values_).subspan(begin_, frame_); }
  void pop_frame();
  /// Everything in the queue, whole frame or not.
  [[nodiscard]] codecs::Pcm all() const { return codecs::Pcm(values_).subspan(begin_, size()); }
  void clear() { begin_ = end_ = 0; }

 private:
  [[nodiscard]] codecs::MutablePcm extend(std::size_t values);

  std::size_t frame_;
  std::vector<std::int16_t> values_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace causeway::media
