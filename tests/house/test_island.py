"""The torch-free island: what runs on a target without torch, scipy, scikit-learn or pandas, and what starts quickly."""

from __future__ import annotations

import os
import subprocess
import sys

BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in "torch scipy sklearn pandas matplotlib lightning_fabric onnx onnxscript safetensors".split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter without torch and its like."""
    surroundings = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True, env=surroundings, check=False)


def test_the_block_works():
    done = run("import torch")
    assert "No module named 'torch'" in done.stderr


def test_the_island_imports_without_torch():
    code = """
import importlib, pkgutil
import auricle
from auricle import catalog
names = ["types", "errors", "catalog", "recipe", "cli", "audio", "deciders", "datasets", "runtime"]
names = [n for n in names if importlib.util.find_spec(f"auricle.{n}")]
for name in names:
    module = importlib.import_module(f"auricle.{name}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"auricle.{name}."):
        importlib.import_module(found.name)
for kind in ("verbs", "exporters"):
    for name in catalog.names(kind):
        importlib.import_module(f"auricle.{kind}.{name}")
print("imported")
"""
    done = run(code)
    assert done.stdout == "imported\n", done.stderr


def test_help_of_every_command_and_the_catalogues_work_without_torch():
    code = """
from auricle import catalog, cli
words = [["--help"], ["--version"], ["show"], ["show", "models"], ["show", "models", "cnn"], ["show", "recipes"]]
for each in words + [[name, "--help"] for name in catalog.names("verbs")]:
    code = cli.main(each)
    assert code == 0, (each, code)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "cnn" in done.stdout


def test_a_missing_extra_is_told_in_one_sentence():
    done = run("from auricle import cli; sys.exit(cli.main(['check', 'models', 'cnn']))")
    assert done.returncode == 1
    assert "torch" in done.stderr
    assert 'hint: pip install "auricle[train]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_that_takes_time():
    code = """
from auricle import cli
assert cli.main(["--help"]) == 0
slow = {"numpy", "msgspec", "rich", "soundfile", "soxr", "onnxruntime", "asyncio"} & set(sys.modules)
slow |= {m for m in sys.modules if m.startswith("auricle.verbs.")}
sys.exit(f"imported {sorted(slow)}" if slow else 0)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_importing_auricle_imports_nothing():
    new = "{m.partition('.')[0] for m in set(sys.modules) - before}"
    done = run(f"before = set(sys.modules); import auricle; print(sorted({new} - sys.stdlib_module_names))")
    assert done.stdout.strip() == "['auricle']", done.stdout
