"""Being asked to stop: Ctrl-C and SIGTERM set an event that the loop looks at between steps, so that no step is cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """While inside, the first Ctrl-C or SIGTERM only sets the event; a second one stops at once.

    Outside the main thread, where signals don't arrive, the event is never set.

    Yields:
        The event.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
