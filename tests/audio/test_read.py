"""Reading: all kinds of files made here, stretches, blocks, memory, and one sentence for each thing that is wrong."""

from __future__ import annotations

import builtins
import math
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.audio.read import blocks, read
from auricle.errors import AudioError, MissingExtraError, RequestError

RATE = 8000
NOISE = (np.random.default_rng(0).standard_normal((2 * RATE, 2)) * 0.1).astype(np.float32)


def wave_file(
    path: Path, body: bytes, *, size: int | None = None, rate: int = RATE, channels: int = 1, tag: int = 1, bits: int = 16
) -> Path:
    """A RIFF file whose header says whatever it is told to say."""
    size = len(body) if size is None else size
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, min(rate * align, 2**32 - 1), align, bits)
    head = b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVEfmt " + struct.pack("<I", 16) + form
    path.write_bytes(head + b"data" + struct.pack("<I", size) + body)
    return path


def encoded(path: Path, kind: str, subtype: str, samples: np.ndarray = NOISE, rate: int = RATE) -> Path:
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], format=kind, subtype=subtype) as file:
        for at in range(0, len(samples), rate):
            file.write(samples[at : at + rate])
    return path


def aac(path: Path, kind: str, codec: str, rate: int = 48_000) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w", format=kind) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)
        for at in range(0, rate - 960, 960):
            frame = av.AudioFrame.from_ndarray(tone[None, at : at + 960], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


LOSSLESS = [
    ("a.wav", "WAV", "PCM_U8", 2 / 256), ("a.wav", "WAV", "PCM_16", 1e-4), ("a.wav", "WAV", "PCM_24", 1e-6),
    ("a.wav", "WAV", "PCM_32", 1e-7),
    ("a.wav", "WAV", "FLOAT", 0), ("a.wav", "WAV", "DOUBLE", 0), ("a.wav", "WAVEX", "PCM_16", 1e-4), ("a.wav", "RF64", "PCM_24", 1e-6),
    ("a.wav", "WAV", "ULAW", 0.03), ("a.wav", "WAV", "ALAW", 0.03), ("a.w64", "W64", "PCM_16", 1e-4), ("a.flac", "FLAC", "PCM_24", 1e-6),
    ("a.aiff", "AIFF", "PCM_16", 1e-4), ("a.au", "AU", "PCM_16", 1e-4), ("a.caf", "CAF", "ALAC_16", 1e-4),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "subtype", "tolerance"), LOSSLESS)
def test_lossless_formats_give_back_what_was_written(tmp_path: Path, name: str, kind: str, subtype: str, tolerance: float) -> None:
    clip = read(encoded(tmp_path / name, kind, subtype))
    assert (clip.samples.shape, clip.sample_rate, clip.samples.dtype, clip.warnings) == ((2, 2 * RATE), RATE, np.float32, ())
    assert np.abs(clip.samples - NOISE.T).max() <= tolerance


