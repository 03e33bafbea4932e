"""Brightness, contrast, saturation and hue of pictures, each drawn anew, for networks that were trained on photographs.

Contrast about the picture's mean grey, saturation towards each pixel's grey, hue as a turn of the colours about grey in the YIQ plane
(luma of ITU-R BT.601). A picture of the front end's "grey" map has neither saturation nor hue: only the first two change it.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.errors import RequestError

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, red, green, blue
_DEVIATION = (0.229, 0.224, 0.225)
_LUMA = (0.299, 0.587, 0.114)
_CHROMA = ((0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))  # I and Q


class ColourJitter:
    """Pictures in other light.

    Args:
        sample_rate: samples a second.
        p: probability that a row is changed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        brightness: largest change of the factor 1 on all values.
        contrast: largest change of the factor 1 on differences from the mean grey.
        saturation: largest change of the factor 1 on differences from each pixel's grey.
        hue: largest turn of the colours, either way, 0.5 being half of the circle.
        normalise: what the front end did to the picture, undone and done again here: "imagenet" or "none".
    """

    domain = "picture"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        p_end: float | None = None,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.02,
        normalise: Literal["imagenet", "none"] = "imagenet",
    ) -> None:
        if not all(0 <= each <= 1 for each in (brightness, contrast, saturation)) or not 0 <= hue <= 0.5:
            raise RequestError(
                f"augment colour_jitter: brightness {brightness:g}, contrast {contrast:g}, saturation {saturation:g}, hue {hue:g}; "
                f"wanted 0 to 1, hue 0 to 0.5"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.most = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
        self.mean, self.deviation = (_MEAN, _DEVIATION) if normalise == "imagenet" else ((0.0,) * 3, (1.0,) * 3)

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Factors and turns.

        Args:
            rng: source of chance.
            shape: [B, 3, H, W] of the pictures.

        Returns:
            `chosen` [B] bool, `brightness`, `contrast` and `saturation` [B] factors, `hue` [B] turns.
        """
        drawn = {"chosen": chosen(rng, shape[0], p=self.p)}
        for name, most in self.most.items():
            drawn[name] = evenly(rng, shape[0], least=-most, most=most) + (name != "hue")
        return drawn

    def apply(self, picture: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The pictures in their light, cut to [0, 1] before they are normalised again.

        Args:
            picture: [B, 3, H, W] pixels.
            values: what `draw` gave.

        Returns:
            [B, 3, H, W] pixels.
        """
        made = picture.clone()
        rows = values["chosen"].nonzero()[:, 0]
        if not len(rows):
            return made
        brightness, contrast, saturation, hue = (values[k][rows].to(picture).view(-1, 1, 1) for k in self.most)
        mean, deviation, luma = (picture.new_tensor(each) for each in (self.mean, self.deviation, _LUMA))
        before = picture[rows].flatten(2)  # [B, 3, H * W]
        # All four are linear maps of a colour, and so is the normalisation: one product does them.
        middle = brightness * ((before.mean(2) * deviation + mean) @ luma).view(-1, 1, 1)
        turn = _turns(hue.flatten())
        faded = saturation * turn + (1 - saturation) * luma.expand(3, 3)
        map_ = brightness * contrast * faded
        moved = map_ @ mean[:, None] + (1 - contrast) * middle
        after = torch.baddbmm(moved, map_ * deviation, before).clamp(0, 1)
        made[rows] = ((after - mean[:, None]) / deviation[:, None]).view_as(picture[rows])
        return made


def _turns(hue: Tensor) -> Tensor:
    """[B, 3, 3] what turns each colour about grey."""
    to = hue.new_tensor((_LUMA, *_CHROMA)).double()
    angle = 2 * math.pi * hue.double()
    turn = torch.zeros(len(hue), 3, 3, dtype=torch.float64, device=hue.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle.sin(), angle.sin()
    made: Tensor = torch.linalg.inv(to) @ turn @ to
    return made.to(hue)
