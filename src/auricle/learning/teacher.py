"""What teachers say of the rows that a student learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from auricle.audio.resample import resample
from auricle.audio.window import passages, windows
from auricle.errors import RequestError

Soften = Callable[[Tensor], Tensor]


class Teacher(Protocol):
    """A trained network, whatever made it.

    Attributes:
        name: as it was asked for.
        labels: in the order of its logits.
        sample_rate: samples a second that it wants.
        max_samples: that it hears at most; 0 where any number will do.
    """

    name: str
    labels: tuple[str, ...]
    sample_rate: int
    max_samples: int

    def logits(self, wave: Tensor, length: Tensor) -> Tensor:
        """Its answers.

        Args:
            wave: [B, T] full scale ±1, at its own rate.
            length: [B] valid samples.

        Returns:
            [B, J] logits of its labels, up to a constant a row where only one can hold.
        """


class Panel:
    """Teachers that answer together: the mean of their softened answers.

    Args:
        teachers: at least one.
        labels: of the student's task; each teacher must know them all, and may know others.
        sample_rate: samples a second of the student's rows.

    Raises:
        RequestError: a teacher doesn't know a label.
    """

    def __init__(self, teachers: Sequence[Teacher], labels: tuple[str, ...], sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._told: list[tuple[Teacher, list[int]]] = []
        for teacher in teachers:
            missing = [label for label in labels if label not in teacher.labels]
            if missing:
                some = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
                raise RequestError(
                    f"the teacher {teacher.name} does not know {some}; wanted one that tells all {len(labels)} classes apart"
                )
            self._told.append((teacher, [teacher.labels.index(label) for label in labels]))

    @torch.no_grad()
    def rows(self, wave: Tensor, length: Tensor, soften: Soften) -> Tensor:
        """What they say of a batch.

        Args:
            wave: [B, T] at the student's rate.
            length: [B] valid samples.
            soften: logits to rows that may be mixed and averaged.

        Returns:
            [B, K].
        """
        told = []
        for teacher, columns in self._told:
            heard, valid = wave, length
            if teacher.sample_rate != self.sample_rate:
                heard = torch.from_numpy(resample(wave.cpu().numpy(), self.sample_rate, teacher.sample_rate)).to(wave)
                valid = (length * teacher.sample_rate // self.sample_rate).clamp(min=1, max=heard.shape[-1])
            told.append(_said(teacher, columns, wave=heard, length=valid, soften=soften).to(wave))
        return torch.stack(told).mean(0)

    def clip(self, wave: np.ndarray[tuple[int], np.dtype[np.float32]], row: int, soften: Soften) -> Tensor:
        """What they say of a whole clip: the mean over its passages, by their lengths.

        Args:
            wave: [T] at the student's rate.
            row: samples of a passage.
            soften: logits to rows.

        Returns:
            [K].
        """
        total: Tensor | float = 0.0
        for start, stop in passages(len(wave), row):
            passage = torch.from_numpy(np.ascontiguousarray(wave[start:stop]))[None]
            total = total + self.rows(passage, torch.tensor([stop - start]), soften)[0] * ((stop - start) / len(wave))
        return torch.as_tensor(total)


def _said(teacher: Teacher, columns: list[int], *, wave: Tensor, length: Tensor, soften: Soften) -> Tensor:
    """[B, K] what one teacher says of rows; of rows longer than it hears, the mean over their passages, by their lengths."""
    total = wave.shape[-1]
    if not 0 < teacher.max_samples < total:
        return soften(teacher.logits(wave, length)[:, columns].to(wave))
    parts = []
    for start, stop in windows(total, teacher.max_samples, teacher.max_samples):
        valid = (length - start).clamp(min=0, max=stop - start)
        said = soften(teacher.logits(wave[:, start:stop], valid.clamp(min=1))[:, columns].to(wave))
        parts.append(said * (valid / length)[:, None])
    return torch.stack(parts).sum(0)
