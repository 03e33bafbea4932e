"""Progress bars on stderr, drawn only where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Bar = Callable[[str, int], Callable[[], object]]


@contextmanager
def bars(*, shown: bool = True) -> Iterator[Progress]:
    """A stack of progress bars.

    Args:
        shown: False draws nothing; nothing is drawn either where stderr is not a terminal.

    Yields:
        rich's progress display.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[say]}"),
    )
    quiet = not shown or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as display:
        yield display


def bar_of(display: Progress) -> Bar:
    """A function that adds a bar and returns its tick.

    Args:
        display: from `bars`.

    Returns:
        `bar(title, total) -> tick`.
    """

    def bar(title: str, total: int) -> Callable[[], object]:
        task = display.add_task(title, total=total, say="")
        return lambda: display.advance(task)

    return bar


def warn_once(display: Progress) -> Callable[[str], None]:
    """A function that says a sentence on stderr the first time it is given it.

    Args:
        display: from `bars`; the sentence stands above the bars.

    Returns:
        `warn(sentence)`.
    """
    said: set[str] = set()

    def warn(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            display.console.print(f"warning: {sentence}", markup=False, highlight=False, soft_wrap=True)

    return warn
