"""The docs say what the code says: generated pages are current, links lead somewhere, the ten-line model works."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from auricle import catalog

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(p for p in ROOT.glob("docs/**/*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def generator(name="generate"):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_current():
    made = generator().pages()
    folder = ROOT / "docs" / "reference"
    written = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.md")}
    stale = sorted(name for name in made.keys() | written.keys() if made.get(name) != written.get(name))
    assert not stale, f"docs/reference/{', '.join(stale)} differ from the code; run make docs"


def test_the_readmes_show_the_benchmarks_figures():
    results = generator("results")
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in results.PAGES}
    stale = [name for name, language in results.PAGES.items() if results.filled(texts[name], language) != texts[name]]
    assert not stale, f"{', '.join(stale)} differ from benchmarks/results; run make docs"


def test_the_page_of_augmentations_shows_each_of_them():
    augments = generator("augments")
    text = augments.PAGE.read_text(encoding="utf-8")
    assert augments.filled(text) == text, "docs/concepts/augments.md differs from the code or benchmarks; run make docs"
    drawn = {path.stem.removeprefix("augment_") for path in augments.PICTURES.glob("augment_*.png")}
    assert drawn == set(catalog.names("augments")), "run python docs/augments.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not broken


def test_the_model_in_contributing_passes_its_battery(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / code[0]
    path.write_text(code[1], encoding="utf-8")
    verdicts = list(catalog.load("contracts", "models")(catalog.load("models", str(path))))
    assert len(verdicts) > 10
    assert not [v for v in verdicts if not v.passed]
