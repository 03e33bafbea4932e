"""The public test batteries, one kind a file: `auricle check models ./mine.py` runs them on anybody's component.

An entry is a function `name(make) -> Iterator[Verdict]` of the catalogue's own name; `make` is the component's class, or anything that is
called like it (`functools.partial(Cnn, width=8)`). A verdict is one check: its name, whether it passed, and a sentence that says what was
found and, where it failed, what to add. The checks of a battery are independent; when the component can't even be made, it ends there.
"""
