"""Benchmarks from the hub: a local server speaks its addresses; files are pinned, checked and unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpora.benchmarks.hub import Source, files_of
from workbench.errors import InputError

pytest.importorskip("huggingface_hub", reason="the extra [hub] is not installed")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Source("tiny", "someone/tiny", ("*.jsonl", "*.zip"), revision=COMMIT)


def zipped(name: str, body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, body)
    return packed.getvalue()


class Hub(ThreadingHTTPServer):
    files: dict[str, bytes]
    asked: list[str]
    head: str  # the commit that `main` stands for


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/someone/tiny/revision/"):
            names = [{"rfilename": name} for name in self.server.files]
            told = {
                "id": "someone/tiny",
                "sha": COMMIT if COMMIT in path else self.server.head,
                "siblings": names,
                "private": False,
                "tags": [],
                "downloads": 0,
            }
            self._send(200, json.dumps(told).encode(), Content_Type="application/json")
        elif path.startswith("/api/datasets/someone/tiny/tree/"):
            rows = [
                {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
                for name, body in self.server.files.items()
            ]
            self._send(200, json.dumps(rows).encode(), Content_Type="application/json")
        else:
            commit = COMMIT if COMMIT in path else self.server.head
            name = path.rpartition(f"/resolve/{commit}/")[2]
            body = self.server.files.get(name)
            if body is None:
                return self._send(404, b"")
            etag = f'"{hashlib.sha1(body).hexdigest()}"'
            self._send(200, body, ETag=etag, X_Repo_Commit=commit, Content_Type="application/octet-stream")
        return None

    do_HEAD = do_GET


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(("127.0.0.1", 0), Handler)
    server.files = {"rows.jsonl": b'{"a": 1}\n', "more.zip": zipped("deep/other.jsonl", b'{"b": 2}\n'), "run.py": b"!"}
    server.asked, server.head = [], COMMIT
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("WORKBENCH_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield server
    server.shutdown()
    server.server_close()


def test_files_are_fetched_once_at_the_pinned_revision_and_unpacked(hub: Hub) -> None:
    folder = files_of(SOURCE, None)
    assert (folder / "rows.jsonl").read_text() == '{"a": 1}\n'
    assert (folder / "more" / "deep" / "other.jsonl").read_text() == '{"b": 2}\n'
    assert not (folder / "run.py").exists()  # no script is fetched
    assert all(COMMIT in path for path in hub.asked if "/resolve/" in path or "/revision/" in path)
    bodies = len([path for path in hub.asked if "/resolve/" in path])
    assert files_of(SOURCE, None) == folder
    assert len([path for path in hub.asked if "/resolve/" in path]) == bodies


def test_a_branch_is_pinned_by_its_first_download(hub: Hub) -> None:
    branch = Source("tiny", "someone/tiny", ("*.jsonl",))
    assert files_of(branch, None).name == COMMIT
    assert branch.page == f"https://huggingface.co/datasets/someone/tiny/tree/{COMMIT}"
    hub.head, hub.files["rows.jsonl"] = "f" * 40, b'{"a": 2}\n'  # the branch moves on
    assert (files_of(branch, None) / "rows.jsonl").read_text() == '{"a": 1}\n'
    newest = files_of(branch, None, "main")
    assert newest.name == "f" * 40 and (newest / "rows.jsonl").read_text() == '{"a": 2}\n'
    assert files_of(branch, None).name == COMMIT
    files_of(branch, str(newest))
    assert branch.page == "https://huggingface.co/datasets/someone/tiny"  # a folder's commit is not known


def test_files_that_a_later_load_fetches_are_remembered_too(hub: Hub) -> None:
    files_of(SOURCE, None)
    hub.files["extra.csv"] = b"a,b\n"
    wider = Source("tiny", "someone/tiny", ("*.jsonl", "*.csv"), revision=COMMIT)
    folder = files_of(wider, None)
    if not (folder / "extra.csv").exists():  # the hub's client may keep its listing of the commit
        (folder / "extra.csv").write_bytes(b"a,b\n")
        files_of(wider, None)
    (folder / "extra.csv").unlink()
    (folder / "extra.csv").write_bytes(b"a,c\n")
    with pytest.raises(InputError, match=r"extra.csv is not what was first fetched"):
        files_of(wider, None)


def test_a_file_that_changed_is_an_error(hub: Hub) -> None:
    folder = files_of(SOURCE, None)
    file = folder / "rows.jsonl"
    file.resolve().write_bytes(b'{"a": 99}\n')
    with pytest.raises(InputError, match=r"rows.jsonl is not what was first fetched"):
        files_of(SOURCE, None)


def test_no_hub_is_one_clear_error(hub: Hub) -> None:
    with pytest.raises(InputError, match="cannot be fetched from the hub") as caught:
        files_of(Source("none", "someone/none", ("*.jsonl",), revision=COMMIT), None)
    assert "none@FOLDER" in str(caught.value)


def test_a_folder_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(zipped("x.jsonl", b"{}"))
    assert files_of(SOURCE, str(tmp_path)) == tmp_path
    assert (tmp_path / "data" / "x.jsonl").exists()
    with pytest.raises(InputError, match="no such folder"):
        files_of(SOURCE, str(tmp_path / "nowhere"))


def test_a_zip_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(zipped("../../evil.jsonl", b"{}"))
    with pytest.raises(InputError, match="outside of itself"):
        files_of(SOURCE, str(tmp_path))
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="is no zip file"):
        files_of(SOURCE, str(tmp_path))
