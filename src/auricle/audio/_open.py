"""Which decoder opens which file, and the one sentence for each that none can."""

from __future__ import annotations

from pathlib import Path

import soundfile

from auricle.audio._libsndfile import LibsndfileSource, reason
from auricle.audio._sniff import HEAD_BYTES, describe, sniff, tag_bytes
from auricle.audio._source import Source
from auricle.audio._whole import missing
from auricle.errors import AudioError, MissingExtraError

MAX_RATE = 1_000_000
MIN_RATE = 100
MAX_CHANNELS = 256

# libsndfile decodes these to the last sample; what else it may know is left to FFmpeg.
_LIBSNDFILE = {"wav", "w64", "flac", "ogg", "aiff", "au", "caf", "nist", "svx"}
_EITHER = {"mp3", "opus"}
_UNIMPLEMENTED = "unknown format|unimplemented format|not implemented"


def open_source(path: Path) -> Source:
    """The file, opened by the decoder of its format.

    Args:
        path: the file.

    Returns:
        An open source, to be used as a context.

    Raises:
        AudioError: one sentence naming the file and saying what it is instead of sound that can be read.
        MissingExtraError: the format needs PyAV.
    """
    container, head, offset = _container(path)
    source = _opened(path, container, head, offset)
    if not MIN_RATE <= source.sample_rate <= MAX_RATE:
        source.__exit__(None, None, None)
        raise AudioError(f"{path} claims {source.sample_rate} samples a second; wanted {MIN_RATE} to {MAX_RATE}")
    if not 1 <= source.channels <= MAX_CHANNELS:
        source.__exit__(None, None, None)
        raise AudioError(f"{path} claims {source.channels} channels; wanted 1 to {MAX_CHANNELS}")
    source.warnings.extend(missing(path, container, offset))
    return source


def _container(path: Path) -> tuple[str, bytes, int]:
    """What the first bytes behind any ID3 tag say, these bytes, and where they stand."""
    try:
        if not path.exists():
            raise AudioError(f"{path} is not there")
        if path.is_dir():
            raise AudioError(f"{path} is a folder, not a sound file")
        if not path.is_file():
            raise AudioError(f"{path} is not a regular file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                raise AudioError(f"{path} is empty: it has 0 bytes")
            offset = 0
            while size := tag_bytes(head):
                offset += size
                file.seek(offset)
                head = file.read(HEAD_BYTES)
    except PermissionError as error:
        raise AudioError(f"{path} may not be read: permission denied") from error
    except (OSError, ValueError) as error:
        raise AudioError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    container = sniff(head) or ("mp3" if offset and head else "")
    if offset and not head:
        raise AudioError(f"{path} is empty: it ends with its ID3 tag")
    if not container:
        raise AudioError(f"{path} is not a sound file that can be recognised: {describe(head)}")
    return container, head, offset


def _opened(path: Path, container: str, head: bytes, offset: int) -> Source:
    if container in _LIBSNDFILE:
        try:
            return LibsndfileSource(path, container, offset)
        except soundfile.SoundFileError as error:
            said = reason(error)
            try:
                return _by_ffmpeg(path, container, head)
            except AudioError:
                raise AudioError(f"{path} cannot be read as {container}: {said}") from error
            except MissingExtraError:
                if any(known in said for known in _UNIMPLEMENTED.split("|")):
                    raise
                raise AudioError(f"{path} cannot be read as {container}: {said}") from error
    try:
        return _by_ffmpeg(path, container, head)
    except MissingExtraError:
        if container not in _EITHER:
            raise
    except AudioError as error:
        raise AudioError(f"{path} cannot be read as {container}: {error}") from error
    return _second_best(path, container, offset)


def _by_ffmpeg(path: Path, container: str, head: bytes) -> Source:
    try:
        from auricle.audio._ffmpeg import FfmpegSource
    except ImportError as error:
        raise MissingExtraError(f"{path} ({container})", "formats") from error
    return FfmpegSource(path, container, head)


def _second_best(path: Path, container: str, offset: int) -> Source:
    try:
        source = LibsndfileSource(path, container, offset)
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path} cannot be read as {container}: {reason(error)}") from error
    source.warnings.append(f'is {container}, of which PyAV (pip install "auricle[formats]") might read more than libsndfile did')
    return source
