"""What a lossy codec leaves: each clip through MP3 or Opus and back, at the place in time where it was.

Needs PyAV (the extra `formats`) with the encoder of that name. Opus is heard as it is decoded, at 48 kHz, and resampled; a sample rate that
an encoder doesn't have goes through the next one that it has.
"""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle.audio.resample import resample
from auricle.augments._draws import chosen
from auricle.augments._stage import lengths
from auricle.errors import MissingExtraError, RequestError

Wave = NDArray[np.float32]

_RATES = {
    "mp3": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    "opus": (8_000, 12_000, 16_000, 24_000, 48_000),
}
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus"}
_DECODERS = {"mp3": "mp3float", "opus": "libopus"}
_FORMATS = {"mp3": "fltp", "opus": "flt"}
_LEVELS = {"mp3": "9", "opus": "5"}  # quicker searches: a third and a fifth of the usual time, for a little more of the same damage
_FLUSH = 2_400  # samples of silence behind the clip, more than any encoder holds back


class Codec:
    """Rows coded and decoded.

    Args:
        sample_rate: samples a second.
        p: probability that a row is coded.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        codec: "mp3", "opus", or "any" of the two.
        min_kbps: lowest bit rate, thousands a second.
        max_kbps: highest.
    """

    domain = "wave"
    host = True

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.2,
        p_end: float | None = None,
        codec: Literal["any", "mp3", "opus"] = "any",
        min_kbps: int = 12,
        max_kbps: int = 48,
    ) -> None:
        if not 8 <= min_kbps <= max_kbps <= 160:
            raise RequestError(f"augment codec: {min_kbps} to {max_kbps} kbit/s; wanted 8 <= min_kbps <= max_kbps <= 160")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.codecs = tuple(sorted(_ENCODERS)) if codec == "any" else (codec,)
        self.least, self.most = min_kbps, max_kbps
        self._check()

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Codecs and bit rates.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `which` [B] int64, which of `codecs`, and `kbps` [B] int64, 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        which = torch.randint(len(self.codecs), (shape[0],), generator=rng)
        return {"which": which, "kbps": rows * torch.randint(self.least, self.most + 1, (shape[0],), generator=rng)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows as they come back; what is beyond full scale is clipped by the encoder.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        drawn = zip(values["which"].tolist(), values["kbps"].tolist(), lengths(wave, values), strict=True)
        for row, (which, kbps, length) in enumerate(drawn):
            if kbps and length:
                own = wave[row, :length].detach().cpu().numpy()
                made[row, :length] = torch.from_numpy(round_trip(own, self.sample_rate, codec=self.codecs[which], kbps=kbps)).to(wave)
        return made

    def _check(self) -> None:
        try:
            import av
        except ModuleNotFoundError as wrong:
            raise MissingExtraError("augment codec uses PyAV, which", "formats") from wrong
        for codec in self.codecs:
            lacking = {_ENCODERS[codec], _DECODERS[codec]} - av.codecs_available
            if lacking:
                raise RequestError(f"augment codec: this build of PyAV has no {' and no '.join(sorted(lacking))}, which {codec} needs")


def round_trip(samples: Wave, sample_rate: int, *, codec: str, kbps: int) -> Wave:
    """The sound coded and decoded, in place.

    Args:
        samples: [T] full scale ±1.
        sample_rate: samples a second.
        codec: "mp3" or "opus".
        kbps: bit rate, thousands a second; the encoder takes the nearest it has.

    Returns:
        [T] samples.
    """
    rate = next((each for each in _RATES[codec] if each >= sample_rate), _RATES[codec][-1])
    sent = resample(np.clip(samples, -1, 1), sample_rate, rate)
    packets = _encoded(sent, rate, codec=codec, kbps=kbps)
    decoder: Any = _context(_DECODERS[codec], "r")
    if codec == "opus":
        decoder.sample_rate, decoder.layout = 48_000, "mono"
    else:
        # Left to itself the decoder drops an encoder's delay or not, depending on its version.
        decoder.options = {"flags2": "skip_manual"}
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    heard = np.concatenate([_samples(frame) for frame in frames])
    came = frames[0].sample_rate
    delay = -packets[0].pts * packets[0].time_base  # seconds, exactly
    back = resample(heard[round(delay * came) :], came, sample_rate)[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def _encoded(sent: Wave, rate: int, *, codec: str, kbps: int) -> list[Any]:
    import av

    encoder: Any = _context(_ENCODERS[codec], "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", _FORMATS[codec]
    encoder.bit_rate, encoder.options = 1000 * kbps, {"compression_level": _LEVELS[codec]}
    encoder.open()
    whole = -(-(len(sent) + _FLUSH) // encoder.frame_size) * encoder.frame_size
    frame = av.AudioFrame.from_ndarray(np.pad(sent, (0, whole - len(sent)))[None], format=_FORMATS[codec], layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    return list(itertools.chain(encoder.encode(frame), encoder.encode(None)))


def _context(name: str, mode: str) -> Any:
    import av

    return av.CodecContext.create(name, mode)


def _samples(frame: Any) -> Wave:
    values = np.asarray(frame.to_ndarray()).reshape(-1)
    scale = np.float32(1 / 32768 if values.dtype == np.int16 else 1)
    return np.asarray(values * scale, np.float32)
