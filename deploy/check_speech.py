#!/usr/bin/python3
"""Says whether what was spoken at one end of a call is what was heard at the other.

usage: check_speech.py SENT.wav RECEIVED.wav [--name TEXT] [--channel N] [--other WAV] [--json] ...

Both files are brought to 8 kHz mono. The recording is aligned with the original as a whole; then
each second of the original that holds speech is looked for in the recording within +-120 ms of
where it ought to be (a far end may stretch time), by normalised cross-correlation: 1 is the same
waveform, unrelated speech stays below 0.4. Prints the median, the share of seconds above the
threshold, the delay of the recording against the original, and how much speech is missing.

Exits 0 where the speech arrived, 1 where it did not, 2 where a file cannot be read.
"""

import argparse
import dataclasses
import json
import sys
import wave

import numpy

RATE = 8000
WINDOW = RATE  # One second: long enough for words, short enough that a loss is seen.
SEARCH = RATE * 120 // 1000
# A second below this share of the file's loud seconds is a pause, whatever the volume.
ACTIVE_SHARE = 0.1
# A second with less of its energy than this is not there: silence, or a codec's idea of it.
MISSING_ENERGY = 0.05


@dataclasses.dataclass
class Verdict:
    """What the comparison found. Times in seconds; a delay is negative where the recording begins
    after the speech did."""

    arrived: bool
    why: str
    median: float
    share: float
    active: int
    delay: float
    missing: float
    other_share: float
    windows: list

    def as_text(self, name):
        head = f"{name}: " if name else ""
        state = "speech arrived" if self.arrived else f"NO, {self.why}"
        return (f"{head}{state} (median correlation {self.median:.2f}, {self.share:.0%} of "
                f"{self.active} s of speech recognised, {self.missing:.0f} s missing, recording "
                f"offset {self.delay * 1000:.0f} ms)")


def resample(samples, rate):
    """To RATE, by cutting or padding the spectrum."""
    if rate == RATE or len(samples) == 0:
        return samples
    length = int(round(len(samples) * RATE / rate))
    spectrum = numpy.fft.rfft(samples)
    wanted = length // 2 + 1
    if len(spectrum) < wanted:
        spectrum = numpy.pad(spectrum, (0, wanted - len(spectrum)))
    return numpy.fft.irfft(spectrum[:wanted], length) * (length / len(samples))


