"""Built things on disk: content-addressed, built once whoever asks, never trusted half-done or damaged.

A thing is a folder `KIND-KEY` of files with a manifest of their SHA-256 and its own. It is built in a folder beside it
and renamed when everything is on the disk, so that a name is either absent or whole. One builder at a time: others wait
at a file lock, which the kernel drops when its holder dies and which a holder takes away when it is done, and then read
what was built. What does not match its manifest is thrown away and built again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
MANIFEST = "manifest.json"


class Damaged(ValueError):
    """What is on the disk is not what was built."""


def shelved(directory: Path | None, name: str, version: str, build: Callable[[], T], save: Save[T], load: Load[T]) -> T:
    """The thing of that name: loaded, or built and kept; only built when there is no directory.

    `save(thing, folder)` writes files into an empty folder and returns facts for the manifest; `load(folder, facts)`
    reads them and may raise anything for contents that it cannot use. `version` that differs means build again. Raises
    StoreError when the folder cannot be written.
    """
    if directory is None:
        return build()
    folder = directory / name
    found = _read(folder, version, load)
    if found is not None:
        return found
    with _written_to(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory / f".{name}.lock"):
        found = _read(folder, version, load)  # another may have built it while this one waited
        if found is not None:
            return found
        _sweep(directory, name)
        thing = build()
        with _written_to(directory):
            _write(folder, version, thing, save)
        kept = _read(folder, version, load, check=False)  # its sums were taken from these files a moment ago
        return thing if kept is None else kept  # the mapped copy: it gives the built one's memory back


Save = Callable[[T, Path], Mapping[str, Any]]
Load = Callable[[Path, Mapping[str, Any]], T]


def _read(folder: Path, version: str, load: Load[T], *, check: bool = True) -> T | None:
    try:
        manifest = read_manifest(folder)
        if manifest["version"] != version:
            return None
        for file, expected in manifest["files"].items():
            if check and checksum(folder / file) != expected:
                raise Damaged(f"{folder / file} is not what was written")
        thing = load(folder, manifest["facts"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError):
        return None  # absent, damaged or of another layout: in each case it is built again
    with suppress(OSError):  # a shelf that cannot be written is read all the same
        os.utime(folder / MANIFEST)  # when it was last used, for who makes room (inventory.py)
    return thing


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a built thing says of itself. Raises OSError where there is none, ValueError or KeyError where it is not as
    it was written (of an older version: without a sum of its own)."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest.pop("sum") != _sum(manifest):
        raise Damaged(f"{folder / MANIFEST} is not what was written")
    return manifest


def _sum(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _write(folder: Path, version: str, thing: T, save: Save[T]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".building-{folder.name}-", dir=folder.parent))
    try:
        facts = dict(save(thing, temporary))
        files = {path.name: checksum(path) for path in sorted(temporary.iterdir())}
        for path in temporary.iterdir():
            _to_disk(path)
        manifest = {"version": version, "facts": facts, "files": files}
        manifest["sum"] = _sum(manifest)
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        _to_disk(temporary / MANIFEST)
        _to_disk(temporary)
        if folder.exists():  # damaged or of another version; readers that have it mapped keep their files
            shutil.rmtree(folder)
        temporary.rename(folder)
        _to_disk(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(directory: Path, name: str) -> None:
    """Drop what a killed builder of this thing left; its lock is ours, so none is at work."""
    for path in directory.glob(f".building-{name}-*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file; another holder, in this process or another, is waited for."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: two builders then both build, and the last rename stays
        yield
        return
    while True:
        with _written_to(path.parent):
            file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not same_file(file.fileno(), path):  # the holder before took it away: what is locked here locks nothing
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # while it is held: whoever waits for this file finds it gone
            return
        finally:
            file.close()


def same_file(descriptor: int, path: Path) -> bool:
    """Whether a name still stands for an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _written_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or f"not all could be written ({error})"  # numpy's own, without a number
        raise StoreError(
            f"indexes cannot be kept in {directory}: {reason}. They stand beside the experiment's `database`: "
            "name one in a folder that can be written and has room"
        ) from error


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Each array as NAME.npy."""
    import numpy as np

    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Arrays of `save_arrays`, memory-mapped; empty ones, which cannot be mapped, are read."""
    import numpy as np

    found = {}
    for name in names:
        path = folder / f"{name}.npy"
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            mapped = np.load(path, allow_pickle=False)
        found[name] = mapped.view(np.ndarray)  # indexing a memmap makes an object each time; a plain view does not
    return found
