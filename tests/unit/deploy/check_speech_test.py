#!/usr/bin/python3
"""check_speech.py must be able to say no: silence, the wrong speaker, noise, holes, stutters."""

import glob
import pathlib
import subprocess
import sys
import tempfile
import unittest
import wave

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy"))
import check_speech  # noqa: E402

RATE = check_speech.RATE
ALLISON = "/usr/share/asterisk/sounds/en_US_f_Allison/demo-congrats.wav"
LIBRIVOX = sorted(glob.glob("/usr/share/pocketsphinx/test/data/librivox/*.wav"))


def voice(seed, seconds=12):
    """Something with the shape of speech: syllables of a gliding voice with pauses between."""
    random = numpy.random.default_rng(seed)
    pieces = []
    while sum(map(len, pieces)) < seconds * RATE:
        length = int(random.uniform(0.12, 0.3) * RATE)
        pitch = numpy.linspace(*random.uniform(90, 240, 2), length)
        phase = numpy.cumsum(2 * numpy.pi * pitch / RATE)
        weights = random.uniform(0, 1, 12) / numpy.arange(1, 13)
        tone = sum(w * numpy.sin(k * phase) for k, w in enumerate(weights, 1))
        pieces.append(0.2 * tone * numpy.hanning(length) + random.normal(0, 0.003, length))
        pieces.append(numpy.zeros(int(random.uniform(0.02, 0.15) * RATE)))
    return numpy.concatenate(pieces)[: seconds * RATE]


def mu_law(samples):
    coded = numpy.round(127 * numpy.sign(samples) * numpy.log1p(255 * abs(samples)) / numpy.log(256))
    return numpy.sign(coded) * numpy.expm1(abs(coded) / 127 * numpy.log(256)) / 255


def write_wav(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


class CheckSpeech(unittest.TestCase):
    def setUp(self):
        self.said, self.other = voice(1), voice(2)

    def test_accepts_the_same_speech(self):
        verdict = check_speech.compare(self.said, self.said)
        self.assertTrue(verdict.arrived, verdict)
        self.assertGreater(verdict.median, 0.99)
        self.assertEqual((verdict.delay, verdict.missing), (0, 0))

    def test_accepts_a_codec_and_line_noise(self):
        heard = mu_law(self.said) + numpy.random.default_rng(3).normal(0, 0.005, len(self.said))
        self.assertTrue(check_speech.compare(self.said, heard).arrived)

    def test_measures_a_delay(self):
        heard = numpy.concatenate([numpy.zeros(2800), self.said])
        verdict = check_speech.compare(self.said, heard)
        self.assertTrue(verdict.arrived)
        self.assertAlmostEqual(verdict.delay, 0.35, places=4)

    def test_accepts_a_recording_that_begins_a_little_late(self):
        verdict = check_speech.compare(self.said, self.said[RATE // 2 :])
        self.assertTrue(verdict.arrived, verdict)
        self.assertAlmostEqual(verdict.delay, -0.5, places=4)

    def test_accepts_time_that_was_stretched_a_little(self):
        parts = []
        for second, gap in enumerate([0, 300, 0, 0, 400, 0]):
            parts += [numpy.zeros(gap), self.said[second * 2 * RATE : (second + 1) * 2 * RATE]]
        self.assertTrue(check_speech.compare(self.said, numpy.concatenate(parts)).arrived)

    def test_accepts_a_quieter_line(self):
        self.assertTrue(check_speech.compare(self.said, 0.2 * self.said).arrived)

    def test_refuses_silence(self):
        verdict = check_speech.compare(self.said, numpy.zeros(len(self.said)))
        self.assertFalse(verdict.arrived)
        self.assertEqual(verdict.why, "nothing was recorded")

    def test_refuses_an_empty_recording(self):
        self.assertFalse(check_speech.compare(self.said, numpy.zeros(0)).arrived)

    def test_refuses_the_other_speaker(self):
        verdict = check_speech.compare(self.said, self.other)
        self.assertFalse(verdict.arrived)
        self.assertLess(verdict.median, 0.5)

    def test_refuses_noise(self):
        noise = numpy.random.default_rng(4).normal(0, 0.1, len(self.said))
        self.assertFalse(check_speech.compare(self.said, noise).arrived)

    def test_refuses_a_steady_tone(self):
        tone = 0.3 * numpy.sin(2 * numpy.pi * 200 * numpy.arange(len(self.said)) / RATE)
        self.assertFalse(check_speech.compare(self.said, tone).arrived)

    def test_counts_what_is_missing(self):
        heard = self.said.copy()
        heard[3 * RATE : 6 * RATE] = 0
        verdict = check_speech.compare(self.said, heard)
        self.assertFalse(verdict.arrived)
        self.assertEqual(verdict.missing, 3)

    def test_counts_a_call_that_ended_early(self):
        verdict = check_speech.compare(self.said, self.said[: 8 * RATE])
        self.assertFalse(verdict.arrived)
        self.assertEqual(verdict.missing, 4)

    def test_refuses_every_second_packet_lost(self):
        heard = self.said.copy().reshape(-1, 160)
        heard[::2] = 0
        self.assertFalse(check_speech.compare(self.said, heard.ravel(), median=0.8).arrived)

    def test_refuses_cross_talk(self):
        heard = self.said + self.other
        verdict = check_speech.compare(self.said, heard, other=self.other, threshold=0.5, share=0.5,
                                       median=0.3)
        self.assertFalse(verdict.arrived)
        self.assertEqual(verdict.why, "the other speaker is heard as well")

    def test_refuses_an_original_without_speech(self):
        self.assertFalse(check_speech.compare(numpy.zeros(5 * RATE), self.said).arrived)

    def test_reads_other_sample_rates_and_says_so_by_its_status(self):
        upsampled = numpy.fft.irfft(numpy.pad(numpy.fft.rfft(self.said), (0, 5 * len(self.said) // 2)),
                                    6 * len(self.said)) * 6
        with tempfile.TemporaryDirectory() as folder:
            sent, good, bad = (pathlib.Path(folder) / name for name in ("s.wav", "g.wav", "b.wav"))
            write_wav(sent, self.said)
            write_wav(good, upsampled, 48000)
            write_wav(bad, self.other)
            status = [subprocess.run(["/usr/bin/python3", ROOT / "deploy/check_speech.py", sent, each],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     check=False).returncode
                      for each in (good, bad, pathlib.Path(folder) / "absent.wav")]
        self.assertEqual(status, [0, 1, 2])

    @unittest.skipUnless(pathlib.Path(ALLISON).exists() and LIBRIVOX, "no speech packages")
    def test_tells_human_speakers_apart(self):
        she = check_speech.read_wav(ALLISON)[: 12 * RATE]
        he = numpy.concatenate([check_speech.read_wav(path) for path in LIBRIVOX])[: 12 * RATE]
        self.assertTrue(check_speech.compare(she, mu_law(she)).arrived)
        self.assertTrue(check_speech.compare(he, mu_law(he), other=she).arrived)
        wrong = check_speech.compare(she, he)
        self.assertFalse(wrong.arrived)
        self.assertLess(wrong.median, 0.4)


if __name__ == "__main__":
    unittest.main()
