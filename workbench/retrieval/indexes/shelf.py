"""Keeps built indexes on disk: named by content, built once for all processes, and never used if damaged.

An entry is a folder `KIND-KEY` of files with a manifest of their SHA-256 sums and of its own. It is written to a
temporary folder and renamed when everything is on the disk, so that a name is either absent or complete. There is one
builder at a time: others wait for a file lock, then read what was built. The kernel releases the lock when its holder
dies, and a holder removes the lock file when it is done. What does not match its manifest is discarded and built again.
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
    """The files on disk are not what was built."""


def shelved(directory: Path | None, name: str, version: str, build: Callable[[], T], save: Save[T], load: Load[T]) -> T:
    """The thing of that name: loaded, or built and saved; only built when there is no directory.

    `save(thing, folder)` writes files into an empty folder and returns facts for the manifest; `load(folder, facts)`
    reads them and raises one of the errors caught in `_read` (OSError, ValueError, ...) for contents that it cannot
    use. An entry of another `version` is built again. Raises StoreError when the folder cannot be written.
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
        kept = _read(folder, version, load, check=False)  # its checksums have just been taken from these files
        return thing if kept is None else kept  # the memory-mapped copy, so that the built one's memory is freed


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
        return None  # absent, damaged or of another layout: built again in each case
    with suppress(OSError):  # a read-only folder can still be used
        os.utime(folder / MANIFEST)  # records the last use, for inventory.py
    return thing


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an entry. Raises OSError where there is none, ValueError or KeyError where it is not as it was
    written (or of an older version, without a checksum of its own)."""
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
        if folder.exists():  # damaged or of another version; processes that have its files mapped keep them
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
    """Remove what killed builders of this entry left; we hold its lock, so none is running."""
    for path in directory.glob(f".building-{name}-*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file, waiting for any other holder, in this process or another."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: two builders may both build
        yield
        return
    while True:
        with _written_to(path.parent):
            file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not same_file(file.fileno(), path):  # the last holder has removed the file: this lock excludes nobody
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # removed while still held, so that whoever waits for it finds it gone
            return
        finally:
            file.close()


def same_file(descriptor: int, path: Path) -> bool:
    """Whether a path still names an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _written_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or f"not all could be written ({error})"  # numpy's OSErrors have no strerror
        raise StoreError(
            f"indexes cannot be kept in {directory}: {reason}. They stand beside the experiment's `database`: "
            "name one in a folder that can be written and has room"
        ) from error


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Save each array as NAME.npy."""
    import numpy as np

    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Arrays of `save_arrays`, memory-mapped; empty ones cannot be mapped and are read."""
    import numpy as np

    found = {}
    for name in names:
        path = folder / f"{name}.npy"
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            mapped = np.load(path, allow_pickle=False)
        found[name] = mapped.view(np.ndarray)  # indexing an ndarray is faster than indexing a memmap
    return found
