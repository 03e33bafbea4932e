from __future__ import annotations

from pathlib import Path

import numpy as np

from auricle.audio.write import write
from auricle.audits._heard import hear
from auricle.audits.broken import broken
from auricle.types import Clip, Item

TONE = (0.3 * np.sin(np.arange(8000) / 5)).astype(np.float32)


def test_each_fault_is_found_on_its_own_file(tmp_path: Path) -> None:
    nan = TONE.copy()
    nan[5] = np.nan
    waves = {"fine": TONE, "silent": TONE * 0, "clipped": np.clip(TONE * 9, -1, 1), "beside": TONE + 0.1, "quiet": TONE * 1e-4}
    waves |= {"beyond": TONE * 30, "nan": nan}
    paths = [write(tmp_path / f"{name}.wav", Clip(wave[None], 8000), subtype="FLOAT") for name, wave in waves.items()]
    (tmp_path / "page.wav").write_text("<html>")
    cut = tmp_path / "cut.wav"
    cut.write_bytes((tmp_path / "fine.wav").read_bytes()[:9000])
    paths += [tmp_path / "page.wav", cut]
    found = broken([Item(path, ("x",)) for path in paths], {path: hear(path) for path in paths})
    about = {finding.sentence.partition(";")[0]: [path.stem for path in finding.paths] for finding in found}
    assert about == {
        "1 file cannot be used": ["page"],
        "1 file is silent: every sample is 0": ["silent"],
        "1 file holds NaN or infinity": ["nan"],
        "1 file is damaged or cut": ["cut"],
        "2 files are clipped": ["clipped", "beyond"],
        "1 file is beyond full scale": ["beyond"],
        "1 file is not centred on zero": ["beside"],
        "1 file is very quiet": ["quiet"],
    }
    assert [finding.severity for finding in found] == ["error"] * 3 + ["warning"] * 3 + ["note"] * 2
    assert found[0].fix == f"mkdir -p set_aside && mv -- {tmp_path}/page.wav set_aside/"


def test_nothing_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "fine.wav", Clip(TONE[None], 8000))
    assert broken([Item(path, ("x",))], {path: hear(path)}) == []
