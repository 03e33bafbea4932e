"""Sound and speech classification: from labelled audio to an honestly measured model, exported and listening live.

Names resolve on first use, so `import auricle` costs nothing and never imports torch. Every verb of the command is a function here
under the same name: `auricle.train(...)`, `auricle.predict(...)`.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Clip": "auricle.types",
    "Decision": "auricle.types",
    "Item": "auricle.types",
    "Task": "auricle.types",
    "AuricleError": "auricle.errors",
    "Recipe": "auricle.recipe",
    "Model": "auricle.runtime",
    "load": "auricle.runtime",
    "read": "auricle.audio.read",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _verbs():
        return getattr(import_module(f"auricle.verbs.{name}"), name)
    raise AttributeError(f"auricle has no {name!r}; it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted([*_HOMES, *_verbs(), "__version__"])


def _verbs() -> list[str]:
    from auricle.catalog import names

    return names("verbs")
