"""A corpus brought from its published address: resumed where it stopped, checked, unpacked safely, and put in place all at once.

While it is under way everything lies in `<root>.part/` beside the place where the corpus will be; the corpus's own folder appears only
when it is whole. Interrupting, a full disk or a cut connection leave what has arrived, and the next call goes on from there.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import stat
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from auricle import __version__
from auricle.errors import DataError
from auricle.processes import launched
from auricle.types import Seconds

Progress = Callable[[int, int], None]
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Archive:
    """A published archive and how to know that it is the right one.

    Args:
        address: http or https.
        file: its name while it is kept; `.zip`, `.tar.gz`, `.tgz` or `.tar`.
        checksums: "sha256:…" or "md5:…", any one of which is right; empty where the publisher makes the archive anew for each request.
        size: bytes, or 0 where unknown.
        pattern: glob for the files whose contents are checked after unpacking, where there is no checksum.
        contents: digest over those files, as `contents` gives it.
    """

    address: str
    file: str
    checksums: tuple[str, ...] = ()
    size: int = 0
    pattern: str = ""
    contents: str = ""


def download(archive: Archive, root: Path, *, progress: Progress | None = None, attempts: int = 5) -> Path:
    """The corpus at `root`, downloaded unless it is there.

    Args:
        archive: what to bring.
        root: folder that will hold the corpus; its parents are made.
        progress: called with bytes so far and bytes in all (0 where unknown).
        attempts: how often a cut connection is taken up again before giving up.

    Returns:
        `root`.

    Raises:
        DataError: no connection, a full disk, a wrong checksum, an archive that reaches outside its folder or is damaged.
    """
    if root.is_dir() and any(root.iterdir()):
        return root
    part = root.with_name(root.name + ".part")
    with _disk(part):
        part.mkdir(parents=True, exist_ok=True)
        file = part / archive.file
        if not file.is_file():
            fetch(archive, file, progress=progress, attempts=attempts)
        unpacked = part / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        try:
            unpack(file, unpacked)
            top = _top(archive, unpacked)
            _check_contents(archive, top)
        except DataError:
            shutil.rmtree(unpacked, ignore_errors=True)
            file.unlink()
            raise
        if root.is_dir():
            root.rmdir()
        top.replace(root)
    shutil.rmtree(part)
    return root


def unpack(archive: Path, folder: Path) -> None:
    """The files of a zip or tar archive, written below `folder`; nothing is ever written elsewhere, and links are refused.

    Args:
        archive: .zip, .tar, .tar.gz …; told by its content.
        folder: made if it is not there.

    Raises:
        DataError: a member would land outside the folder, is a link or a device, or the archive is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                members = [(_target(archive, folder, i.filename), i) for i in zipped.infolist() if not _link(archive, i)]
                for target, info in members:
                    _write(target, None if info.is_dir() else zipped.open(info))
        else:
            with tarfile.open(archive) as tarred:
                for member in tarred:
                    target = _target(archive, folder, member.name)
                    if not (member.isfile() or member.isdir()):
                        raise DataError(f"{archive.name} holds {member.name!r}, which is a link or a device; wanted plain files")
                    _write(target, tarred.extractfile(member))
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError, zlib.error) as wrong:
        raise DataError(f"{archive.name} is not an archive that can be unpacked: {wrong}") from wrong


def contents(folder: Path, pattern: str) -> str:
    """A digest over names and bytes: sha256 of one line a file, "path TAB sha256", in the order of the paths.

    Args:
        folder: where the files lie.
        pattern: glob below it.

    Returns:
        64 hex digits.
    """
    total = hashlib.sha256()
    for name in sorted(p.relative_to(folder).as_posix() for p in folder.glob(pattern)):
        total.update(f"{name}\t{_sum(folder / name, 'sha256')}\n".encode())
    return total.hexdigest()


