"""One row a model: source, parameters, products, what it hears, whether it streams, what was published; each from where it stands once.

Measures come from the file that `docs/networks.py` writes, sources and reasons from the models' own docstrings, published figures from the
table of weights, or a docstring where there are no weights to be had.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from auricle import catalog, pretrained

HEAD = ("model", "parameters", "MAC/10 s", "hears", "streams", "published", "source")
_SOURCE = re.compile(r"[A-Z][\w'-]+(?:, [A-Z]\w+)*(?: et al\.|,? and [A-Z]\w+)? (?:19|20)\d\d(?: \([^)]*\))?")
_PUBLISHED = re.compile(r"\d+(?:\.\d+)? % on [A-Z][\w -]*(?:\([^)]*\))?")


def row(name: str) -> dict[str, str]:
    """The cells of one model, by `HEAD`.

    Args:
        name: of the model.

    Returns:
        Texts; "–" where nothing is known.
    """
    document = " ".join(catalog.document("models", name).split())
    measured = measures().get(name)
    source = _SOURCE.search(document)
    cells = dict.fromkeys(HEAD, "–") | {
        "model": name,
        "published": published(name, document),
        "source": source[0] if source else "house design",
    }
    if measured is None:
        return cells
    setting = ", ".join(f"{key} = {value}" for key, value in measured["settings"].items())
    return cells | {
        "model": f"{name} ({setting})" if setting else name,
        "parameters": f"{measured['parameters']:,}",
        "MAC/10 s": _large(measured["macs"]),
        "hears": {-1.0: "whole clip", 0.0: "all before"}.get(measured["hears_s"], f"{measured['hears_s']:.2f} s"),
        "streams": "yes" if measured["streamable"] else f"no, {_why(measured)}",
    }


def published(name: str, document: str) -> str:
    """The figure that the authors report, with its condition; of the weights that the model is measured with, else of its docstring."""
    for each in pretrained.names():
        about = pretrained.about(each)
        if dict(about.recipe).get("model", {}).get("name") == name:
            figure, value = next(iter(about.published.items()))
            return f"{figure.replace('_', ' ')} {value} on {about.condition}"
    found = _PUBLISHED.search(document)
    return found[0] if found else "–"


@cache
def measures() -> dict[str, dict[str, Any]]:
    """What was measured of each model."""
    path = catalog.source("models", "cnn").with_name("_networks.json")
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _why(measured: dict[str, Any]) -> str:
    """What keeps it from streaming."""
    ahead = measured["lookahead_frames"]
    if ahead < 0:
        return "needs the whole clip"
    return f"looks {ahead} frames ahead" if ahead else "see its description"


def _large(number: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
