"""The battery for datasets: what they say of themselves, and what they find in a silent tree built from their own example.

Paths of `example` that are not sound have their text in `texts`, pairs of a path and a text.
"""

from __future__ import annotations

import inspect
import tempfile
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts
from auricle.types import Item, TaskKind

_SOUND = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".m4a", ".opus"}
_SECONDS = 1.0


def datasets(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a dataset.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    yield "items", lambda: _on_tree(make, _items)
    yield "stable order", lambda: _on_tree(make, _stable)
    yield "nothing written", lambda: _on_tree(make, _nothing_written)
    yield "empty folder", lambda: _empty(make)
    if hasattr(make(), "found"):
        yield "found", lambda: _on_tree(make, _found)
    if hasattr(make(), "download"):
        yield "download", lambda: _download(make)


def _made(make: Callable[..., Any]) -> str:
    corpus = make()
    for name in ("title", "license", "source", "citation"):
        demand(isinstance(getattr(corpus, name, None), str), f"it has no attribute {name} of type str; add it")
    demand(bool(corpus.title) and bool(corpus.license), "title and license must say something")
    labels = getattr(corpus, "labels", None)
    demand(isinstance(labels, tuple), "its attribute labels must be a tuple, () where the data tells")
    demand(len(set(labels or ())) == len(labels or ()), "some label is there twice")
    demand(getattr(corpus, "kind", None) in get_args(TaskKind), f"its attribute kind must be one of {', '.join(get_args(TaskKind))}")
    demand(
        isinstance(getattr(corpus, "weights_may_ship", None), bool),
        "its attribute weights_may_ship must say whether its licence allows that",
    )
    demand(isinstance(getattr(corpus, "example", None), tuple) and bool(corpus.example), "its attribute example must name a few real paths")
    return f"{corpus.title}; {corpus.license}"


def _on_tree(make: Callable[..., Any], check: Callable[[Any, Path], str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        corpus, root = make(), Path(folder) / "corpus"
        texts = dict(getattr(corpus, "texts", ()))
        for each in dict.fromkeys((*corpus.example, *texts)):
            path = root / each
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() in _SOUND:
                _silence(path)
            else:
                demand(each in texts, f"its example names {each}, which is not sound; give its text in `texts`")
                path.write_text(texts[each], encoding="utf-8")
        return check(corpus, root)


def _silence(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(2 * 8000 * _SECONDS)))


def _items(corpus: Any, root: Path) -> str:
    found = list(corpus.items(root))
    demand(bool(found), "no item was found in a tree built from its own example")
    for each in found:
        _item(corpus, root, each)
    sounds = {root / e for e in corpus.example if Path(e).suffix.lower() in _SOUND}
    missed = sounds - {each.path for each in found}
    demand(not missed, f"{len(missed)} of the example's sounds gave no item, first {min(missed, default=root).name}")
    return f"{len(found)} items from the {len(sounds)} sounds of its example"


def _item(corpus: Any, root: Path, each: Item) -> None:
    demand(isinstance(each, Item), f"items gave a {type(each).__name__}; wanted auricle.types.Item")
    demand(each.path.is_file() and each.path.is_relative_to(root), f"an item names {each.path}, which is not a file below the root")
    legal = not corpus.labels or set(each.target) <= set(corpus.labels)
    demand(legal, f"{each.path.name} is labelled {', '.join(each.target)}, which is not in `labels`")
    demand(corpus.kind != "single" or len(each.target) == 1, f"{each.path.name} has {len(each.target)} labels; the task is single")
    demand(each.split in ("", "train", "dev", "test"), f"{each.path.name} is in split {each.split!r}; wanted train, dev, test or ''")
    demand(
        0 <= each.start < (each.stop or _SECONDS) <= _SECONDS,
        f"{each.path.name} lasts from {each.start} to {each.stop} s, outside its file",
    )


def _stable(corpus: Any, root: Path) -> str:
    first, second = list(corpus.items(root)), list(corpus.items(root))
    demand(first == second, "items came in another order, or were others, the second time; sort what the disk lists")
    return "the same items in the same order, twice"


def _nothing_written(corpus: Any, root: Path) -> str:
    before = sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*"))
    list(corpus.items(root))
    demand(
        sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*")) == before, "items changed the corpus on disk; only download may write"
    )
    return "reading leaves the corpus as it was"


def _empty(make: Callable[..., Any]) -> str:
    from auricle.errors import AuricleError

    with tempfile.TemporaryDirectory() as folder:
        try:
            found = list(make().items(Path(folder)))
        except AuricleError as said:
            return f"an empty folder is refused: {said}"
        demand(not found, "an empty folder gave items")
    return "an empty folder gives no items"


def _found(corpus: Any, root: Path) -> str:
    demand(corpus.found(root), "found does not know a tree built from its own example")
    with tempfile.TemporaryDirectory() as empty:
        demand(not corpus.found(Path(empty)), "found takes an empty folder for this corpus")
    return "knows its own folder, and not an empty one"


def _download(make: Callable[..., Any]) -> str:
    corpus = make()
    demand(bool(inspect.getdoc(corpus.download)), "download has no docstring; say how large it is and where it comes from")
    known = corpus.source.startswith(("https://", "http://")) or getattr(corpus, "made", False)
    demand(known, f"its source is {corpus.source!r}; wanted the address it comes from, or `made = True` where it is computed")
    return "download says what it fetches"
