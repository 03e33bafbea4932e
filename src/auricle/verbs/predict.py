"""What recordings hold: decisions as text, CSV, JSONL, Audacity labels or Raven tables, from hours as from seconds."""

from __future__ import annotations

import glob
import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from auricle.errors import AuricleError, RequestError
from auricle.types import Decision, Skipped
from auricle.verbs._rows import CSV_HEADER, Answer, Format, escaped, repair

if TYPE_CHECKING:
    from auricle.runtime import Model


@dataclass(frozen=True, slots=True)
class Written:
    """Where answers went.

    Args:
        out: file or folder.
        files: predicted now.
        before: found complete, and not predicted again.
    """

    out: Path
    files: int
    before: int

    def text(self) -> str:
        """One line."""
        return f"{self.files} files written to {self.out}" + (f"; {self.before} were there already" if self.before else "")

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"out": str(self.out), "files": self.files, "before": self.before}


class Answers:
    """Answers as they come; `skipped` is known at the end.

    Args:
        model: what predicts; opened here, so that a wrong one is told before any sound is read.
        paths: the files.
        form: how answers are written.
        top: how many of the most probable labels; 0 gives the decisions.
        timeline: what holds when, instead of one answer a file.
        hop: seconds between moments of the timeline.
    """

    def __init__(self, model: str, paths: list[Path], *, form: Format, top: int, timeline: bool, hop: float) -> None:
        from auricle.exporters._session import processors
        from auricle.runtime import load

        # Several files keep the processors busy best with one thread each.
        self._workers = min(processors(), len(paths))
        self._model = load(model, threads=1 if self._workers > 1 else 0)
        self.paths = paths
        self._answer = partial(_answer, self._model, form=form, top=top, timeline=timeline, hop=hop)
        self.form = form
        self._skipped: list[Skipped] = []

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files that could not be read, so far."""
        return tuple(self._skipped)

    def __iter__(self) -> Iterator[Answer]:
        """In the order of the files."""
        waiting: deque[tuple[Path, Future[Answer]]] = deque()
        pool = ThreadPoolExecutor(max(1, self._workers))
        try:
            for path in self.paths:
                waiting.append((path, pool.submit(self._answer, path)))
                if len(waiting) > 2 * self._workers:
                    yield from self._told(*waiting.popleft())
            while waiting:
                yield from self._told(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _told(self, path: Path, future: Future[Answer]) -> Iterator[Answer]:
        try:
            answer = future.result()
        except (AuricleError, OSError) as wrong:
            reason = str(wrong).removeprefix(f"{path}: ").removeprefix(f"{path} ")
            hint = getattr(wrong, "hint", "")
            self._skipped.append(Skipped(path, f"{reason} ({hint})" if hint else reason))
            return
        for sentence in answer.warnings:
            sys.stderr.write(f"warning: {path}: {sentence}\n")
        yield answer


class Printed:
    """Answers for stdout, after the header where the format has one.

    Args:
        answers: what is printed.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files that could not be read."""
        return self._answers.skipped

    def __iter__(self) -> Iterator[Answer | str]:
        """The header, then the answers."""
        if self._answers.form == "csv":
            yield CSV_HEADER
        yield from self._answers


class Filed:
    """Answers into one file or a folder of files, gone on with where it was interrupted.

    Args:
        answers: what is written.
        out: file or folder.
        before: answers that are there already.
    """

    def __init__(self, answers: Answers, out: Path, before: int) -> None:
        self._answers = answers
        self._out = out
        self._before = before

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files that could not be read."""
        return self._answers.skipped

    def __iter__(self) -> Iterator[Written]:
        """One line at the end."""
        from auricle.verbs._bars import bars

        count = 0
        with bars() as display:
            task = display.add_task("predicting", total=len(self._answers.paths), say="")
            for answer in self._answers if self._answers.form in ("audacity", "raven") else self._into_one():
                if self._answers.form in ("audacity", "raven"):
                    _whole(_named(self._out, answer.path, self._answers.form), answer.text())
                count += 1
                display.update(task, completed=count + len(self.skipped))
        yield Written(self._out, count, self._before)

    def _into_one(self) -> Iterator[Answer]:
        self._out.parent.mkdir(parents=True, exist_ok=True)
        with self._out.open("ab") as file:
            if self._answers.form == "csv" and file.tell() == 0:
                file.write(CSV_HEADER.encode())
            for answer in self._answers:
                file.write(answer.text().encode("utf-8", errors="surrogateescape"))
                file.flush()
                yield answer


