"""What is drawn for a clip, and the engine: a stand-in everywhere, the real program where it is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.audio import espeak

from auricle.audio.speak import VARIANTS, Espeak, Manner, Utterance
from auricle.errors import AudioError, AuricleError, RequestError

VOICES = tuple(f"en+{variant}" for variant in VARIANTS)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Espeak:
    espeak.install(tmp_path / "bin", monkeypatch)
    return Espeak()


@pytest.fixture
def real() -> Espeak:
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    return Espeak()


def test_every_voice_speaks_once_before_one_speaks_again_and_all_words_have_the_same_voices() -> None:
    said = {word: [Manner().draw(word, VOICES, number=n, seed=3) for n in range(24)] for word in ("yes", "no")}
    turns = {word: [each.voice for each in drawn] for word, drawn in said.items()}
    assert sorted(turns["yes"][:12]) == sorted(turns["yes"][12:]) == sorted(VOICES)
    assert turns["yes"] == turns["no"]
    assert turns["yes"][:12] != list(VOICES)
    assert turns["yes"] != [Manner().draw("yes", VOICES, number=n, seed=4).voice for n in range(24)]


def test_draws_fill_their_ranges_and_depend_on_nothing_but_word_number_and_seed() -> None:
    manner = Manner(pitch=(30, 33), speed=(100, 200), amplitude=(90, 90))
    drawn = [manner.draw("yes", VOICES, number=n, seed=0) for n in range(400)]
    assert {each.pitch for each in drawn} == {30, 31, 32, 33}
    assert {each.amplitude for each in drawn} == {90}
    speeds = [each.speed for each in drawn]
    assert (min(speeds), max(speeds)) == (100, 200)
    assert np.mean(speeds) == pytest.approx(150, abs=6)  # four standard errors
    assert manner.draw("yes", VOICES, number=77, seed=0) == drawn[77]
    assert [manner.draw("no", VOICES, number=n, seed=0).speed for n in range(400)] != speeds


def test_voices_are_the_accents_of_a_language_in_all_variants(engine: Espeak) -> None:
    assert engine.voices("en") == tuple(f"{accent}+{variant}" for accent in ("en-gb", "en-us") for variant in VARIANTS)
    with pytest.raises(RequestError, match="no voice of the language 'xx'"):
        engine.voices("xx")
    assert [bool(engine.lacks(voice)) for voice in ("en-gb", "en-us+f5", "en-us+f6", "xx", "xx+f1", "")] == [0, 0, 1, 1, 1, 1]
    assert engine.version() == "eSpeak NG text-to-speech: 1.0-tone"


def test_the_clip_is_the_word_without_silence(engine: Espeak) -> None:
    clip = engine.speak(Utterance("seven", "en-gb+f1", pitch=50, speed=100, amplitude=100))
    assert clip.sample_rate == 22050
    assert clip.samples.shape == (1, pytest.approx(22050 * 0.5 + 2 * 220, abs=10))
    assert np.abs(np.fft.rfft(clip.samples[0])).argmax() * 22050 / clip.samples.shape[1] == pytest.approx(300, abs=2)
    for text in ("", "...", "?!"):
        with pytest.raises(AudioError, match="holds nothing that the voice en pronounces"):
            engine.speak(Utterance(text, "en"))
    with pytest.raises(AudioError, match=r"was not said by the voice xx: Error: The specified espeak-ng voice does not exist"):
        engine.speak(Utterance("seven", "xx"))


def test_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuricleError, match="espeak-ng, which speaks, is not on this machine") as told:
        Espeak()
    assert "apt install espeak-ng" in told.value.hint


def fundamental(samples: np.ndarray, sample_rate: int) -> float:
    """Hertz at the largest autocorrelation between 60 and 300 Hz, of what is below 400 Hz."""
    power = np.abs(np.fft.rfft(samples, 2 * samples.size)) ** 2
    power[2 * samples.size * 400 // sample_rate :] = 0
    lags = np.fft.irfft(power)[sample_rate // 300 : sample_rate // 60]
    return sample_rate / (sample_rate // 300 + int(lags.argmax()))


def test_the_real_program_says_the_same_each_time_and_heeds_its_settings(real: Espeak) -> None:
    def said(**settings: int) -> np.ndarray:
        return real.speak(Utterance("nine", "en-us+m3", **settings)).samples[0]

    assert np.array_equal(said(), said())
    assert said(speed=120).size > 1.3 * said(speed=220).size
    assert fundamental(said(pitch=90), 22050) > 1.2 * fundamental(said(pitch=10), 22050)
    assert np.abs(said(amplitude=150)).max() > 1.5 * np.abs(said(amplitude=75)).max()
    assert abs(said()[0]) < 0.1 * np.abs(said()).max()


def test_the_real_program_has_the_voices_that_are_counted_on(real: Espeak) -> None:
    voices = real.voices("en")
    assert {"en-gb+m1", "en-us+f5"} <= set(voices)
    assert not any(real.lacks(voice) for voice in (voices[0], voices[-1], "en-us+f5"))
    assert real.lacks("en-us+nobody") == "espeak-ng has no variant 'nobody' of a voice"
    assert real.lacks("xx") == "espeak-ng has no voice 'xx'"
    for text in ("", "..."):
        with pytest.raises(AudioError):
            real.speak(Utterance(text, "en"))
    assert real.speak(Utterance("-v", "en")).duration > 0.1  # words that look like an option
