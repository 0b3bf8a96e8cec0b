"""What lies on the shelf: kept indexes with their sizes and last use, whole or not, and making it smaller."""

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
    """A thing on the shelf. `used` is when it was last opened, in seconds since 1970; `state` is `whole`, `old format`
    (of another version of the workbench: nothing opens it any more), `damaged` (its files are not what was written),
    or `left over` by a builder that was killed."""

    path: Path
    kind: str
    state: State
    bytes: int
    used: float
    facts: dict[str, Any]


def inventory(directory: Path, version: str, *, verify: bool = False) -> list[Kept]:
    """All that lies in a folder of indexes, the last used first. `version` is the format that is current. Files are
    compared with their checksums only when told to `verify`: that reads them all."""
    found = [_kept(path, version, verify) for path in directory.iterdir() if path.name.partition("-")[0] in KINDS]
    found += [_left_over(path) for path in directory.glob(".building-*")]
    found += [_left_over(path) for path in directory.glob(".*.lock")]
    return sorted(found, key=lambda kept: (-kept.used, kept.path.name))


def prune(directory: Path, version: str, *, most: int | None = None) -> list[Kept]:
    """Remove what nothing can use (damaged, of an old format, left over), and then whole indexes, those unused for
    longest first, until at most `most` bytes of them are kept. What is being built or made anew stays. Returns what
    was removed; an index that is removed while it is read stays readable to who has it open."""
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
    """Hold a lock while it is looked into; False when a builder has it."""
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
        if not same_file(file.fileno(), path):  # a builder was done meanwhile: what is locked here locks nothing
            yield False
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def total(kept: Sequence[Kept]) -> int:
    """Bytes of things."""
    return sum(one.bytes for one in kept)
