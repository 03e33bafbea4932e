"""The pieces a page is made of: the spectrogram, the excerpt, the drawings, the words."""

from __future__ import annotations

import base64
import io
import struct
import tomllib
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
import soundfile

from auricle.errors import AudioError
from auricle.reports._drawings import curves, reliability
from auricle.reports._excerpt import excerpt
from auricle.reports._run import read_run
from auricle.reports._spectrogram import png, spectrogram
from auricle.reports._words import toml


@pytest.mark.parametrize("frequency", [220.0, 1000.0, 5000.0])
def test_a_tone_is_one_bright_line_at_its_height(frequency):
    rate, rows = 16000, 112
    tone = (0.5 * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)).astype(np.float32)
    image = spectrogram(tone, sample_rate=rate, rows=rows)
    middle = image[:, 100:300].astype(float).mean(axis=1)
    expected = rows - 1 - rows * np.log(frequency / 60) / np.log(8000 / 60)
    assert middle.argmax() == pytest.approx(expected, abs=1.5)
    assert middle.max() > 250
    assert middle[np.abs(np.arange(rows) - expected) > 25].max() < 40


def test_a_click_is_one_bright_column_where_it_is():
    click = np.zeros(16000, np.float32)
    click[8000] = 1.0
    image = spectrogram(click, sample_rate=16000, columns=400)
    lit = np.flatnonzero(image.max(axis=0))
    assert abs(lit.mean() - 200) < 2
    assert len(lit) / 400 < 0.06  # one window wide


@pytest.mark.parametrize("length", [1, 5, 300, 16000])
def test_silence_is_black_at_any_length(length):
    image = spectrogram(np.zeros(length, np.float32), sample_rate=16000)
    assert image.shape == (112, 420)
    assert image.max() == 0


def test_the_picture_is_a_png_that_others_read():
    from matplotlib.image import imread

    image = np.linspace(0, 255, 40 * 60).reshape(40, 60).astype(np.uint8)
    file = png(image)
    decoded = imread(io.BytesIO(file))[..., :3]
    assert decoded.shape == (40, 60, 3)
    brightness = decoded.mean(axis=2)
    assert (np.diff(brightness.ravel()) >= 0).all()  # brighter is louder, without a step back
    assert struct.unpack(">I", file[-4:])[0] == zlib.crc32(b"IEND")


def test_an_excerpt_is_the_stretch_that_was_asked_for(tmp_path):
    rate = 48000
    quiet, loud = np.zeros(rate), 0.5 * np.sin(2 * np.pi * 700 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "a.wav", np.stack([np.concatenate([quiet, loud, quiet])] * 2, axis=1), rate)
    found = excerpt(tmp_path / "a.wav", start=1.0, stop=2.0)
    assert (found.sample_rate, found.duration, found.cut) == (32000, pytest.approx(1.0), False)
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(found.sound.partition(",")[2])))
    assert sound.ndim == 1
    middle = sound[8000:24000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert np.abs(np.fft.rfft(middle)).argmax() * rate / len(middle) == pytest.approx(700, abs=4)


def test_a_long_clip_is_cut_and_says_so(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(8000 * 4, 0.1), 8000)
    found = excerpt(tmp_path / "a.wav", longest=1.5)
    assert (found.duration, found.cut) == (1.5, True)
    assert not excerpt(tmp_path / "a.wav", longest=4.0).cut


@pytest.mark.parametrize("rate", [4000, 11025, 96000])
def test_odd_rates_become_ones_that_every_browser_plays(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.full(rate, 0.1), rate)
    found = excerpt(tmp_path / "a.wav")
    assert found.sample_rate in {8000, 11025, 32000}
    assert found.duration == pytest.approx(1.0, abs=0.01)


def test_a_file_that_is_gone_is_an_audio_error(tmp_path):
    with pytest.raises(AudioError):
        excerpt(tmp_path / "none.wav")


def test_real_recordings_become_excerpts(shared):
    for path in [
        next((shared / "data" / name).rglob(f"*.{kind}")) for name, kind in (("esc10", "ogg"), ("fsdd", "flac"), ("emodb", "flac"))
    ]:
        found = excerpt(path)
        assert 0.1 < found.duration <= 10
        assert len(found.sound) + len(found.picture) < 300_000


def test_curves_pass_through_their_values_and_leave_gaps():
    drawn = curves({"train": [4.0, 2.0, 1.0], "dev": [float("nan"), 3.0, float("nan")]}, epochs=[1, 2, 3], unit="", label="Loss")
    root = ET.fromstring(drawn)  # well formed
    points = [p.split(",") for p in root.find("polyline").attrib["points"].split()]
    heights = [float(y) for _, y in points]
    assert heights[0] < heights[1] < heights[2]  # down the page is a smaller loss
    assert (heights[1] - heights[0]) == pytest.approx(2 * (heights[2] - heights[1]), abs=0.2)
    assert len(root.findall("circle")) == 1
    assert float(root.find("circle").attrib["cy"]) == pytest.approx((heights[0] + heights[1]) / 2, abs=0.2)


@pytest.mark.parametrize("values", [[], [float("nan")]])
def test_nothing_to_draw_is_nothing(values):
    assert curves({"train": values}, epochs=range(len(values)), unit="", label="") == ""


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [5.0, 5.0], [1e-9, 2e-9], [1e9, 3e9], [-3.0, 7.0]])
def test_any_range_of_values_stays_inside_the_frame(values):
    drawn = ET.fromstring(curves({"train": values}, epochs=range(len(values)), unit="", label="x"))
    for line in drawn.iter("polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 460
            assert 10 <= y <= 220


def test_reliability_bars_end_at_the_share_right():
    bins = [{"low": 0.0, "high": 0.5, "count": 0, "confidence": 0.25, "accuracy": 0.0}]
    bins.append({"low": 0.5, "high": 1.0, "count": 8, "confidence": 0.75, "accuracy": 0.5})
    root = ET.fromstring(reliability(bins, label="x"))
    (bar,) = [r for r in root.iter("rect") if r.attrib["class"] == "bar"]
    ideal = root.find("line[@class='ideal']").attrib
    middle = (float(ideal["y1"]) + float(ideal["y2"])) / 2
    assert float(bar.attrib["y"]) == pytest.approx(middle, abs=0.1)
    assert reliability(bins[:1], label="x") == ""


def test_a_recipe_reads_back_from_its_toml(run):
    recipe = read_run(run).recipe
    assert tomllib.loads(toml(recipe)) == recipe
    assert tomllib.loads(toml({"a": None, "b": {"c": [1, {"d e": 0.5}]}, "f": []})) == {"b": {"c": [1, {"d e": 0.5}]}, "f": []}


@pytest.mark.parametrize("values", [[67.25], [99.1, 99.2, 99.15], [1.2379], [0.0012, 0.00121], [100.0, 100.0]])
def test_numbers_of_the_axis_have_room(values):
    """One epoch, or many that hardly differ: what stands left of the axis is read whole, at seven units a letter."""
    drawn = ET.fromstring(curves({"dev": values}, epochs=range(len(values)), unit="%" if values[0] > 50 else "", label="x"))
    numbers = [each for each in drawn.iter("text") if each.get("text-anchor") == "end"]
    assert len(numbers) >= 2
    assert all(len(each.text) * 7 <= float(each.get("x")) for each in numbers), [each.text for each in numbers]
