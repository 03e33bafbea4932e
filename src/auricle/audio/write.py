"""A clip to a sound file, in the format its suffix names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from auricle.errors import AudioError, RequestError, ShapeError
from auricle.types import Clip

_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
}
_BLOCK = 1 << 15
"""Frames written at a time: libsndfile 1.2 crashes on a minute of Vorbis in one call."""


def write(path: str | Path, clip: Clip, *, subtype: str = "") -> Path:
    """The clip as a file; samples beyond full scale are clipped by formats of whole numbers.

    Args:
        path: the file; its suffix names the format: .wav, .flac, .ogg, .opus, .mp3, .aiff, .au or .caf. An existing file is replaced.
        clip: what to write.
        subtype: how samples are coded, in libsndfile's words, such as "PCM_24" or "FLOAT"; "" takes 16 bit or the format's only codec.

    Returns:
        The path.

    Raises:
        RequestError: the suffix names no format that can be written, or the format has no such subtype.
        ShapeError: the samples are not [C, T].
        AudioError: the file cannot be written.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in _FORMATS:
        raise RequestError(f"{path} ends in {path.suffix!r}, which names no format that can be written; there are {', '.join(_FORMATS)}")
    if clip.samples.ndim != 2:
        raise ShapeError(f"samples has shape {list(clip.samples.shape)}; a clip is [C, T]")
    kind, usual = _FORMATS[path.suffix.lower()]
    if not soundfile.check_format(kind, subtype or usual):
        raise RequestError(f"{path}: {kind} has no subtype {subtype!r}; there are {', '.join(soundfile.available_subtypes(kind))}")
    frames = np.ascontiguousarray(clip.samples.T, dtype=np.float32)
    try:
        with soundfile.SoundFile(
            os.fsencode(path), "w", clip.sample_rate, clip.samples.shape[0], subtype=subtype or usual, format=kind
        ) as file:
            for at in range(0, len(frames), _BLOCK):
                file.write(frames[at : at + _BLOCK])
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path} cannot be written at {clip.sample_rate} Hz with {clip.samples.shape[0]} channels: {error}") from error
    return path
