from __future__ import annotations

import subprocess
from pathlib import Path

from auricle.audits._finding import set_aside


def test_the_command_moves_any_name_and_deletes_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a b.wav", "it's.wav", "$(x).wav", "-rf")]
    for path in paths:
        path.write_text(path.name)
    subprocess.run(set_aside(paths), shell=True, check=True, cwd=tmp_path)
    assert sorted(p.read_text() for p in (tmp_path / "set_aside").iterdir()) == sorted(p.name for p in paths)


def test_many_files_have_no_command() -> None:
    assert set_aside([Path(str(n)) for n in range(9)]) == set_aside([]) == ""
