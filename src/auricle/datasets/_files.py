"""Which files of a folder are sound, in a stable order, and where in a folder a corpus begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from auricle.audio._sniff import sniff

_SOUND = ".wav .wave .bwf .rf64 .w64 .flac .ogg .oga .opus .mp3 .mp2 .m4a .m4b .aac .mp4 .mov .mka .mkv .webm .aif .aiff .aifc .au .snd"
_SOUND += " .caf .wma .amr .3gp .voc .sph .nist .ape .wv .tta .ac3 .eac3 .raw .pcm"
# What is expected to lie beside sound and needs no word when it is passed over.
_BESIDE = ".txt .md .rst .csv .tsv .json .jsonl .ndjson .xml .yaml .yml .toml .ini .pdf .html .htm .png .jpg .jpeg .gif .svg .npy .npz .zip"
_BESIDE += " .gz .tar .lab .textgrid .eaf .cha .doc .docx .xls .xlsx .db .py .m .mat .sh .log .bib .sha256 .md5 .part"
_PAPERS = frozenset({"license", "licence", "copying", "copyright", "notice", "readme", "changelog", "authors", "makefile"})
SUFFIXES = frozenset(_SOUND.split())
COMPANIONS = frozenset(_BESIDE.split())


def sound_files(root: Path) -> Iterator[Path]:
    """Paths below `root`, relative to it and in the order of their names, of the files that are sound by suffix or by first bytes.

    Hidden files and folders (a leading `.`, `__MACOSX`) are passed over; linked folders are followed once.

    Args:
        root: the folder.

    Returns:
        relative paths, found as they are asked for.
    """
    return (path for path in all_files(root) if is_sound(root / path))


def all_files(root: Path) -> list[Path]:
    """Paths below `root`, relative to it and in the order of their names, of every file that is not hidden.

    Args:
        root: the folder.

    Returns:
        relative paths.
    """
    found: list[str] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [f for f in folders if not _hidden(f)]
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        found += [n if inner == "." else f"{inner}/{n}" for n in names if not _hidden(n)]
    return [Path(name) for name in sorted(found)]


def is_sound(path: Path) -> bool:
    """Whether a file's suffix is one of sound, or its first bytes are those of a sound format.

    Args:
        path: the file.

    Returns:
        True where it is.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix in COMPANIONS:
        return False
    try:
        with path.open("rb") as file:
            return bool(sniff(file.read(4096)))
    except OSError:
        return False


def is_companion(path: Path) -> bool:
    """Whether a file is of a kind that usually lies beside sound: a text, table, picture or licence.

    Args:
        path: the file.

    Returns:
        True where it is.
    """
    return path.suffix.lower() in COMPANIONS or path.stem.lower() in _PAPERS


def home(root: Path, *marks: str) -> Path | None:
    """The folder where one of the marks lies: `root` or, as archives unpack, its only folder; None where there is none.

    Args:
        root: where to look.
        *marks: relative glob patterns, any of which tells.

    Returns:
        the folder, or None.
    """
    if not root.is_dir():
        return None
    inner = sorted(p for p in root.iterdir() if p.is_dir() and not _hidden(p.name))
    for folder in (root, *inner) if len(inner) == 1 else (root,):
        if any(next(folder.glob(mark), None) is not None for mark in marks):
            return folder
    return None


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts "fold10" after "fold9".

    Args:
        name: any text.

    Returns:
        a key for `sorted`.

    >>> sorted(["10", "9", "a2", "a10"], key=natural)
    ['9', '10', 'a2', 'a10']
    """
    key: list[tuple[int, int, str]] = []
    digits = ""
    for letter in [*name, ""]:
        if letter.isascii() and letter.isdigit():
            digits += letter
            continue
        if digits:
            key.append((0, int(digits), digits))
            digits = ""
        if letter:
            key.append((1, 0, letter))
    return tuple(key)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in {"__MACOSX", "Thumbs.db", "desktop.ini"}
