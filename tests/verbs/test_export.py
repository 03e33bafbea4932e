"""`export` writes a run's one file and says how well it agrees."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from auricle.errors import BundleError, RequestError
from auricle.verbs.export import export
from auricle.verbs.verify import verify


def test_exports_a_run_with_a_window_of_its_own(exported: Any, tmp_path: Path) -> None:
    import auricle

    shutil.copytree(exported.run / "bundle", tmp_path / "bundle")
    done = export(tmp_path, window=0.5)
    assert done.path == tmp_path / "model.onnx"
    assert done.difference <= 1e-4
    assert "agrees with the trained model" in done.text()
    facts = auricle.load(tmp_path).facts
    assert facts.window == round(0.5 * 8000 / facts.hop)
    verify(str(tmp_path))


def test_refuses_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        export(tmp_path)
    with pytest.raises(RequestError, match="--window"):
        export(tmp_path, window=-1)