def fetch(archive: Archive, file: Path, *, progress: Progress | None = None, attempts: int = 5, patience: Seconds = 60.0) -> None:
    """A published file brought whole and checked, gone on with where an earlier attempt stopped.

    Args:
        archive: what to bring.
        file: where to; it appears only when it is whole and right.
        progress: called with bytes so far and bytes in all (0 where unknown).
        attempts: how often a cut connection is taken up again before giving up.
        patience: how long the other side may be silent.

    Raises:
        DataError: no connection, a wrong checksum, or one of several processes asks.
    """
    if launched() > 1:
        raise DataError(
            f"{file.name} is not on this machine, and {launched()} processes would fetch it at once", hint="auricle download brings it"
        )
    part = file.with_name(file.name + ".part")
    failure = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(min(0.1 * 2**attempt, 5.0))
        try:
            if _stream(archive, part, progress or _silent, patience):
                break
            failure = "the connection was cut"
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as wrong:
            failure = str(getattr(wrong, "reason", "") or wrong)
            if isinstance(wrong, urllib.error.HTTPError) and wrong.code in {401, 403, 404, 410}:
                raise DataError(f"{archive.address} answers {wrong.code} {wrong.reason}; wanted the archive") from wrong
    else:
        got = part.stat().st_size if part.is_file() else 0
        raise DataError(f"{archive.address} could not be brought whole: {failure}, after {got} bytes", hint="run it again to go on")
    if odd := unlike(part, archive.checksums):
        part.unlink()
        raise DataError(f"{archive.address} arrived with the checksum {odd}; wanted {archive.checksums[0]}; it was thrown away")
    part.replace(file)


def unlike(file: Path, checksums: tuple[str, ...]) -> str:
    """The file's checksum where it is none of the wanted ones.

    Args:
        file: to be checked.
        checksums: "sha256:…" or "md5:…", any one of which is right; none lets every file pass.

    Returns:
        Its own, of the first wanted kind, or "" where it is right.
    """
    sums = [f"{kind}:{_sum(file, kind)}" for kind in dict.fromkeys(c.partition(":")[0] for c in checksums)]
    return "" if not checksums or set(sums) & set(checksums) else sums[0]


def _stream(archive: Archive, part: Path, progress: Progress, patience: Seconds) -> bool:
    """One connection's worth; True when the file is whole."""
    tag = part.with_name(part.name + ".tag")
    had = part.stat().st_size if part.is_file() else 0
    if not archive.address.startswith(("http://", "https://")):
        raise DataError(f"{archive.address} is not an http address")
    request = urllib.request.Request(archive.address, headers={"User-Agent": f"auricle/{__version__}"})  # noqa: S310 - checked above
    if had:
        request.add_header("Range", f"bytes={had}-")
        if tag.is_file():
            request.add_header("If-Range", tag.read_text(encoding="ascii"))
    try:
        answer = cast(http.client.HTTPResponse, urllib.request.urlopen(request, timeout=patience))  # noqa: S310 - checked above
    except urllib.error.HTTPError as wrong:
        if wrong.code != 416:
            raise
        # Nothing lies behind what is here: it is whole, or it is not of this file. The size tells.
        whole = wrong.headers.get("Content-Range", "").endswith(f"/{had}")
        wrong.close()
        if not whole:
            part.unlink()
        return whole
    with answer:
        going_on = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {had}-")
        had = had if going_on else 0
        length = answer.headers.get("Content-Length")
        total = had + int(length) if length else 0
        if (etag := answer.headers.get("ETag", "")).startswith('"'):
            tag.write_text(etag, encoding="ascii")
        elif tag.is_file():
            tag.unlink()
        with part.open("ab" if going_on else "wb") as out:
            while block := answer.read1(_BLOCK):
                out.write(block)
                had += len(block)
                progress(had, total or archive.size)
    return not total or had >= total


def _top(archive: Archive, unpacked: Path) -> Path:
    """Where the corpus begins: the only folder of an archive that has one, unless the files asked for lie outside it."""
    inner = list(unpacked.iterdir())
    outside = archive.pattern and next(unpacked.glob(archive.pattern), None) is not None
    return inner[0] if len(inner) == 1 and inner[0].is_dir() and not outside else unpacked


def _check_contents(archive: Archive, top: Path) -> None:
    if archive.contents and (found := contents(top, archive.pattern)) != archive.contents:
        count = sum(1 for _ in top.glob(archive.pattern))
        raise DataError(f"{archive.address} holds {count} files {archive.pattern} with the digest {found}; wanted {archive.contents}")


def _target(archive: Path, folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if "\\" in name or "\0" in name or path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise DataError(f"{archive.name} holds {name!r}, which would land outside its folder; nothing of it is used")
    return folder / path


def _link(archive: Path, info: zipfile.ZipInfo) -> bool:
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"{archive.name} holds {info.filename!r}, which is a link; wanted plain files")
    return False


def _write(target: Path, source: IO[bytes] | None) -> None:
    if source is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("wb") as out:
        shutil.copyfileobj(source, out, _BLOCK)


def _sum(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


@contextmanager
def _disk(part: Path) -> Iterator[None]:
    """Turns a full disk into a sentence; what has arrived stays."""
    try:
        yield
    except OSError as wrong:
        if wrong.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise DataError(f"the disk is full; what has arrived stays in {part}", hint="free some space and run it again") from wrong


def _silent(_done: int, _total: int) -> None:
    return None
