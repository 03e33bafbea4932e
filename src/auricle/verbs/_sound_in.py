"""Sound that arrives over time: the microphone, standard input (WAV or bare 16-bit samples), or a file as if it were live."""

from __future__ import annotations

import queue
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from auricle.audio.mono import Channels, mono
from auricle.audio.resample import Resampler
from auricle.audio.waveform import waveform_blocks
from auricle.errors import AudioError, AuricleError, MissingExtraError, RequestError

_CHUNK_SECONDS = 0.1
_SILENT_SECONDS = 2.0
_EXTENSIBLE, _FLOAT, _INTEGER = 0xFFFE, 3, 1


def file(path: Path, *, sample_rate: int, channels: Channels, real_time: bool) -> Iterator[NDArray[np.float32]]:
    """A file in short chunks.

    Args:
        path: the file.
        sample_rate: wanted, Hz.
        channels: how several become one.
        real_time: wait as a live source would.

    Yields:
        [T] samples.
    """
    size = max(1, round(_CHUNK_SECONDS * sample_rate))
    began, told = time.monotonic(), 0
    for block in waveform_blocks(path, sample_rate=sample_rate, channels=channels):
        for at in range(0, len(block), size):
            chunk = block[at : at + size]
            told += len(chunk)
            if real_time:
                time.sleep(max(0.0, began + told / sample_rate - time.monotonic()))
            yield chunk


def pipe(source: BinaryIO, *, rate: int, sample_rate: int, channels: Channels) -> Iterator[NDArray[np.float32]]:
    """Standard input: a WAV, told by its first bytes, or bare 16-bit little-endian mono samples.

    Args:
        source: bytes, read as they come.
        rate: of bare samples, Hz.
        sample_rate: wanted, Hz.
        channels: how several become one.

    Yields:
        [T] samples.

    Raises:
        AudioError: a WAV of a kind that can't be read from a pipe.
    """
    head = _exactly(source, 12)
    count, depth, code = 1, 2, _INTEGER
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        rate, count, depth, code = _wav_head(source)
        head = b""
    resampler = Resampler(rate, sample_rate)
    rest = head
    while data := _some(source, max(1, round(_CHUNK_SECONDS * rate)) * count * depth):
        data = rest + data
        whole = len(data) // (count * depth) * count * depth
        rest = data[whole:]
        if whole:
            done = resampler.step(mono(_numbers(data[:whole], depth, code).reshape(-1, count).T, channels))
            if len(done):
                yield done
    if len(rest) >= count * depth:
        whole = len(rest) // (count * depth) * count * depth
        yield resampler.step(mono(_numbers(rest[:whole], depth, code).reshape(-1, count).T, channels))
    yield resampler.step(np.zeros(0, np.float32), last=True)


def microphone(*, device: str, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """The microphone, until interrupted; gaps are told on stderr and survived.

    Args:
        device: name or number as `python -m sounddevice` lists them; "" takes the system's.
        sample_rate: wanted, Hz; another of the device's own is resampled.

    Yields:
        [T] samples.

    Raises:
        MissingExtraError: sounddevice is not installed.
        AuricleError: there is no microphone.
    """
    try:
        import sounddevice
    except ModuleNotFoundError as missing:
        raise MissingExtraError("listening to the microphone", "microphone") from missing
    except OSError as missing:
        raise AuricleError(
            f"the microphone can't be used: {missing}", hint="install PortAudio, such as apt install libportaudio2"
        ) from missing
    chosen: str | int | None = int(device) if device.isdigit() else device or None
    arrived: queue.SimpleQueue[tuple[NDArray[np.float32], bool]] = queue.SimpleQueue()

    def take(data: NDArray[np.float32], frames: int, when: object, status: Any) -> None:  # noqa: ARG001 - the callback's signature
        arrived.put((data[:, 0].copy(), bool(status.input_overflow)))

    try:
        rate = sample_rate
        try:
            sounddevice.check_input_settings(device=chosen, channels=1, samplerate=rate, dtype="float32")
        except (sounddevice.PortAudioError, ValueError):
            rate = round(float(sounddevice.query_devices(chosen, "input")["default_samplerate"]))
        stream = sounddevice.InputStream(device=chosen, channels=1, samplerate=rate, dtype="float32", callback=take)
    except (sounddevice.PortAudioError, ValueError) as wrong:
        raise AuricleError(
            f"the microphone {device or '(default)'} can't be opened: {wrong}", hint="python -m sounddevice lists devices"
        ) from wrong
    resampler = Resampler(rate, sample_rate)
    with stream:
        while True:
            try:
                data, lost = arrived.get(timeout=_SILENT_SECONDS)
            except queue.Empty:
                sys.stderr.write(f"warning: nothing has come from the microphone for {_SILENT_SECONDS:g} s\n")
                continue
            if lost:
                sys.stderr.write("warning: some sound was lost; this machine is too slow or too busy\n")
            done = resampler.step(data)
            if len(done):
                yield done


def _wav_head(source: BinaryIO) -> tuple[int, int, int, int]:
    """Rate, channels, bytes a sample, and coding of a WAV, read up to its first sample."""
    rate = count = depth = code = 0
    while True:
        name, size = struct.unpack("<4sI", _exactly(source, 8))
        if name == b"data":
            break
        body = _exactly(source, size + size % 2)
        if name == b"fmt ":
            code, count, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            code = struct.unpack("<H", body[24:26])[0] if code == _EXTENSIBLE and len(body) >= 26 else code
            depth = bits // 8
    if not rate or not count or (code, depth) not in {(_INTEGER, 1), (_INTEGER, 2), (_INTEGER, 3), (_INTEGER, 4), (_FLOAT, 4), (_FLOAT, 8)}:
        raise AudioError(f"the WAV on standard input is of coding {code} with {8 * depth} bits; wanted PCM of 8 to 32 bits or float")
    return rate, count, depth, code


def _numbers(data: bytes, depth: int, code: int) -> NDArray[np.float32]:
    """Samples of little-endian bytes, full scale ±1."""
    if code == _FLOAT:
        return np.frombuffer(data, np.dtype("<f4" if depth == 4 else "<f8")).astype(np.float32)
    if depth == 1:
        unsigned = np.frombuffer(data, np.dtype(np.uint8)).astype(np.float64)
        return np.asarray((unsigned - 128) / 128, dtype=np.float32)
    if depth == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return (wide.view(np.dtype("<i4"))[:, 0] / 2.0**31).astype(np.float32)
    whole = np.frombuffer(data, np.dtype(f"<i{depth}")).astype(np.float64)
    return np.asarray(whole / 2.0 ** (8 * depth - 1), dtype=np.float32)


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := source.read(count - len(data))):
        data += more
    if not data:
        raise RequestError("standard input is empty; wanted a WAV or 16-bit samples")
    return data


def _some(source: BinaryIO, count: int) -> bytes:
    read1 = getattr(source, "read1", source.read)
    data: bytes = read1(count)
    return data
