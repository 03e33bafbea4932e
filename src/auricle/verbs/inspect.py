"""What a corpus or a sound file is: classes, hours, rates, what is broken, copied, leaking or uneven, with a fix to paste."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from auricle import catalog
from auricle import recipe as recipes
from auricle.audits._agreed import measured
from auricle.audits._finding import Finding, counted
from auricle.audits._heard import Heard, hear
from auricle.audits.agreement import agreement
from auricle.audits.balance import balance
from auricle.audits.broken import broken
from auricle.audits.duplicates import duplicates, twins
from auricle.audits.leaks import leaks
from auricle.audits.rates import rates
from auricle.datasets._corpus import Corpus, locate, open_corpus, published, recognise, with_reader
from auricle.datasets._files import sound_files
from auricle.datasets._votes import Judgements
from auricle.datasets.table import annotator_columns, naming
from auricle.errors import DataError, RequestError
from auricle.types import Item, Skipped, Spec, Task
from auricle.verbs._bars import bar_of, bars
from auricle.verbs._inspected import Inspected, InspectedFile

_ORDER = {"error": 0, "warning": 1, "note": 2}
_TABLES = {".csv", ".tsv", ".jsonl", ".ndjson"}


def inspect(data: str, *, set_: tuple[str, ...] = (), jobs: int = 0, progress: bool = True) -> Inspected | InspectedFile:
    """What was understood of a corpus, and what is wrong with it; or what one sound file holds.

    Every file is decoded from beginning to end, in constant memory. Nothing is changed. Exit code 3 when files cannot be used.

    Args:
        data: a folder, a table (.csv, .tsv, .jsonl), a corpus's name, or one sound file.
        set_: a setting of how the data are read, such as data.label=emotion; may be repeated.
        jobs: files decoded at a time; 0 takes one a processor.
        progress: whether a bar is drawn.

    Returns:
        Text for a person, a tree for --json, and the files that cannot be used.

    Raises:
        RequestError: there is no such corpus, folder, file or setting, or jobs is negative.
        DataError: the folder or table holds no sound at all.
    """
    if jobs < 0:
        raise RequestError(f"jobs is {jobs}; wanted at least 1, or 0 for one a processor")
    path = Path(data).expanduser()
    if path.is_file() and path.suffix.lower() not in _TABLES:
        return _file(path)
    spec, unsaid = _reader(data, set_)
    corpus, unlabelled = _opened(data, spec)
    judgements, soft = _judgements(data, corpus)
    paths = list(dict.fromkeys(item.path for item in corpus.items))
    heard = _all(paths, jobs or _processors(), progress)
    return Inspected(
        name=corpus.name,
        root=corpus.root,
        read_as=corpus.spec.name,
        task=corpus.task,
        items=corpus.items,
        heard=heard,
        findings=tuple(
            sorted(
                [*unlabelled, *unsaid, *agreement(judgements, soft=soft), *_audited(corpus, heard)],
                key=lambda found: _ORDER[found.severity],
            )
        ),
        skipped=(*corpus.skipped, *(Skipped(each.path, _reason(each)) for each in heard.values() if each.error)),
        license=corpus.license,
        agreement=measured(judgements) if judgements else None,
    )


def _file(path: Path) -> InspectedFile:
    heard = hear(path)
    if heard.error:
        return InspectedFile(heard, (), (Skipped(path, _reason(heard)),))
    return InspectedFile(heard, tuple(broken([Item(path, ())], {path: heard})))


def _reason(heard: Heard) -> str:
    """The error without the path, which stands beside it."""
    return heard.error.removeprefix(str(heard.path)).lstrip(": ")


def _reader(data: str, set_: tuple[str, ...]) -> tuple[Spec | None, list[Finding]]:
    """How the data are read; where nobody said so, a table of annotators by their votes, and a finding that says what to set."""
    if set_:
        beside = [setting for setting in set_ if not setting.startswith("data.")]
        if beside:
            raise RequestError(f"--set {beside[0]} does not say how data are read; wanted data.KEY=VALUE")
        return recipes.read("default", with_reader(data, set_)).data, []
    root = locate(data)
    found = annotator_columns(root) if recognise(root) == "table" else ()
    if not found:
        return None, []
    try:
        open_corpus(data)
    except DataError:
        told = f"{_some(found)}, and nothing says what their votes come to: with the fix, "
        told += "the most voted label; with --set data.kind=distribution beside it, how they divide"
        return Spec("table", {"annotators": found, "kind": "distribution"}), [Finding("warning", told, fix=naming(found))]
    told = f"{_some(found)}, and the column of the label is read instead"
    return None, [Finding("note", told, fix=naming(found))]


def _some(columns: Sequence[str]) -> str:
    return f"{counted(len(columns), 'column')} look like annotators ({', '.join(columns)})"


def _judgements(data: str, corpus: Corpus) -> tuple[tuple[Judgements, ...], bool]:
    """What each annotator said of each clip, where several did, and whether no label is made of the most votes."""
    if corpus.spec.name != "table":
        return (), False
    root, args = locate(data), corpus.spec.args
    given = {key: args[key] for key in ("separator",) if key in args}
    entry = catalog.make("datasets", Spec("table", {**given, "annotators": args.get("annotators") or annotator_columns(root)}))
    return entry.judgements(root), args.get("kind") == "distribution" or not args.get("annotators")


def _opened(data: str, spec: Spec | None) -> tuple[Corpus, list[Finding]]:
    """The corpus, or the sound files of a folder that has no labels, and a finding that says so."""
    try:
        return open_corpus(data, spec), []
    except DataError as error:
        root = Path(data).expanduser()
        found = [root / each for each in sound_files(root)] if root.is_dir() and data not in published() else []
        if not found:
            raise
        items = tuple(Item(path.absolute(), ()) for path in found)
        corpus = Corpus(root.name, root.absolute(), Task(()), items, "", "", "", Spec("folder"))
        fix = error.hint or f"put each class's clips into a folder of its name below {root}, or name a table with path and label"
        return corpus, [Finding("error", f"nothing can be trained on this: {error}", (), fix)]


def _all(paths: Sequence[Path], jobs: int, progress: bool) -> dict[Path, Heard]:
    """What was heard of each file, in the files' order; decoding releases the interpreter, so threads suffice."""
    with bars(shown=progress) as display, ThreadPoolExecutor(jobs) as pool:
        tick = bar_of(display)("listening", len(paths))
        heard = {}
        try:
            for each in pool.map(hear, paths):
                heard[each.path] = each
                tick()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return heard


def _audited(corpus: Corpus, heard: dict[Path, Heard]) -> list[Finding]:
    items = corpus.items
    return [
        *broken(items, heard),
        *duplicates(items, heard),
        *leaks(items, twins(items, heard)),
        *(balance(items, corpus.task) if corpus.task.labels else []),
        *rates(items, heard),
    ]


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
