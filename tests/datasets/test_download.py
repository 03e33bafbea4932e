from __future__ import annotations

import errno
import functools
import hashlib
import io
import os
import shutil
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from auricle.datasets import _download
from auricle.datasets._download import Archive, contents, download, unpack
from auricle.errors import DataError


@dataclass
class Server:
    """One file over HTTP, with the faults that real servers have."""

    body: bytes = b""
    address: str = ""
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    etag: str = '"one"'
    asked: list[str] = field(default_factory=list)
    told_length: bool = True


class Handler(BaseHTTPRequestHandler):
    def __init__(self, server: Server, *args: object) -> None:
        self.told = server
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        told, wanted = self.told, self.headers.get("Range", "")
        told.asked.append(wanted)
        if self.path != "/a.zip":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and told.ranges else 0
        if self.headers.get("If-Range", told.etag) != told.etag:
            start = 0
        if start >= len(told.body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(told.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = told.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(told.body) - 1}/{len(told.body)}")
        if told.told_length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", told.etag)
        self.end_headers()
        self.wfile.write(body[: told.cut_after.pop(0)] if told.cut_after else body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server(body=zipped({"top/recordings/a.wav": os.urandom(300_000), "top/README": b"hello"}))
    serving = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, told))
    told.address = f"http://127.0.0.1:{serving.server_port}/a.zip"
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download.time, "sleep", lambda _: None)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def archive(server: Server, **known: object) -> Archive:
    sums = ("sha256:" + hashlib.sha256(server.body).hexdigest(),)
    return replace(Archive(server.address, "a.zip", sums), **known)


def test_it_arrives_whole_and_only_then(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    root = tmp_path / "cache" / "corpus"
    assert download(archive(server), root, progress=lambda done, total: seen.append((done, total))) == root
    assert sorted(p.relative_to(root).as_posix() for p in root.rglob("*")) == ["README", "recordings", "recordings/a.wav"]
    assert seen[-1] == (len(server.body), len(server.body))
    assert [p.name for p in root.parent.iterdir()] == ["corpus"]
    download(archive(server), root)
    assert server.asked == [""]


def test_a_cut_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cut_after = [100_000, 50_000]
    download(archive(server), tmp_path / "corpus")
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "corpus/README").read_bytes() == b"hello"


def test_giving_up_keeps_what_arrived_for_the_next_call(server: Server, tmp_path: Path) -> None:
    server.cut_after = [10_000, 10_000]
    with pytest.raises(DataError, match="the connection was cut, after 20000 bytes") as error:
        download(archive(server), tmp_path / "corpus", attempts=2)
    assert "run it again" in error.value.hint
    assert not (tmp_path / "corpus").exists()
    download(archive(server), tmp_path / "corpus")
    assert server.asked[-1] == "bytes=20000-"


