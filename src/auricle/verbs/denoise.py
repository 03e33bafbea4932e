"""Write recordings again without their noise: by a trained denoiser, Wiener's gain or spectral subtraction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auricle.errors import AuricleError, RequestError
from auricle.types import Skipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from auricle.types import Clip

    Clean = Callable[[Clip], Clip]

_METHODS = {"wiener": "wiener", "spectral_subtraction": "subtract"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One recording.

    Args:
        path: that was read.
        written: that was made.
    """

    path: Path
    written: Path

    def text(self) -> str:
        """Where it is."""
        return str(self.written)

    def tree(self) -> dict[str, str]:
        """Plain JSON values."""
        return {"path": str(self.path), "written": str(self.written)}


class Cleaning:
    """Recordings as they are cleaned.

    Args:
        places: each recording, and the file to write.
        clean: what is done to one.
    """

    def __init__(self, places: dict[Path, Path], clean: Clean) -> None:
        self._places = places
        self._clean = clean
        self._skipped: list[Skipped] = []

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Recordings that could not be read or written, so far."""
        return tuple(self._skipped)

    def __iter__(self) -> Iterator[Cleaned]:
        """In the order of the files."""
        from auricle.audio.read import read
        from auricle.audio.write import write

        for path, place in self._places.items():
            try:
                clip = self._clean(read(path))
                place.parent.mkdir(parents=True, exist_ok=True)
                write(place, clip)
            except AuricleError as wrong:
                self._skipped.append(Skipped(path, str(wrong)))
                continue
            yield Cleaned(path, place)


def denoise(files: tuple[str, ...], *, out: Path, with_: str = "wiener") -> Cleaning:
    """Write recordings again without their noise, as WAV of the same name below a folder.

    Wiener's gain and spectral subtraction take what is steady, and keep rate and channels. A trained denoiser, made by
    `auricle train DATA --recipe denoiser`, takes what it has learnt to, and writes each channel at the rate that it was trained at.

    Args:
        files: sound files, folders of them, or patterns such as "calls/**/*.wav".
        out: folder for what is written.
        with_: wiener, spectral_subtraction, or the folder of a run that trained a denoiser.

    Returns:
        The files as they are written.

    Raises:
        RequestError: no such method or denoiser, no files, or a file that would be written over what is read.
    """
    from auricle.verbs.predict import expand

    clean = _steady(_METHODS[with_]) if with_ in _METHODS else _learnt(with_)
    places = {path: out / _inside(path).with_suffix(".wav") for path in expand(files)}
    for path, place in places.items():
        if place.resolve() == path.resolve():
            raise RequestError(f"{place} would be written over what is read; wanted another --out")
    if len(set(places.values())) < len(places):
        twice = next(place for place in places.values() if list(places.values()).count(place) > 1)
        raise RequestError(f"two of the files would both be written as {twice}", hint="one call of auricle denoise for each")
    return Cleaning(places, clean)


def _inside(path: Path) -> Path:
    """The file's place below where the command runs, or below nothing."""
    place, here = path.resolve(), Path.cwd()
    return place.relative_to(here) if place.is_relative_to(here) else Path(path.name)


def _steady(method: str) -> Clean:
    import numpy as np

    from auricle.audio.denoise import denoise as steady
    from auricle.types import Clip

    def clean(clip: Clip) -> Clip:
        channels = [steady(one, clip.sample_rate, method="wiener" if method == "wiener" else "subtract") for one in clip.samples]
        return Clip(np.stack(channels), clip.sample_rate)

    return clean


def _learnt(named: str) -> Clean:
    if not any((Path(named) / each).is_file() for each in ("bundle.json", "bundle/bundle.json")):
        raise RequestError(f"--with is {named!r}; wanted {', '.join(_METHODS)} or the folder of a run that trained a denoiser")
    import numpy as np

    from auricle import bundle
    from auricle.audio.resample import resample
    from auricle.types import Clip

    trained = bundle.load(Path(named))
    if trained.task.kind != "wave":
        raise RequestError(f"{named} is a classifier; wanted a run that trained a denoiser")
    rate = trained.recipe.sample_rate

    def clean(clip: Clip) -> Clip:
        channels = [one if clip.sample_rate == rate else resample(one, clip.sample_rate, rate) for one in clip.samples]
        return Clip(np.stack([_through(trained.pipe, one) for one in channels]), rate)

    return clean


def _through(network: object, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A recording of any length, some seconds at a time, as the stream that it is."""
    import numpy as np
    import torch

    hop, delay = int(network.hop), int(network.delay)  # type: ignore[attr-defined]
    padded = np.pad(samples, (0, delay + (-len(samples) - delay) % hop))
    made = []
    with torch.no_grad():
        state = network.start(1)  # type: ignore[attr-defined]
        for at in range(0, len(padded), 1000 * hop):
            part, state = network.step(torch.from_numpy(padded[None, at : at + 1000 * hop]), state)  # type: ignore[attr-defined]
            made.append(part[0].numpy())
    clean: NDArray[np.float32] = np.concatenate(made)[delay : delay + len(samples)]
    return clean
