"""The only place that connects to DuckDB.

DuckDB locks the file for the process that has it open, so a connection lives for one transaction: connect, write,
close. Its write-ahead log (`NAME.duckdb.wal`, which readers read, too) is folded into the file when the run log is
closed, and not at every transaction: that would write the last 122,880 rows of `texts` anew each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, StoreError

if TYPE_CHECKING:
    import duckdb

_IN_PROCESS = threading.RLock()  # a second configuration in one process is refused, so connections take turns
LOCK_PATIENCE_S = 30.0
NEW_S = 3.0  # how old an unfinished file of another process may be
BLOCK_SIZE = "16384"  # of new files; DuckDB's default of 256 KiB leaves a third of a small log empty
WAL_SIZE = "64MB"  # from which size on DuckDB folds the write-ahead log in by itself


@contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one transaction. Waits for another process's lock, at most 30 s.

    Raises StoreError when the file stays locked or is no database.
    """
    import duckdb

    with _IN_PROCESS:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        pause = 0.01
        while True:
            try:
                if path.is_file() and not _is_duckdb(path) and not _being_made(path):
                    raise StoreError(f"{path} is no run log: not a DuckDB database")
                config: dict[str, Any] = {} if read_only else {"default_block_size": BLOCK_SIZE}
                connection = duckdb.connect(str(path), read_only=read_only, config=config)
                break
            except duckdb.IOException as error:
                locked = "lock" in str(error).lower()
                if not locked and not _being_made(path):
                    raise StoreError(f"{path} is no run log: {first_line(error)}") from error
                if time.monotonic() > deadline:
                    raise StoreError(f"{path} is in use by another program that keeps it open") from error
                time.sleep(pause)
                pause = min(0.1, pause * 1.3)
            except duckdb.Error as error:
                raise StoreError(f"{path} is no run log: {first_line(error)}") from error
        if not read_only:
            connection.execute(f"PRAGMA disable_checkpoint_on_shutdown; SET checkpoint_threshold = '{WAL_SIZE}'")
        try:
            yield connection
        finally:
            connection.close()


def check_kind(path: Path) -> None:
    """Raise InputError for a file that is no DuckDB database, by its first bytes: DuckDB itself would try to download
    an extension for a database of another kind."""
    if path.is_file() and not _is_duckdb(path) and not _being_made(path):
        empty = path.stat().st_size == 0
        raise InputError(f"is no run log: {'it is empty' if empty else 'not a DuckDB database'}", file=path,
                         fix="give a .duckdb file that `workbench run` wrote, or an experiment file")  # fmt: skip


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _being_made(path: Path) -> bool:
    """Whether the file is a database that another process is just creating, and so is not valid yet."""
    try:
        return path.is_file() and time.time() - path.stat().st_mtime < NEW_S
    except OSError:
        return False


def first_line(error: BaseException) -> str:
    """What a DuckDB error says, without the hints below."""
    return str(error).partition("\n")[0]
