#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// Packet loss concealment for codecs that have none of their own: G.711, G.722, L16. Listens to
/// what was heard, repeats its last pitch period through a loss, fades, and blends back into what
/// comes next. Adds no delay.
///
/// At 8 kHz it is spandsp's plc, which fades to silence in 50 ms. spandsp's pitch range (66 to
/// 200 Hz) and fade are counted in samples of 8 kHz and would be 133 to 400 Hz and 25 ms at 16 kHz,
/// so that every other rate uses PitchConcealer, the same idea counted in milliseconds.
///
/// One stream of one or two channels; not thread-safe; allocates only in its constructor.
class Plc {
 public:
  /// REQUIRES: channels is 1 or 2.
  Plc(SampleRate rate, std::uint8_t channels);
  ~Plc();
  Plc(const Plc&) = delete;
  Plc& operator=(const Plc&) = delete;

  /// Takes note of good samples (interleaved). After a loss it changes their first few
  /// milliseconds, so that they join the concealment; otherwise it leaves them alone.
  void heard(MutablePcm samples);
  /// Writes a replacement for `out.size()` lost values (interleaved).
  void conceal(MutablePcm out);
  /// Forgets what was heard.
  void reset();

 private:
  struct Channel;
  template <typename Work>
  void each_channel(MutablePcm samples, const Work& work);

  std::uint8_t channel_count_;
  std::unique_ptr<Channel[]> channels_;
};

}  // namespace causeway::codecs
