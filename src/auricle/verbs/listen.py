"""Decisions as they happen, from the microphone, standard input or a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import RequestError
from auricle.types import Decision, Seconds

if TYPE_CHECKING:
    from auricle.runtime import Model, Stream

_METER_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Event:
    """A decision begins or has ended.

    Args:
        kind: "start", or "stop" when it is complete.
        decision: as it stands; its stop is the latest moment where it is still running.
    """

    kind: Literal["start", "stop"]
    decision: Decision

    def text(self) -> str:
        """One line."""
        d = self.decision
        if self.kind == "start":
            return f"{clock(d.start)}  starts  {d.label}  {d.score:.2f}"
        return f"{clock(d.stop)}  ends    {d.label}  {d.score:.2f}  after {d.stop - d.start:.2f} s"

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        d = self.decision
        return {"event": self.kind, "label": d.label, "score": round(d.score, 6), "start": round(d.start, 4), "stop": round(d.stop, 4)}


def listen(
    model: str,
    source: str = "mic",
    *,
    rate: int = 0,
    device: str = "",
    real_time: bool = False,
    on: float | None = None,
    off: float | None = None,
    min_seconds: float = 0.2,
    max_gap_seconds: float = 0.3,
    refractory_seconds: float = 0.0,
    hop: float = 0.0,
    gate_db: float = -70.0,
) -> Iterator[Event]:
    """Decisions as they happen: a line when one starts, a line when it ends.

    A model with an exact streaming form is run step by step; any other one by overlapping windows, and this is said. While the level is
    below the gate nothing is decided. On a terminal a line shows level and most probable label. Ctrl-C ends.

    Args:
        model: an .onnx file, a run's folder, or the name of a model that comes with auricle.
        source: mic, a sound file, or - for standard input: a WAV or bare 16-bit little-endian mono samples.
        rate: of bare samples on standard input, Hz; 0 means the model's.
        device: the microphone, by name or number; left out, the system's.
        real_time: play a file at its own speed instead of as fast as can be.
        on: probability at which a decision starts; left out, the model's threshold or 0.6.
        off: probability below which it ends; left out, two thirds of --on.
        min_seconds: shorter decisions are dropped, and none is told before it has lasted so long.
        max_gap_seconds: shorter pauses don't end a decision.
        refractory_seconds: after a decision its label doesn't start again for so long.
        hop: seconds from one answer to the next; 0 takes each step of a model that streams.
        gate_db: level of the window below which nothing is decided, dB of full scale.

    Returns:
        Events in the order in which they become known.

    Raises:
        RequestError: no such model or file, or impossible settings.
        BundleError: the model is damaged.
        MissingExtraError: the microphone needs sounddevice.
    """
    from auricle.deciders.debounce import Debounce
    from auricle.runtime import load

    opened = load(model)
    each = opened.facts.thresholds if on is None else ()
    on = 0.6 if on is None else on
    off = on * 2 / 3 if off is None else off
    decider = Debounce(
        on=on, off=off, each=each, min_seconds=min_seconds, max_gap_seconds=max_gap_seconds, refractory_seconds=refractory_seconds
    )
    stream = opened.stream(decider=decider, hop=hop, gate_db=gate_db)
    chunks = _chunks(opened, source, rate=rate, device=device, real_time=real_time)
    sys.stderr.write(f"{_manner(opened, stream)}\n")
    return _events(stream, chunks, opened.labels)


def clock(seconds: Seconds) -> str:
    """Hours, minutes and seconds since the beginning.

    >>> clock(3723.5)
    '1:02:03.50'
    """
    minutes, rest = divmod(round(seconds * 100), 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest / 100:05.2f}"


def _chunks(model: Model, source: str, *, rate: int, device: str, real_time: bool) -> Iterator[NDArray[np.float32]]:
    from auricle.verbs import _sound_in

    if source == "mic":
        return _sound_in.microphone(device=device, sample_rate=model.sample_rate)
    if source == "-":
        return _sound_in.pipe(
            sys.stdin.buffer, rate=rate or model.sample_rate, sample_rate=model.sample_rate, channels=model.facts.channels
        )
    path = Path(source).expanduser()
    if not path.is_file():
        raise RequestError(f"{source} is not a file; wanted mic, - or a sound file")
    return _sound_in.file(path, sample_rate=model.sample_rate, channels=model.facts.channels, real_time=real_time)


def _manner(model: Model, stream: Stream) -> str:
    facts = model.facts
    if stream.exact:
        latency = 1e3 * (facts.hop + facts.overlap + facts.lookahead) / facts.sample_rate
        window = facts.window * facts.hop / facts.sample_rate
        return f"listening exactly: an answer every {1e3 * stream.hop:g} ms about the last {window:g} s, {latency:.0f} ms after the sound"
    return (
        f"listening by overlapping windows of {facts.seconds:g} s, an answer every {stream.hop:g} s: this model has no exact streaming form"
    )


def _events(stream: Stream, chunks: Iterator[NDArray[np.float32]], labels: tuple[str, ...]) -> Iterator[Event]:
    meter = Meter(labels)
    try:
        for chunk in chunks:
            done = stream.step(chunk)
            yield from _told(done, stream.begun, meter)
            meter.show(chunk, stream)
    except KeyboardInterrupt:
        pass  # the usual end of live listening: what is running is finished and told
    done = stream.finish()
    yield from _told(done, stream.begun, meter)
    meter.clear()


def _told(done: list[Decision], begun: list[Decision], meter: Meter) -> Iterator[Event]:
    """Starts and ends in the order of their times."""
    events = [(d.stop, Event("start", d)) for d in begun] + [(d.stop, Event("stop", d)) for d in done]
    if events:
        meter.clear()
    yield from (event for _, event in sorted(events, key=lambda each: each[0]))


class Meter:
    """One line on a terminal's stderr: level, most probable label.

    Args:
        labels: class names.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._drawn = sys.stderr.isatty()
        self._next = 0.0

    def show(self, chunk: NDArray[np.float32], stream: Stream) -> None:
        """Redraw, at most ten times a second.

        Args:
            chunk: [T] the newest samples.
            stream: gives the probabilities.
        """
        if not self._drawn or time.monotonic() < self._next or not len(chunk):
            return
        from auricle.audio.level import rms_db

        self._next = time.monotonic() + _METER_SECONDS
        level = max(-90.0, rms_db(chunk))
        bar = "█" * round((level + 90) / 90 * 30)
        top = int(np.argmax(stream.probabilities))
        best = f"{self._labels[top]} {stream.probabilities[top]:.2f}" if stream.probabilities[top] > 0 else "(quiet)"
        sys.stderr.write(f"\r\x1b[K{clock(stream.time)}  {bar:<30} {level:6.1f} dB  {best}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, before something else is written."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