def predict(
    model: str,
    files: tuple[str, ...],
    *,
    format: Format = "text",  # noqa: A002 - the option's name
    top: int = 0,
    timeline: bool = False,
    hop: float = 0.0,
    out: Path | None = None,
    resume: bool = False,
) -> Printed | Filed:
    """Decisions for recordings of any length, in constant memory.

    A file is answered as a whole, or moment by moment with --timeline. What can't be read is skipped and listed, and the rest goes on. An
    archive written with --out is gone on with by --resume after any interruption: nothing is lost, nothing is there twice.

    Args:
        model: an .onnx file, a run's folder, the name of a model that comes with auricle, or of downloaded weights.
        files: sound files, folders of them, or patterns such as "calls/**/*.wav".
        format: text, csv, jsonl (one line a file), audacity (a label track) or raven (a selection table).
        top: so many of the most probable labels of each file; 0 gives what holds.
        timeline: what holds when, by hysteresis over time, instead of one answer a file.
        hop: seconds from one moment of the timeline to the next; 0 takes a tenth of the window, at most half a second.
        out: a file for the answers, or a folder for audacity and raven tables; left out, they are printed.
        resume: go on with what --out holds already.

    Returns:
        Answers in the order of the files.

    Raises:
        RequestError: no such model, no files, or options that don't go together.
        BundleError: the model is damaged.
    """
    one_table_a_file = format in ("audacity", "raven")
    if top and timeline:
        raise RequestError("--top and --timeline don't go together; a timeline has one decision at a time for each label")
    if resume and out is None:
        raise RequestError("--resume needs --out, which says what is gone on with")
    paths = expand(files)
    if one_table_a_file and out is None and len(paths) > 1:
        raise RequestError(f"--format {format} makes one table a file and there are {len(paths)}", hint="name a folder with --out")
    if out is None:
        return Printed(Answers(model, paths, form=format, top=top, timeline=timeline, hop=hop))
    if out.exists() and not resume and not (one_table_a_file and out.is_dir()):
        raise RequestError(f"{out} is there already", hint="--resume goes on with it; or name another --out")
    if one_table_a_file:
        left = [p for p in paths if not (resume and _named(out, p, format).is_file())]
    else:
        done = repair(out, format)
        left = [p for p in paths if (escaped(p) if format == "text" else str(p)) not in done]
    return Filed(Answers(model, left, form=format, top=top, timeline=timeline, hop=hop), out, len(paths) - len(left))


def expand(files: tuple[str, ...]) -> list[Path]:
    """Files, folders and patterns as files, each once, in order.

    Args:
        files: as a person named them.

    Returns:
        Paths; a named file that isn't there stays, so that it is told as skipped.

    Raises:
        RequestError: a folder or pattern that holds no sound, or nothing at all.
    """
    found: dict[Path, None] = {}
    for name in files:
        path = Path(name).expanduser()
        if path.is_dir():
            from auricle.datasets._files import sound_files

            inside = [path / each for each in sound_files(path)]
        elif not path.exists() and glob.has_magic(name):
            inside = sorted(Path(each) for each in glob.glob(str(path), recursive=True) if Path(each).is_file())  # noqa: PTH207 - absolute patterns too
        else:
            inside = [path]
        if not inside:
            raise RequestError(f"{name} holds no sound files")
        found.update(dict.fromkeys(inside))
    if not found:
        raise RequestError("no files were named; wanted sound files, folders or patterns")
    return list(found)


def _answer(model: Model, path: Path, *, form: Format, top: int, timeline: bool, hop: float) -> Answer:
    nyquist = model.sample_rate / 2
    if timeline:
        return Answer(path, tuple(model.timeline(path, hop=hop)), {}, 0.0, (), form, nyquist)
    found = model.predict(path)
    decisions = found.decisions
    if top:
        decisions = tuple(Decision(label, score, 0.0, found.duration) for label, score in list(found.probabilities.items())[:top])
    return Answer(path, decisions, found.probabilities, found.duration, found.warnings, form, nyquist)


def _named(out: Path, path: Path, form: Format) -> Path:
    """A table of its own in the folder, at the same place below it as the sound file is below where the command runs."""
    place = path.resolve()
    here = Path.cwd()
    inside = place.relative_to(here) if place.is_relative_to(here) else place.relative_to(place.anchor)
    return out / inside.parent / f"{inside.name}.{'selections' if form == 'raven' else 'labels'}.txt"


def _whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", errors="surrogateescape")
    os.replace(part, path)  # noqa: PTH105 - atomic, said by its own name
