"""Pictures turned a little, for networks that were trained on photographs.

Bilinear; corners that come into view are 0, which is ImageNet's mean where the picture is normalised. On a spectrogram a turn is no law of
sound: a steady tone becomes a slow glide. It is here because it is part of published recipes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from auricle.augments._draws import chosen, evenly
from auricle.errors import RequestError


class Rotation:
    """Pictures turned about their middle.

    Args:
        sample_rate: samples a second.
        p: probability that a row is turned.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        max_degrees: largest turn, either way.
    """

    domain = "picture"

    def __init__(self, sample_rate: int, *, p: float = 0.5, p_end: float | None = None, max_degrees: float = 15.0) -> None:
        if not 0 < max_degrees <= 180:
            raise RequestError(f"augment rotation: max_degrees is {max_degrees:g}; wanted above 0 and at most 180")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.max_degrees = max_degrees

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Turns.

        Args:
            rng: source of chance.
            shape: [B, C, H, W] of the pictures.

        Returns:
            `degrees` [B], counter-clockwise, 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        return {"degrees": rows * evenly(rng, shape[0], least=-self.max_degrees, most=self.max_degrees)}

    def apply(self, picture: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The turned pictures.

        Args:
            picture: [B, C, H, W] pixels.
            values: what `draw` gave.

        Returns:
            [B, C, H, W] pixels.
        """
        made = picture.clone()
        rows = values["degrees"].nonzero()[:, 0]
        if len(rows):
            high, wide = picture.shape[-2:]
            angle = torch.deg2rad(values["degrees"][rows].to(picture))
            sine, cosine, none = angle.sin(), angle.cos(), torch.zeros_like(angle)
            # The grid counts in halves of the picture's sides, a turn in pixels.
            across = torch.stack([cosine, -sine * high / wide, none], -1)
            down = torch.stack([sine * wide / high, cosine, none], -1)
            grid = F.affine_grid(torch.stack([across, down], 1), [len(rows), *picture.shape[1:]], align_corners=False)
            made[rows] = F.grid_sample(picture[rows], grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return made
