"""An exported model in use, without torch: whole clips, long recordings in constant memory, timelines and live streams.

`auricle.load("model.onnx").predict("dog.wav")` is all there is to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.audio.mono import mono
from auricle.audio.waveform import waveform_blocks
from auricle.audio.window import measure
from auricle.errors import RequestError, ShapeError
from auricle.exporters._follow import Exact, Follow, Overlapping
from auricle.exporters._runner import Runner
from auricle.types import Clip, Decibels, Decision, Seconds, Spec

if TYPE_CHECKING:
    from auricle.deciders._episode import Episodes
    from auricle.exporters._facts import Facts

_SHIPPED = Path(__file__).parent / "shipped"


class Decider(Protocol):
    """What `auricle.deciders` holds."""

    def start(self, labels: tuple[str, ...]) -> Episodes: ...  # noqa: D102
    def step(  # noqa: D102
        self, probabilities: NDArray[np.float32], start: Seconds, stop: Seconds, state: Episodes
    ) -> tuple[list[Decision], Episodes]: ...
    def running(self, state: Episodes) -> list[Decision]: ...  # noqa: D102
    def finish(self, state: Episodes) -> list[Decision]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one clip.

    Args:
        decisions: what holds, most probable first: one label for tasks with one, those at or above their thresholds for others.
        probabilities: each label's calibrated probability, most probable first.
        duration: seconds of sound that were heard.
        warnings: one sentence for each thing that was repaired or out of the ordinary.
    """

    decisions: tuple[Decision, ...]
    probabilities: dict[str, float]
    duration: Seconds
    warnings: tuple[str, ...] = ()


def shipped() -> list[str]:
    """Names of the models that come with auricle."""
    return sorted(p.stem for p in _SHIPPED.glob("*.onnx"))


