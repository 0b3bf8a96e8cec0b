"""Lists the indexes kept on disk with size, last use and state, and deletes those that are not needed."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.retrieval.indexes.shelf import MANIFEST, checksum, read_manifest, same_file

State = Literal["whole", "damaged", "old format", "left over"]
KINDS = ("chunks", "sparse", "dense")


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the index folder. `used` is when it was last opened, in seconds since 1970. `state` is `whole`,
    `old format` (of another version of the workbench, which this one cannot open), `damaged` (its files are not what
    was written), or `left over` (of a build that is running or was killed)."""

    path: Path
    kind: str
    state: State
    bytes: int
    used: float
    facts: dict[str, Any]


def inventory(directory: Path, version: str, *, verify: bool = False) -> list[Kept]:
    """All entries of a folder of indexes, the most recently used first. `version` is the current format. Files are
    compared with their checksums only with `verify`, which reads them all."""
    found = [_kept(path, version, verify) for path in directory.iterdir() if path.name.partition("-")[0] in KINDS]
    found += [_left_over(path) for path in directory.glob(".building-*")]
    found += [_left_over(path) for path in directory.glob(".*.lock")]
    return sorted(found, key=lambda kept: (-kept.used, kept.path.name))


def prune(directory: Path, version: str, *, most: int | None = None) -> list[Kept]:
    """Remove unusable entries (damaged, of an old format, left over), then whole indexes, the least recently used
    first, until at most `most` bytes of them are kept. What is being built or rebuilt stays. Returns what was removed;
    a process that has a removed index open can go on reading it."""
    everything = inventory(directory, version, verify=True)
    dropped = [kept for kept in everything if kept.state != "whole"]
    whole = [kept for kept in everything if kept.state == "whole"]
    if most is not None:
        size = sum(kept.bytes for kept in whole)
        while whole and size > most:
            dropped.append(whole.pop())
            size -= dropped[-1].bytes
    return [kept for kept in dropped if _removed(directory, kept)]


def _kept(path: Path, version: str, verify: bool) -> Kept:
    kind = path.name.partition("-")[0]
    manifest = path / MANIFEST
    try:
        read = json.loads(manifest.read_text(encoding="utf-8"))
        used = manifest.stat().st_mtime
        facts = dict(read["facts"])
        state: State = "whole" if read["version"] == version else "old format"
        sizes = {path / name: (path / name).stat().st_size for name in read["files"]}
        if state == "whole":
            read_manifest(path)
        if verify and state == "whole" and any(checksum(path / n) != e for n, e in read["files"].items()):
            state = "damaged"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Kept(path, kind, "damaged", _size(path), path.stat().st_mtime, {})
    return Kept(path, kind, state, sum(sizes.values()), used, facts)


def _left_over(path: Path) -> Kept:
    return Kept(path, "lock" if path.suffix == ".lock" else "building", "left over", _size(path), _time(path), {})


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _removed(directory: Path, kept: Kept) -> bool:
    name = kept.path.name.removeprefix(".").removesuffix(".lock")
    if kept.kind == "building":  # .building-KIND-KEY-RANDOM
        name = name.removeprefix("building-").rpartition("-")[0]
    with _free(directory / f".{name}.lock") as free:
        if free and kept.path.is_dir():
            shutil.rmtree(kept.path, ignore_errors=True)
        return free


@contextlib.contextmanager
def _free(path: Path) -> Iterator[bool]:
    """Try to hold a lock file and yield whether it is held; False while a builder has it."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield True
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        if not same_file(file.fileno(), path):  # a builder has just removed the file: this lock excludes nobody
            yield False
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def total(kept: Sequence[Kept]) -> int:
    """Bytes of all entries together."""
    return sum(one.bytes for one in kept)
