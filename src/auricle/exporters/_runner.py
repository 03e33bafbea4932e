"""An exported model on ONNX Runtime: whole clips, and exact streams of any chunking. numpy only, never torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import BundleError, RequestError, ShapeError
from auricle.exporters._facts import Facts, read
from auricle.exporters._session import session

Arrays = dict[str, NDArray[np.float32]]
_BLOCK_SECONDS = 10.0


class Runner:
    """One opened file; it may be shared by threads, since a stream's state is the caller's.

    Args:
        path: the .onnx file.
        threads: inside one operation; 0 takes what this process may use.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self._session = session(path, threads=threads)
        self.facts: Facts = read(dict(self._session.get_modelmeta().custom_metadata_map), str(path))
        taken = {i.name for i in self._session.get_inputs()} | {i.name for i in self._session.get_overridable_initializers()}
        self._state_names = tuple(sorted(name for name in taken if name.startswith("state.")))
        given = {o.name for o in self._session.get_outputs()}
        wanted = {"probabilities"} | ({"track"} if self.facts.streamable else set())
        wanted |= {f"next.{name.removeprefix('state.')}" for name in self._state_names}
        if not {"wave", "length"} <= taken or not wanted <= given:
            raise BundleError(f"{path} is damaged: its graph lacks inputs or outputs that its metadata promises")
        self._options = _only_what_is_asked()

    def run(self, wave: NDArray[np.float32], length: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Probabilities of whole clips.

        Args:
            wave: [B, T] samples, full scale ±1, T at least `facts.min_samples`, and at most `facts.max_samples` where that is not 0.
            length: [B] valid samples; None means all.

        Returns:
            [B, K] calibrated probabilities.

        Raises:
            ShapeError: not [B, T], too short, or too long.
        """
        self._refuse_shape(wave)
        if wave.shape[1] < self.facts.min_samples:
            raise ShapeError(f"the wave has {wave.shape[1]} samples; {self.path.name} needs at least {self.facts.min_samples}")
        if 0 < self.facts.max_samples < wave.shape[1]:
            raise ShapeError(f"the wave has {wave.shape[1]} samples; {self.path.name} hears at most {self.facts.max_samples}")
        if length is not None and length.shape != wave.shape[:1]:
            raise ShapeError(f"the lengths are of shape {length.shape}; wanted one for each of the {wave.shape[0]} rows")
        feeds: dict[str, Any] = {"wave": np.ascontiguousarray(wave, dtype=np.float32)}
        if length is not None:
            feeds["length"] = np.ascontiguousarray(length, dtype=np.int64)
        out: NDArray[np.float32] = self._session.run(["probabilities"], feeds, self._options)[0]
        return out

    def score(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of one clip, padded with silence where it is too short.

        Args:
            wave: [T] samples, full scale ±1.

        Returns:
            [K] calibrated probabilities.
        """
        short = self.facts.shortest - len(wave)
        row: NDArray[np.float32] = self.run(np.pad(wave, (0, short))[None] if short > 0 else wave[None])[0]
        return row

    def start(self, rows: int = 1) -> Arrays:
        """The state before the first sample.

        Args:
            rows: streams side by side.

        Returns:
            Named arrays, batch first; what isn't named yet stands at the graph's own default.

        Raises:
            RequestError: the model has no exact streaming form.
        """
        if not self.facts.streamable:
            raise RequestError(f"{self.path} has no exact streaming form", hint="listen runs it over overlapping windows instead")
        return {"wave": np.zeros((rows, 0), np.float32)}

    def step(self, chunk: NDArray[np.float32], state: Arrays) -> tuple[NDArray[np.float32], Arrays]:
        """Probabilities after each step that the next samples complete.

        Args:
            chunk: [B, T] the next samples, any number.
            state: what `start` or the last `step` gave; it is not changed.

        Returns:
            [B, K, M] calibrated probabilities over the last window, M = 0 while nothing is complete, and the next state.

        Raises:
            ShapeError: the rows are not the state's.
        """
        self._refuse_shape(chunk)
        if chunk.shape[0] != state["wave"].shape[0]:
            raise ShapeError(f"the chunk has {chunk.shape[0]} rows; the stream was started with {state['wave'].shape[0]}")
        facts = self.facts
        wave = np.concatenate([state["wave"], chunk.astype(np.float32, copy=False)], axis=1)
        inner = {k: v for k, v in state.items() if k != "wave"}
        parts: list[NDArray[np.float32]] = []
        largest = max(1, round(_BLOCK_SECONDS * facts.sample_rate / facts.hop))
        names = [f"next.{name.removeprefix('state.')}" for name in self._state_names]
        while (steps := min(largest, (wave.shape[1] - facts.overlap) // facts.hop)) >= 1:
            used = steps * facts.hop
            feeds = {"wave": np.ascontiguousarray(wave[:, : used + facts.overlap]), **inner}
            track, *after = self._session.run(["track", *names], feeds, self._options)
            inner = dict(zip(self._state_names, after, strict=True))
            parts.append(track)
            wave = wave[:, used:]
        if not parts:
            return np.zeros((chunk.shape[0], len(facts.labels), 0), np.float32), {"wave": wave, **inner}
        return np.concatenate(parts, axis=-1), {"wave": wave.copy(), **inner}

    @staticmethod
    def _refuse_shape(wave: NDArray[np.float32]) -> None:
        if wave.ndim != 2 or wave.shape[0] < 1:
            raise ShapeError(f"the wave is of shape {wave.shape}; wanted [B, T], one row a clip")


def _only_what_is_asked() -> Any:
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4
    options.only_execute_path_to_fetches = True
    return options