def locate(model: str | Path) -> Path:
    """The exported file that is meant.

    Args:
        model: an .onnx file, a run's folder, the name of a model that comes with auricle, or of published weights in the user's cache.

    Returns:
        Its path.

    Raises:
        RequestError: none of these; the nearest name is told.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        if (path / "model.onnx").is_file():
            return path / "model.onnx"
        raise RequestError(f"{path} holds no model.onnx", hint=f"auricle export {path}")
    if str(model) in shipped():
        return _SHIPPED / f"{model}.onnx"
    from auricle import pretrained
    from auricle.catalog import nearest

    if str(model) in pretrained.names():
        exported = pretrained.about(str(model)).folder / "model.onnx"
        if exported.is_file():
            return exported
        folder = pretrained.locate(str(model))  # or the sentence that says how to bring them
        raise RequestError(f"the weights {model} are in {folder}, but not exported yet", hint=f"auricle export {model}")
    known = [*shipped(), *pretrained.names()]
    raise RequestError(
        f"{model} is neither an .onnx file, nor a run's folder, nor a model that comes with auricle, nor published weights"
        f"{nearest(str(model), known)}"
    )


def load(model: str | Path, *, threads: int = 0) -> Model:
    """An exported model, ready to use.

    Args:
        model: an .onnx file, a run's folder, or the name of a model that comes with auricle.
        threads: inside one operation; 0 takes what this process may use.

    Returns:
        The model.

    Raises:
        RequestError: there is no such model.
        BundleError: a damaged file, or one that auricle did not write.
    """
    return Model(Runner(locate(model), threads=threads))


class Model:
    """One exported model; it may be shared by threads.

    Args:
        runner: the opened file.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    @property
    def facts(self) -> Facts:
        """All that the file says about itself."""
        return self.runner.facts

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return self.facts.labels

    @property
    def kind(self) -> str:
        """The task's kind."""
        return self.facts.kind

    @property
    def sample_rate(self) -> int:
        """Samples a second that the graph wants."""
        return self.facts.sample_rate

    @property
    def card(self) -> dict[str, Any]:
        """How it was made and measured."""
        return self.facts.whole_card

    def predict(self, source: str | Path | Clip | NDArray[np.float32], *, sample_rate: int = 0) -> Prediction:
        """The answer for one clip of any length.

        A clip of up to three of the model's rows is scored whole, unless the model hears no clip as long; a longer one row by row, the
        probabilities averaged by length, so that hours need no more memory than seconds.

        Args:
            source: a file, a `Clip`, or [T] or [C, T] samples.
            sample_rate: of samples given as an array, Hz; 0 means the model's own.

        Returns:
            Decisions and probabilities.

        Raises:
            AudioError: the file can't be read, or holds nothing.
            ShapeError: an array of another shape, or empty.
        """
        warnings: list[str] = []
        total = np.zeros(len(self.labels))
        heard = 0
        for piece in pieces(self._blocks(source, sample_rate, warnings), self.facts.win, longest=self.facts.max_samples):
            total += len(piece) * self.runner.score(piece).astype(np.float64)
            heard += len(piece)
        if heard == 0:
            raise ShapeError("the clip is empty; wanted at least one sample")
        if heard < self.facts.shortest:
            short, least = heard / self.sample_rate, self.facts.shortest / self.sample_rate
            warnings.append(f"is {short:.3f} s long; it was padded with silence to {least:g} s")
        return self._prediction((total / heard).astype(np.float32), heard / self.sample_rate, tuple(warnings))

    def timeline(
        self, source: str | Path | Clip | NDArray[np.float32], *, hop: Seconds = 0.0, decider: Decider | None = None
    ) -> Iterator[Decision]:
        """What holds when, in a recording of any length, in constant memory.

        Each moment is judged by the window around it, as long as the clips that the model was trained on.

        Args:
            source: a file, a `Clip`, or [T] or [C, T] samples at the model's rate.
            hop: seconds from one moment to the next; 0 takes a tenth of the window, at most half a second.
            decider: probabilities to decisions; None takes the model's.

        Yields:
            Decisions in the order in which they end.

        Raises:
            AudioError: the file can't be read, or holds nothing.
        """
        hop = hop or min(0.5, self.facts.seconds / 10)
        rule = decider or self.decider()
        state = rule.start(self.labels)
        follow = self.follow(hop=hop)
        window = self.facts.window * self.facts.hop / self.sample_rate if self.facts.streamable else self.facts.seconds
        ahead = max(0, round((window / hop - 1) / 2))
        waiting: deque[tuple[Seconds, Seconds]] = deque()
        latest = np.zeros(len(self.labels), np.float32)
        for begin, end, latest in _followed(follow, self._blocks(source, 0, [])):
            waiting.append((begin, end))
            if len(waiting) > ahead:
                done, state = rule.step(latest, *waiting.popleft(), state)
                yield from done
        for span in waiting:
            done, state = rule.step(latest, *span, state)
            yield from done
        yield from rule.finish(state)

    def stream(self, *, decider: Decider | None = None, hop: Seconds = 0.0, gate_db: Decibels = -70.0) -> Stream:
        """Live listening: chunks in, decisions out.

        Args:
            decider: probabilities to decisions; None takes the model's.
            hop: seconds from one answer to the next; 0 takes each step of a model that streams, a tenth of the window of one that doesn't.
            gate_db: while the window's level is below this, nothing is decided, dB of full scale.

        Returns:
            The stream, before its first sample.
        """
        return Stream(self, decider or self.decider(), hop=hop, gate_db=gate_db)

    def decider(self) -> Decider:
        """The recipe's decider, or hysteresis with pauses bridged, at the model's own thresholds."""
        if self.facts.decider:
            from auricle import catalog

            args = {k: v for k, v in self.facts.decider.items() if k != "name"}
            made: Decider = catalog.make("deciders", Spec(self.facts.decider["name"], args))
            return made
        from auricle.deciders.debounce import Debounce

        return Debounce(each=self.facts.thresholds)

    def follow(self, *, hop: Seconds = 0.0) -> Follow:
        """Probabilities over time: exactly, where the model streams, by overlapping windows otherwise."""
        return Exact(self.runner, hop) if self.facts.streamable else Overlapping(self.runner, hop)

    def _blocks(
        self, source: str | Path | Clip | NDArray[np.float32], sample_rate: int, warnings: list[str]
    ) -> Iterator[NDArray[np.float32]]:
        if isinstance(source, str | Path):
            yield from waveform_blocks(source, sample_rate=self.sample_rate, channels=self.facts.channels, warnings=warnings)
            return
        if isinstance(source, Clip):
            warnings.extend(source.warnings)
            samples, rate = source.samples, source.sample_rate
        else:
            samples, rate = np.asarray(source, dtype=np.float32), sample_rate or self.sample_rate
        if samples.ndim not in (1, 2):
            raise ShapeError(f"the samples are of shape {samples.shape}; wanted [T] or [C, T]")
        one = mono(samples, self.facts.channels) if samples.ndim == 2 else samples
        if rate != self.sample_rate:
            from auricle.audio.resample import resample

            one = resample(one, rate, self.sample_rate)
        yield one

    def _prediction(self, probabilities: NDArray[np.float32], duration: Seconds, warnings: tuple[str, ...]) -> Prediction:
        order = np.argsort(-probabilities, kind="stable")
        ranked = {self.labels[k]: float(probabilities[k]) for k in order}
        kept = list(order[:1])
        if self.kind in ("multi", "frames"):
            limits = self.facts.thresholds or (0.5,) * len(self.labels)
            kept = [k for k in order if probabilities[k] >= limits[k]]
        decisions = tuple(Decision(self.labels[k], float(probabilities[k]), 0.0, duration) for k in kept)
        return Prediction(decisions, ranked, duration, warnings)