def test_an_interruption_keeps_what_arrived(server: Server, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(archive(server), tmp_path / "corpus", progress=stop)
    kept = (tmp_path / "corpus.part/a.zip.part").stat().st_size
    assert kept > 0
    if kept < len(server.body):
        download(archive(server), tmp_path / "corpus")
        assert server.asked[-1] == f"bytes={kept}-"


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [100_000]
    download(archive(server), tmp_path / "corpus")
    assert (tmp_path / "corpus/README").read_bytes() == b"hello"


def test_a_file_that_changed_meanwhile_starts_anew(server: Server, tmp_path: Path) -> None:
    server.cut_after = [100_000]
    with pytest.raises(DataError):
        download(archive(server), tmp_path / "corpus", attempts=1)
    server.body, server.etag = zipped({"top/other": os.urandom(200_000)}), '"two"'
    download(archive(server), tmp_path / "corpus")
    assert [p.name for p in (tmp_path / "corpus").iterdir()] == ["other"]


def test_everything_was_there_already(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "corpus.part/a.zip.part"
    part.parent.mkdir()
    part.write_bytes(server.body)
    download(archive(server), tmp_path / "corpus")
    assert server.asked == [f"bytes={len(server.body)}-"]


def test_a_length_nobody_told(server: Server, tmp_path: Path) -> None:
    server.told_length = False
    download(archive(server), tmp_path / "corpus")
    assert (tmp_path / "corpus/README").exists()


def test_a_wrong_checksum_is_thrown_away(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"arrived with the checksum md5:\w+; wanted md5:00; it was thrown away"):
        download(archive(server, checksums=("md5:00",)), tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()
    assert not list((tmp_path / "corpus.part").glob("a.zip*part"))
    md5 = "md5:" + hashlib.md5(server.body).hexdigest()
    download(archive(server, checksums=("sha256:00", md5)), tmp_path / "corpus")


def test_contents_are_checked_where_there_is_no_checksum(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds 1 files recordings/\*.wav with the digest"):
        download(archive(server, checksums=(), pattern="recordings/*.wav", contents="00"), tmp_path / "corpus")
    body = zipfile.ZipFile(io.BytesIO(server.body)).read("top/recordings/a.wav")
    line = f"recordings/a.wav\t{hashlib.sha256(body).hexdigest()}\n"
    digest = hashlib.sha256(line.encode()).hexdigest()
    root = download(archive(server, checksums=(), pattern="recordings/*.wav", contents=digest), tmp_path / "corpus")
    assert contents(root, "recordings/*.wav") == digest


def test_what_is_not_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="answers 404"):
        download(archive(server, address=server.address + "x"), tmp_path / "corpus")
    assert len(server.asked) == 1
    with pytest.raises(DataError, match="is not an http address"):
        download(archive(server, address="file:///etc/passwd"), tmp_path / "corpus")


def test_a_full_disk_is_a_sentence(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DataError, match="the disk is full; what has arrived stays in"):
        download(archive(server), tmp_path / "corpus")
    monkeypatch.undo()
    download(archive(server), tmp_path / "corpus")
    assert server.asked == [""]


EVIL = ["../evil.wav", "/evil.wav", "a/../../evil.wav", "C:/evil.wav", "..\\evil.wav"]


@pytest.mark.parametrize("name", EVIL)
def test_a_zip_that_reaches_outside_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"good.wav": b"x", name: b"evil"}))
    with pytest.raises(DataError, match="which would land outside its folder") as error:
        unpack(tmp_path / "a.zip", tmp_path / "deep" / "out")
    assert name.replace("\\", "\\\\") in str(error.value)
    assert not list(tmp_path.rglob("evil*"))
    assert not list(tmp_path.rglob("good*"))


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="'link', which is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_tar_with_a_link_or_a_device_is_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as out:
        member = tarfile.TarInfo("odd")
        member.type, member.linkname = kind, "/etc/passwd"
        out.addfile(member)
    with pytest.raises(DataError, match="'odd', which is a link or a device"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


@pytest.mark.parametrize("name", EVIL)
def test_a_tar_that_reaches_outside_is_refused(name: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        member = tarfile.TarInfo(name)
        member.size = 4
        out.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(DataError, match="which would land outside its folder"):
        unpack(tmp_path / "a.tar", tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("evil*"))


def test_a_tar_as_speech_commands_has_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as out:
        for name in ("./yes/a_nohash_0.wav", "./testing_list.txt"):
            member = tarfile.TarInfo(name)
            member.size = 3
            out.addfile(member, io.BytesIO(b"abc"))
    unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert (tmp_path / "out/yes/a_nohash_0.wav").read_bytes() == b"abc"
    whole = (tmp_path / "a.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="is not an archive that can be unpacked"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "cut")
    (tmp_path / "page.zip").write_bytes(b"<html>Not found</html>")
    with pytest.raises(DataError, match="is not an archive that can be unpacked"):
        unpack(tmp_path / "page.zip", tmp_path / "page")


def test_the_only_folder_is_left_unless_it_is_part_of_what_was_asked_for(server: Server, tmp_path: Path) -> None:
    server.body = zipped({"wav/a.wav": b"x"})
    digest = hashlib.sha256(f"wav/a.wav\t{hashlib.sha256(b'x').hexdigest()}\n".encode()).hexdigest()
    root = download(archive(server, checksums=(), pattern="wav/*.wav", contents=digest), tmp_path / "corpus")
    assert (root / "wav/a.wav").is_file()