def read_wav(path, channel=0):
    """Samples of one channel at RATE, -1 to 1. Reads what is there where a header promises more."""
    with wave.open(path, "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: not 16-bit PCM")
        if channel >= file.getnchannels():
            raise ValueError(f"{path}: has no channel {channel}")
        channels = file.getnchannels()
        octets = file.readframes(file.getnframes())
        octets = octets[: len(octets) // (2 * channels) * 2 * channels]
        samples = numpy.frombuffer(octets, dtype="<i2").reshape(-1, channels)[:, channel]
        return resample(samples.astype(float) / 32768, file.getframerate())


def without_hum(samples):
    """Removes what lies below 100 Hz: offsets and hum would correlate with anything."""
    if len(samples) == 0:
        return samples
    spectrum = numpy.fft.rfft(samples)
    spectrum[: int(100 * len(samples) / RATE) + 1] = 0
    return numpy.fft.irfft(spectrum, len(samples))


def cross_correlation(long, short):
    """sum(long[k + i] * short[i]) for every k at which they overlap; and the first k, negative."""
    size = 1 << (len(long) + len(short)).bit_length()
    product = numpy.fft.rfft(long, size) * numpy.conj(numpy.fft.rfft(short, size))
    circular = numpy.fft.irfft(product, size)
    first = -(len(short) - 1)
    return numpy.concatenate([circular[first:], circular[: len(long)]]), first


def whole_delay(sent, received):
    """Where the original begins in the recording, in samples."""
    values, first = cross_correlation(received, sent)
    return int(numpy.argmax(values)) + first


def best_match(window, received, expected):
    """The highest normalised correlation of `window` near `expected`, how far off that lies, and the
    energy at `expected` itself."""
    begin = expected - SEARCH
    near = numpy.zeros(len(window) + 2 * SEARCH)
    low, high = max(begin, 0), min(begin + len(near), len(received))
    if low < high:
        near[low - begin : high - begin] = received[low:high]
    products = numpy.correlate(near, window, mode="valid")
    sums = numpy.concatenate([[0.0], numpy.cumsum(near * near)])
    energies = numpy.maximum(sums[len(window) :] - sums[: -len(window)], 0)
    scores = products / numpy.sqrt(numpy.maximum(energies * numpy.sum(window * window), 1e-9))
    best = int(numpy.argmax(scores))
    return float(scores[best]), best - SEARCH, float(energies[SEARCH])


def windows_of(sent):
    """(begin, samples) of every whole second that holds speech."""
    cut = [(at, sent[at : at + WINDOW]) for at in range(0, len(sent) - WINDOW + 1, WINDOW)]
    if not cut:
        return []
    levels = [float(numpy.sqrt(numpy.mean(window * window))) for _, window in cut]
    floor = max(ACTIVE_SHARE * float(numpy.percentile(levels, 90)), 1e-4)
    return [window for window, level in zip(cut, levels) if level > floor]


def scores_of(sent, received, delay, threshold):
    """Per second of speech: (where it begins, correlation, whether it is missing, its delay)."""
    found = []
    for at, window in windows_of(sent):
        score, shift, energy = best_match(window, received, at + delay)
        found.append((at / RATE, score, energy / numpy.sum(window * window), (delay + shift) / RATE))
    # How loud the line is shows where it works; what is missing is missing against that.
    gains = [gain for _, score, gain, _ in found if score > threshold]
    line = float(numpy.median(gains)) if gains else 1.0
    return [(at, score, bool(gain < MISSING_ENERGY * line), shift) for at, score, gain, shift in found]


def compare(sent, received, other=None, threshold=0.6, share=0.9, median=0.7, max_missing=1.0):
    """The verdict on samples at RATE; `other` is speech that must not be heard."""
    sent, received = without_hum(sent), without_hum(received)
    empty = Verdict(False, "nothing was recorded", 0.0, 0.0, 0, 0.0, len(sent) / RATE, 0.0, [])
    if not windows_of(sent):
        return dataclasses.replace(empty, why="the original holds no speech", missing=0.0)
    if len(received) < WINDOW or float(numpy.max(numpy.abs(received))) < 1e-4:
        return dataclasses.replace(empty, active=len(windows_of(sent)),
                                   missing=float(len(windows_of(sent))))
    windows = scores_of(sent, received, whole_delay(sent, received), threshold)
    values = [score for _, score, _, _ in windows]
    recognised = [window for window in windows if window[1] > threshold]
    delays = [window[3] for window in recognised or windows]
    verdict = Verdict(
        arrived=True, why="", median=float(numpy.median(values)),
        share=len(recognised) / len(windows), active=len(windows),
        delay=float(numpy.median(delays)), missing=float(sum(w[2] for w in windows)),
        other_share=0.0, windows=windows)
    if other is not None:
        other = without_hum(other)
        alien = scores_of(other, received, whole_delay(other, received), threshold)
        verdict.other_share = sum(w[1] > threshold for w in alien) / max(len(alien), 1)
    if not recognised:
        verdict.why = "what was heard is not what was said"
    elif verdict.missing > max_missing:
        verdict.why = f"{verdict.missing:.0f} s of speech are missing"
    elif verdict.median < median or verdict.share < share:
        verdict.why = "too little of what was said is recognised"
    elif verdict.other_share > 0.1:
        verdict.why = "the other speaker is heard as well"
    verdict.arrived = not verdict.why
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sent")
    parser.add_argument("received")
    parser.add_argument("--name", default="", help="what the line begins with")
    parser.add_argument("--channel", type=int, default=0, help="of RECEIVED (a two-channel file)")
    parser.add_argument("--other", help="speech that must not be heard: the other speaker's")
    parser.add_argument("--threshold", type=float, default=0.6, help="a second is recognised above")
    parser.add_argument("--share", type=float, default=0.9, help="of seconds to be recognised")
    parser.add_argument("--median", type=float, default=0.7, help="correlation to be reached")
    parser.add_argument("--max-missing", type=float, default=1.0, help="seconds")
    parser.add_argument("--json", action="store_true", help="every second, for machines")
    options = parser.parse_args()
    try:
        sent = read_wav(options.sent)
        received = read_wav(options.received, options.channel)
        other = read_wav(options.other) if options.other else None
    except (OSError, EOFError, ValueError, wave.Error) as error:
        print(f"check_speech.py: {error}", file=sys.stderr)
        return 2
    verdict = compare(sent, received, other, options.threshold, options.share, options.median,
                      options.max_missing)
    if options.json:
        print(json.dumps(dataclasses.asdict(verdict)))
    else:
        print(verdict.as_text(options.name))
    return 0 if verdict.arrived else 1


if __name__ == "__main__":
    sys.exit(main())