def test_big_endian_riff_equals_little_endian(tmp_path: Path) -> None:
    """RIFX, written by hand: every number of the header and every sample the other way round."""
    values = (np.sin(np.arange(999) / 9) * 30_000).astype(">i2")
    form = struct.pack(">HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    body = values.tobytes()
    head = b"RIFX" + struct.pack(">I", 36 + len(body)) + b"WAVEfmt " + struct.pack(">I", 16) + form
    (tmp_path / "big.wav").write_bytes(head + b"data" + struct.pack(">I", len(body)) + body)
    assert np.array_equal(read(tmp_path / "big.wav").samples[0], values.astype(np.float32) / 32768)


def test_64_bit_integers(tmp_path: Path) -> None:
    pytest.importorskip("av")
    values = (np.sin(np.arange(999) / 9) * 2**62).astype("<i8")
    clip = read(wave_file(tmp_path / "long.wav", values.tobytes(), bits=64))
    assert np.allclose(clip.samples[0], values / 2.0**63, atol=1e-7)


STRETCHED = [
    ("a.wav", lambda p: encoded(p, "WAV", "PCM_16")), ("a.flac", lambda p: encoded(p, "FLAC", "PCM_16")),
    ("a.ogg", lambda p: encoded(p, "OGG", "VORBIS")), ("a.opus", lambda p: encoded(p, "OGG", "OPUS")),
    ("a.mp3", lambda p: encoded(p, "MP3", "MPEG_LAYER_III")), ("a.adpcm.wav", lambda p: encoded(p, "WAV", "IMA_ADPCM")),
    ("a.m4a", lambda p: aac(p, "ipod", "aac")), ("a.webm", lambda p: aac(p, "webm", "libopus")), ("a.aac", lambda p: aac(p, "adts", "aac")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make"), STRETCHED, ids=[name for name, _ in STRETCHED])
def test_a_stretch_is_the_slice_and_blocks_are_the_whole(tmp_path: Path, name: str, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / name)
    whole = read(path)
    rate = whole.sample_rate
    assert whole.duration == pytest.approx(1 if rate == 48_000 and "opus" not in name else 2, abs=0.15)
    for start, stop in [(0.0, 0.25), (0.1, 0.5), (0.33337, 0.3337), (0.5, None), (0.7, 99.0), (0.0, None)]:
        part = read(path, start=start, stop=stop)
        assert np.array_equal(part.samples, whole.samples[:, round(start * rate) : None if stop is None else round(stop * rate)])
    pieces = list(blocks(path, seconds=0.123, start=0.1))
    assert {p.samples.shape[1] for p in pieces[:-1]} == {round(0.123 * rate)}
    assert np.array_equal(np.concatenate([p.samples for p in pieces], axis=1), whole.samples[:, round(0.1 * rate) :])
    assert any(version in whole.decoder for version in ("soundfile", "av"))


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = encoded(tmp_path / "flac.flac", "FLAC", "PCM_16")
    renamed = path.rename(tmp_path / "actually_flac.mp3")
    assert np.abs(read(renamed).samples - NOISE.T).max() < 1e-4


def test_not_numbers_become_zero_with_a_warning(tmp_path: Path) -> None:
    values = np.full(1000, 0.25, "<f4")
    values[[3, 5, 7]] = [np.nan, np.inf, -np.inf]
    clip = read(wave_file(tmp_path / "nan.wav", values.tobytes(), tag=3, bits=32))
    assert clip.samples[0, [3, 5, 7]].tolist() == [0, 0, 0]
    assert np.count_nonzero(clip.samples == 0.25) == 997
    assert clip.warnings == ("held 3 samples that are not numbers (NaN or infinity); they were set to 0",)


def test_silence_is_said(tmp_path: Path) -> None:
    assert read(wave_file(tmp_path / "still.wav", bytes(1000))).warnings == ("is silent: every sample is 0",)


def test_silence_of_one_block_is_not_silence_of_the_file(tmp_path: Path) -> None:
    body = np.concatenate([np.full(RATE, 99), np.zeros(RATE)]).astype("<i2").tobytes()
    assert [clip.warnings for clip in blocks(wave_file(tmp_path / "half.wav", body), seconds=0.5)] == [()] * 4


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_lengths_that_pipes_leave_behind(tmp_path: Path, size: int) -> None:
    body = NOISE[:, 0].tobytes()
    clip = read(wave_file(tmp_path / "pipe.wav", body, size=size, tag=3, bits=32))
    assert np.array_equal(clip.samples[0], NOISE[:, 0])
    assert clip.warnings == ()


@pytest.mark.parametrize("factor", [2, 10_000])
def test_a_wave_header_that_promises_too_much(tmp_path: Path, factor: int) -> None:
    clip = read(wave_file(tmp_path / "lie.wav", NOISE[:, 0].tobytes(), size=64_000 * factor, tag=3, bits=32))
    assert clip.samples.shape == (1, 2 * RATE)
    assert "is truncated" in clip.warnings[0]


@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_size_of_zero_before_sound_is_not_believed(tmp_path: Path, riff: int, order: str) -> None:
    """A writer into a pipe can't come back to say how much it wrote."""
    samples = (8000 * np.sin(np.arange(7001) / 9)).astype(f"{order}i2")
    head = struct.pack(f"{order}I4s4sIHHIIHH4sI", riff, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 0)
    path = tmp_path / "pipe.wav"
    path.write_bytes((b"RIFF" if order == "<" else b"RIFX") + head + samples.tobytes())
    clip = read(path)
    assert (clip.samples[0] == samples / np.float32(32768)).all()
    assert clip.warnings == ("says that it holds no sound, but 14002 bytes follow: they were read to the end of the file",)
    part = read(path, start=0.25, stop=0.5)
    assert (part.samples == clip.samples[:, 2000:4000]).all()


@pytest.mark.parametrize("after", [b"", b"\0", b"LIST\4\0\0\0INFO", b"LIST\4\0\0\0INFOid3 \3\0\0\0abc\0"])
def test_a_size_of_zero_before_nothing_or_other_chunks_is_empty(tmp_path: Path, after: bytes) -> None:
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(after), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 0)
    (tmp_path / "empty.wav").write_bytes(head + after)
    with pytest.raises(AudioError, match=r"empty\.wav is empty"):
        read(tmp_path / "empty.wav")


@pytest.mark.parametrize("factor", [0.01, 0.5, 10_000])
def test_a_flac_header_is_not_believed(tmp_path: Path, factor: float) -> None:
    path = encoded(tmp_path / "a.flac", "FLAC", "PCM_16")
    honest = read(path)
    data = bytearray(path.read_bytes())
    data[8 + 14 : 8 + 18] = int(2 * RATE * factor).to_bytes(4, "big")
    path.write_bytes(data)
    clip = read(path)
    assert np.array_equal(clip.samples, honest.samples)
    assert len(clip.warnings) == (factor > 1)
    assert np.array_equal(read(path, start=1.5).samples, honest.samples[:, 12_000:])


def test_an_mp3_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("av")
    tone = np.sin(np.arange(10 * 44_100) / 9)[:, None] * 0.3
    noise = np.random.default_rng(0).standard_normal((10 * 44_100, 1)) * 0.3
    path = tmp_path / "vbr.mp3"
    with soundfile.SoundFile(
        path, "w", 44_100, 1, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.9
    ) as file:
        file.write(np.concatenate([tone, noise]))
    data = path.read_bytes()
    at = max(data.find(b"Xing"), data.find(b"Info"))
    path.write_bytes(data[:at] + bytes(120) + data[at + 120 :])
    assert read(path).duration == pytest.approx(20, abs=0.1)


CUT = [("AIFF", "PCM_16"), ("AU", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"),
       ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_16")]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), CUT)
def test_a_cut_file_gives_what_is_there_and_says_so(tmp_path: Path, kind: str, subtype: str) -> None:
    path = encoded(tmp_path / "cut", kind, subtype, np.tile(NOISE, (4, 1)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    clip = read(path)
    assert 2 < clip.duration < 6
    assert any(word in " ".join(clip.warnings) for word in ("truncated", "damaged", "shorter"))


def test_damage_inside_a_flac_keeps_what_stands_before_it(tmp_path: Path) -> None:
    samples = np.tile(NOISE, (20, 1))
    path = encoded(tmp_path / "hit.flac", "FLAC", "PCM_16", samples)
    whole = read(path).samples
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60] = bytes(60)
    path.write_bytes(data)
    clip = read(path)
    frames = clip.samples.shape[1]
    sound = int(0.45 * whole.shape[1])
    assert frames > sound
    assert np.array_equal(clip.samples[:, :sound], whole[:, :sound])
    assert "damaged" in clip.warnings[0]


REFUSED = [
    (lambda p: p.write_bytes(b""), "is empty: it has 0 bytes"),
    (lambda p: wave_file(p, b""), "is empty: it holds no samples"),
    (lambda p: p.write_bytes(b"\n<!DOCTYPE html><html><title>404</title>"), "be recognised: it is a web page (HTML)"),
    (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(99)), "it is a zip archive"),
    (lambda p: p.write_bytes(b"version https://git-lfs.github.com/spec/v1"), "a Git LFS pointer"),
    (lambda p: p.write_bytes(bytes(5000)), "it begins with zeros"),
    (lambda p: p.write_text("#EXTM3U\nhttp://example.org/a.ts"), "it is text"),
    (lambda p: p.mkdir(), "is a folder, not a sound file"),
    (lambda p: None, "is not there"),
    (lambda p: os.mkfifo(p), "is not a regular file"),
    (lambda p: wave_file(p, bytes(100), rate=0), "cannot be read as wav"),
    (lambda p: wave_file(p, bytes(100), rate=2_000_000_000), "claims 2000000000 samples a second"),
    (lambda p: wave_file(p, bytes(100), rate=1), "claims 1 samples a second"),
    (lambda p: wave_file(p, bytes(6000), channels=1000), "claims 1000 channels"),
    (lambda p: p.write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)), "it ends with its ID3 tag"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[s[:24] for _, s in REFUSED])
def test_what_is_no_sound_is_refused_in_one_sentence(tmp_path: Path, make: Callable[[Path], object], sentence: str) -> None:
    path = tmp_path / "clip.wav"
    make(path)
    with pytest.raises(AudioError) as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_permission_denied(tmp_path: Path) -> None:
    path = wave_file(tmp_path / "mine.wav", bytes(100))
    path.chmod(0)
    with pytest.raises(AudioError, match="permission denied"):
        read(path)


def test_permission_denied_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wave_file(tmp_path / "mine.wav", bytes(100))

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(AudioError, match=r"mine.wav may not be read: permission denied"):
        read(path)


@pytest.mark.parametrize("name", ["שלום 🤔 ä.wav", "a" * 240 + ".wav", "sp ace\nnew line.wav", "-rf.wav", b"\xff\xfe.wav"])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3"])
def test_any_name_a_file_may_have(tmp_path: Path, name: str | bytes, kind: str) -> None:
    path = tmp_path / (os.fsdecode(name) if isinstance(name, bytes) else name)
    made = encoded(tmp_path / "plain", kind, "MPEG_LAYER_III" if kind == "MP3" else "PCM_16")
    try:
        made.rename(path)
    except OSError:
        pytest.skip("the file system does not know such names")
    assert read(path).samples.shape[1] >= 2 * RATE


def test_extremes(tmp_path: Path) -> None:
    one = read(wave_file(tmp_path / "one.wav", struct.pack("<h", 16384)))
    assert one.samples.tolist() == [[0.5]]
    wide = np.random.default_rng(0).integers(-9999, 9999, (1000, 8)).astype("<i2")
    many = read(wave_file(tmp_path / "eight.wav", wide.tobytes(), channels=8, rate=192_000))
    assert many.sample_rate == 192_000
    assert np.array_equal(many.samples, wide.T.astype(np.float32) / 32768)


@pytest.mark.parametrize("stretch", [{"start": -1.0}, {"start": 2.0, "stop": 1.0}, {"start": 1.0, "stop": 1.0}, {"start": math.nan}])
def test_impossible_stretches(tmp_path: Path, stretch: dict[str, float]) -> None:
    with pytest.raises(RequestError, match="not a stretch of sound"):
        read(wave_file(tmp_path / "a.wav", bytes(99)), **stretch)


def test_a_stretch_behind_the_end(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="has no sound at 9 s or later"):
        read(wave_file(tmp_path / "a.wav", bytes(100)), start=9)


def test_more_than_four_gigabytes(tmp_path: Path) -> None:
    """A sparse RF64 file of 5 GB with a mark just before its end."""
    rate, size = 48_000, 5_000_000_000
    path = tmp_path / "large.wav"
    mark = np.arange(1, 4801).astype("<i2")
    with path.open("wb") as file:
        file.write(b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, size + 72, size, size // 2, 0))
        file.write(b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16) + b"data\xff\xff\xff\xff")
        begin = file.tell()
        file.seek(begin + size - mark.nbytes)
        file.write(mark.tobytes())
    end = size / 2 / rate
    clip = read(path, start=end - 0.1)
    assert np.array_equal(clip.samples[0] * 32768, mark)
    assert clip.warnings == ()


_SIX_HOURS = """
import sys
from auricle.audio.read import blocks
def peak():  # of this program; ru_maxrss would count what forked it
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
next(iter(blocks(sys.argv[1])))
before = peak()
print(sum(clip.samples.shape[1] for clip in blocks(sys.argv[1])), peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_six_hours_in_constant_memory(tmp_path: Path) -> None:
    frames = 6 * 3600 * RATE
    path = wave_file(tmp_path / "night.wav", b"\x01\x02", size=2 * frames)
    with path.open("r+b") as file:
        file.truncate(44 + 2 * frames)
    done = subprocess.run([sys.executable, "-c", _SIX_HOURS, str(path)], capture_output=True, text=True, check=True)
    counted, megabytes = map(int, done.stdout.split())
    assert counted == frames
    assert megabytes < 10


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M4A names the extra that brings its decoder; MP3 is read nevertheless; a damaged WAV is a damaged WAV."""
    m4a, mp3 = aac(tmp_path / "a.m4a", "ipod", "aac"), encoded(tmp_path / "a.mp3", "MP3", "MPEG_LAYER_III")
    plain = builtins.__import__

    def blocked(name: str, *rest: object) -> object:
        if name == "av" or name.startswith("av.") or name == "auricle.audio._ffmpeg":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(MissingExtraError) as missing:
        read(m4a)
    assert str(m4a) in str(missing.value)
    assert missing.value.hint == 'pip install "auricle[formats]"'
    clip = read(mp3)
    assert clip.samples.shape == (2, 2 * RATE)
    assert "auricle[formats]" in clip.warnings[0]
    (tmp_path / "bad.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk")
    with pytest.raises(AudioError, match="cannot be read as wav"):
        read(tmp_path / "bad.wav")


def ogg_checksum(page: bytes) -> int:
    """RFC 3533, section 6: polynomial 0x04c11db7, nothing reflected, over the page with its checksum field at 0."""
    rest = 0
    for byte in page:
        rest ^= byte << 24
        for _ in range(8):
            rest = (rest << 1 ^ (0x04C11DB7 if rest & 0x80000000 else 0)) & 0xFFFFFFFF
    return rest


def test_vorbis_cut_within_its_last_packet(tmp_path: Path) -> None:
    """Its last page is whole again, with a right checksum and marked as the last: only the packet lacks its end."""
    path = encoded(tmp_path / "cut.ogg", "OGG", "VORBIS", np.tile(NOISE, (2, 1)), rate=44_100)
    assert read(path).warnings == ()
    data = path.read_bytes()
    at = data.rfind(b"OggS")
    lacing = data[at + 27 : at + 27 + data[at + 26]]
    assert 255 in lacing, "the last page needs a packet of more than one segment"
    kept = lacing[: lacing.rindex(255) + 1] + b"\0"
    body = data[at + 27 + len(lacing) :][: sum(kept)]
    page = data[at : at + 22] + bytes(4) + bytes([len(kept)]) + kept + body
    path.write_bytes(data[:at] + page[:22] + ogg_checksum(page).to_bytes(4, "little") + page[26:])
    clip = read(path)
    assert clip.samples.shape[1] > RATE
    assert clip.warnings == ("is truncated: its last packet was cut at a whole segment, between two blocks",)
