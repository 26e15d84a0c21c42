#pragma once

#include <optional>

#include "codecs/codec.h"
#include "codecs/pitch_concealer.h"

namespace causeway::codecs {

/// Packet loss concealment for codecs that have none of their own: G.711, G.722, L16. A
/// PitchConcealer for each channel. Adds no delay; leaves sound alone where nothing was lost.
///
/// Why not spandsp's plc: its pitch range and fade are counted in samples of 8 kHz (66 to 200 Hz
/// and 50 ms there are 133 to 400 Hz and 25 ms at 16 kHz), plc_fillin writes past pieces of less
/// than 30 samples, and it copies overlapping memory with memcpy. It stays as the tests' yardstick.
///
/// One stream of one or two channels; not thread-safe; allocates only in its constructor.
class Plc {
 public:
  /// REQUIRES: channels is 1 or 2.
  Plc(SampleRate rate, std::uint8_t channels);

  /// Takes note of good samples (interleaved). After a loss it changes their first few
  /// milliseconds, so that they join the concealment; otherwise it leaves them alone.
  void heard(MutablePcm samples);
  /// Writes a replacement for `out.size()` lost values (interleaved).
  void conceal(MutablePcm out);
  /// Forgets what was heard.
  void reset();

 private:
  template <typename Work>
  void each_channel(MutablePcm samples, const Work& work);

  PitchConcealer first_;
  std::optional<PitchConcealer> second_;
};

}  // namespace causeway::codecs
