"""The sound in a room: convolved with an impulse response out of a folder, or one made from a room's size and decay.

A made response has the statistics of a shoebox's image sources (Allen and Berkley 1979) without computing each: at distance r there are
4 pi r² dr / V of them, each as strong as the direct sound times its distance over r, so that their power is the same at all times but for
the walls, which take 60 dB in the reverberation time (Polack 1988). Early ones come apart, later ones lie on each other. The direct sound
stays where it was, and each row keeps its energy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from auricle.augments._draws import by_ratio, chosen, evenly
from auricle.augments._recordings import recordings
from auricle.augments._spectrum import fast
from auricle.augments._stage import power, valid
from auricle.errors import RequestError

_SOUND = 343.0  # metres a second, at 20 °C


class Reverb:
    """Rows in rooms.

    Args:
        sample_rate: samples a second.
        p: probability that a row gets a room.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        folder: impulse responses to take rooms from; "" makes responses instead.
        min_decay_ms: shortest reverberation time of a made room (60 dB), milliseconds.
        max_decay_ms: longest, and where a recorded response is cut.
        min_room_m: smallest made room, as the edge of a cube of its volume, metres.
        max_room_m: largest; the microphone stands 5 to 50 % of the edge away.
    """

    domain = "wave"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.3,
        p_end: float | None = None,
        folder: str = "",
        min_decay_ms: float = 150.0,
        max_decay_ms: float = 700.0,
        min_room_m: float = 2.5,
        max_room_m: float = 12.0,
    ) -> None:
        if not 0 < min_decay_ms <= max_decay_ms or not 0 < min_room_m <= max_room_m:
            raise RequestError(
                f"augment reverb: decays from {min_decay_ms:g} to {max_decay_ms:g} ms, rooms from {min_room_m:g} to {max_room_m:g} m; "
                f"wanted both rising from above 0"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.decays = (min_decay_ms / 1000, max_decay_ms / 1000)
        self.rooms = (min_room_m, max_room_m)
        self.size = max(1, round(sample_rate * max_decay_ms / 1000))
        found = recordings(folder, sample_rate, augment="reverb") if folder else []
        self.responses = [_aligned(each, self.size) for each in found]

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """A room for each row.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `chosen` [B] bool and `response` [B, R], the direct sound first.
        """
        rows = shape[0]
        inside = chosen(rng, rows, p=self.p)
        if self.responses:
            which = torch.randint(len(self.responses), (rows,), generator=rng).tolist()
            return {"chosen": inside, "response": torch.stack([self.responses[i] for i in which])}
        return {"chosen": inside, "response": self._rooms(rng, rows)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows in their rooms, as loud as before.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples; what rings on behind a row's end is cut.
        """
        made = wave.clone()
        rows = values["chosen"].nonzero()[:, 0]
        if not len(rows):
            return made
        dry, response = wave[rows], values["response"][rows].to(wave)
        inside = valid(wave, values)[rows]
        size = fast(wave.shape[-1] + response.shape[-1] - 1)
        wet = torch.fft.irfft(torch.fft.rfft(dry, n=size) * torch.fft.rfft(response, n=size), n=size)[:, : wave.shape[-1]]
        made[rows] = wet * (power(dry, inside) / power(wet, inside).clamp(min=1e-20)).sqrt()
        return made

    def _rooms(self, rng: torch.Generator, rows: int) -> Tensor:
        decay = evenly(rng, rows, least=self.decays[0], most=self.decays[1])[:, None]
        room = by_ratio(rng, rows, least=self.rooms[0], most=self.rooms[1])[:, None]
        distance = room * evenly(rng, rows, least=0.05, most=0.5)[:, None]
        time = torch.arange(self.size)[None] / self.sample_rate
        path = distance + _SOUND * time
        images = 4 * math.pi * path.square() * (_SOUND / self.sample_rate) / room**3  # [B, R] expected in a sample
        heard = torch.rand(rows, self.size, generator=rng) < images
        strength = distance / path * images.clamp(min=1).sqrt() * 10 ** (-3 * time / decay)
        added = torch.randn(rows, self.size, generator=rng)
        added = torch.where(images < 1, added.sign(), added)  # one image is as strong as it is; many add up to a normal distribution
        response = heard * strength * added
        response[:, 0] = 1.0
        return response


def _aligned(response: Tensor, size: int) -> Tensor:
    """[size] the response from its direct sound, the strongest sample, on, which becomes 1."""
    first = int(response.abs().argmax())
    kept = response[first : first + size] / response[first]
    return torch.nn.functional.pad(kept, (0, size - len(kept)))