def pieces(blocks: Iterable[NDArray[np.float32]], row: int, *, longest: int = 0) -> Iterator[NDArray[np.float32]]:
    """The pieces in which a clip is scored, as `audio.window.passages` says, without knowing its length before.

    Args:
        blocks: [T] consecutive samples.
        row: samples of a training row.
        longest: samples that the network hears at most; 0 where any number will do.

    Yields:
        [T] the whole clip where it is short enough, else one row after the other, the last one shorter.
    """
    most, row = measure(row, longest)
    held: list[NDArray[np.float32]] = []
    count, long = 0, False
    for block in blocks:
        held.append(block)
        count += len(block)
        long = long or count > most
        if long:
            joined = np.concatenate(held)
            whole = (count - 1) // row * row  # at least one sample stays, so that the last piece is the last row
            for at in range(0, whole, row):
                yield joined[at : at + row]
            held, count = [joined[whole:]], count - whole
    if count:
        yield held[0] if len(held) == 1 else np.concatenate(held)


class Stream:
    """One live stream.

    After each `step`: `begun` holds the decisions that began with it, as they stood when they began, `running` those that have not ended,
    `probabilities` [K] the latest answer and `time` its moment in seconds.

    Args:
        model: what listens.
        decider: probabilities to decisions.
        hop: seconds from one answer to the next; 0 as `Model.stream` says.
        gate_db: while the window's level is below this, nothing is decided.
    """

    def __init__(self, model: Model, decider: Decider, *, hop: Seconds = 0.0, gate_db: Decibels = -70.0) -> None:
        self._follow = model.follow(hop=hop)
        self._decider = decider
        self._state = decider.start(model.labels)
        self._gate = 10 ** (gate_db / 10)
        self._rate = model.sample_rate
        self._heard = np.zeros(0, np.float32)
        self._levels: deque[float] = deque(maxlen=max(1, round(model.facts.seconds / self._follow.hop)))
        self.exact = model.facts.streamable
        self.probabilities = np.zeros(len(model.labels), np.float32)
        self.time: Seconds = 0.0
        self.begun: list[Decision] = []

    @property
    def hop(self) -> Seconds:
        """Seconds from one answer to the next."""
        return self._follow.hop

    @property
    def running(self) -> list[Decision]:
        """Decisions that have begun and not ended."""
        return self._decider.running(self._state)

    def step(self, chunk: NDArray[np.float32]) -> list[Decision]:
        """Decisions that end with the next samples.

        Args:
            chunk: [T] samples at the model's rate, any number; what is not a number counts as silence.

        Returns:
            In the order in which they end.
        """
        if chunk.ndim != 1:
            raise ShapeError(f"the chunk is of shape {chunk.shape}; wanted [T]")
        clean = np.nan_to_num(chunk.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
        self._heard = np.concatenate([self._heard, clean])
        return self._decide(self._follow.step(clean))

    def finish(self) -> list[Decision]:
        """What the last samples complete, and what was still running at the end."""
        done = self._decide(self._follow.finish())
        done += self._decider.finish(self._state)
        self._state = self._decider.start(self._state.labels)
        return done

    def _decide(self, rows: list[tuple[Seconds, Seconds, NDArray[np.float32]]]) -> list[Decision]:
        done: list[Decision] = []
        self.begun = []
        for begin, end, probabilities in rows:
            count = round((end - begin) * self._rate)
            own, self._heard = self._heard[:count], self._heard[count:]
            self._levels.append(float(np.square(own).mean()) if len(own) else 0.0)
            loud = sum(self._levels) / len(self._levels) >= self._gate
            self.probabilities = probabilities if loud else np.zeros_like(probabilities)
            self.time = end
            before = {(d.label, d.start) for d in self.running}
            finished, self._state = self._decider.step(self.probabilities, begin, end, self._state)
            done += finished
            self.begun += [d for d in self.running if (d.label, d.start) not in before]
        return done


def _followed(follow: Follow, blocks: Iterator[NDArray[np.float32]]) -> Iterator[tuple[Seconds, Seconds, NDArray[np.float32]]]:
    for block in blocks:
        yield from follow.step(block)
    yield from follow.finish()
