"""The files of a published benchmark: from a folder, or from the Hugging Face hub at a pinned revision.

The first download of a benchmark pins the commit that its branch points to; later loads read that commit, even if the
branch has moved, unless `revision:` names another. The files' checksums are stored: if the hub ever delivers other
bytes for the same commit, that is an error and not a new corpus. Only data files are fetched, never a data set's
loading script, so nothing is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError

_EXTRA = "pip install 'rag-vs-long-context-workbench[hub]'"
_LARGEST_UNPACKED = 8_000_000_000  # bytes; guards against zip bombs


@dataclass(frozen=True)
class Source:
    """Where a benchmark is on the hub. `files` are patterns of the files to fetch; `revision` is a commit, or a branch
    whose commit the first download pins."""

    benchmark: str
    repository: str
    files: tuple[str, ...]
    revision: str = "main"

    @property
    def page(self) -> str:
        """The address of its page, of the exact commit if it was fetched in this process."""
        commit = _FETCHED.get(self.repository)
        return f"https://huggingface.co/datasets/{self.repository}" + (f"/tree/{commit}" if commit else "")


def files_of(source: Source, path: str | None, revision: str | None = None) -> Path:
    """The folder of the benchmark's files: `path` if given, else fetched from the hub. Zip files are unpacked in it.

    Raises InputError when the folder does not exist, the hub cannot be reached, or a file has changed.
    """
    _FETCHED.pop(source.repository, None)
    if path is not None:
        folder = Path(path).expanduser()
        if not folder.exists():
            raise InputError("no such folder", file=folder, fix=f"get the files from {source.page}")
        if folder.is_dir():
            _unpack(folder)
        return folder
    folder = _fetched(source, revision or _pinned(source) or source.revision)
    _verify(source, folder)
    if revision is None:
        _pin(source, folder)
    _FETCHED[source.repository] = folder.name  # the hub's cache names a snapshot by its commit
    _unpack(folder)
    return folder


_FETCHED: dict[str, str] = {}  # repository → last fetched commit
_PINS = "workbench-pins.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def _pinned(source: Source) -> str | None:
    """The commit that an earlier download of this branch pinned."""
    if _COMMIT.fullmatch(source.revision):
        return None
    from importlib.util import find_spec

    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    cache = Path(os.environ.get("WORKBENCH_HUB_CACHE") or HF_HUB_CACHE)
    file = cache / repo_folder_name(repo_id=source.repository, repo_type="dataset") / _PINS
    if not file.exists():
        return None
    pins: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return pins.get(source.revision)


def _pin(source: Source, folder: Path) -> None:
    file = folder.parent.parent / _PINS
    pins = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if not _COMMIT.fullmatch(source.revision) and source.revision not in pins:
        _write(file, {**pins, source.revision: folder.name})


def _write(file: Path, content: dict[str, str]) -> None:
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(file)


def _fetched(source: Source, revision: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise InputError(
            f"corpus {source.benchmark} needs its files", field="path",
            fix=f"write {source.benchmark}@FOLDER with the files of {source.page}, or {_EXTRA}",
        ) from error  # fmt: skip
    try:
        return Path(
            snapshot_download(
                source.repository,
                repo_type="dataset",
                revision=revision,
                allow_patterns=list(source.files),
                cache_dir=os.environ.get("WORKBENCH_HUB_CACHE"),
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"cannot be fetched from the hub: {reason}", file=source.page, field=f"revision {revision}",
            fix=f"go online, or write {source.benchmark}@FOLDER with the same files",
        ) from error  # fmt: skip


def _verify(source: Source, folder: Path) -> None:
    """Compare the files with the checksums of their first download, which are stored beside the cache's snapshots."""
    sums = {str(file.relative_to(folder)): _sha256(file) for file in _data_files(folder, source.files)}
    if not sums:
        raise InputError("holds none of the benchmark's files", file=source.page, fix=f"expected: {source.files}")
    lock = folder.parent.parent / f"workbench-{folder.name}.json"
    known = json.loads(lock.read_text(encoding="utf-8")) if lock.exists() else {}
    changed = [name for name, digest in sums.items() if known.get(name, digest) != digest]
    if changed:
        raise InputError(
            f"{', '.join(changed)} is not what was first fetched", file=folder,
            fix=f"delete this folder and {lock.name} to fetch it anew",
        )  # fmt: skip
    if sums.keys() - known.keys():
        _write(lock, {**known, **sums})


def _data_files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _unpack(folder: Path) -> None:
    """Unpack the data files in zips beside them, once. A member that would be written outside is an error."""
    for archive in sorted(folder.glob("*.zip")):
        target = folder / archive.stem
        if target.exists():
            continue
        try:
            with zipfile.ZipFile(archive) as packed:
                members = [m for m in packed.infolist() if m.filename.endswith((".jsonl", ".json", ".csv", ".txt"))]
                if sum(member.file_size for member in members) > _LARGEST_UNPACKED:
                    raise InputError("is too large unpacked", file=archive, fix="unpack it by hand")
                for member in members:
                    if not (target / member.filename).resolve().is_relative_to(target.resolve()):
                        raise InputError(f"holds {member.filename!r}, outside of itself", file=archive)
                draft = folder / f".{archive.stem}.{os.getpid()}"
                packed.extractall(draft, members)
        except zipfile.BadZipFile as error:
            raise InputError("is no zip file", file=archive, fix="the file is cut; get it again") from error
        if target.exists():  # another process was first
            continue
        draft.replace(target)
