"""Measures every model and writes it down beside the models, where `auricle show models` and the reference find it.

Takes minutes, so `make docs` doesn't run it; a house test fails when a model is missing, or one that is quick to measure differs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from auricle import catalog
from auricle.reports import network

FILE = Path(catalog.source("models", "cnn")).with_name("_networks.json")


def main() -> None:
    """Measures those that are named, or all, and writes the file; what it holds of models that are gone is left out."""
    words = argparse.ArgumentParser()
    words.add_argument("names", nargs="*")
    asked = words.parse_args().names or catalog.names("models")
    found = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    for name in asked:
        found[name] = asdict(network.measure(name))
    found = {name: found[name] for name in catalog.names("models") if name in found}
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(values)}" for name, values in found.items())
    FILE.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
