"""The questions file that is written to: what it holds already, and what its review dropped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.questions.review import Review, dropped_file


@dataclass(frozen=True, slots=True)
class Earlier:
    """The questions that a file holds already, by id, and those that its review dropped."""

    kept: Mapping[str, dict[str, Any]]
    dropped: Mapping[str, dict[str, Any]]

    @classmethod
    def read(cls, out: Path) -> Earlier:
        """Of a questions file; empty where there is none. Raises InputError for a broken line."""
        gone = dropped_file(out)
        found = [Review.open(path).rows if path.exists() else [] for path in (out, gone)]
        kept, dropped = ({str(row["question_id"]): row for row in rows} for rows in found)
        return cls(kept, dropped)

    def with_new(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """All kept rows as they are, then those of `rows` that are neither among them nor dropped."""
        known = self.kept.keys() | self.dropped.keys()
        return [*self.kept.values(), *(row for row in rows if row["question_id"] not in known)]


def check_file(out: Path) -> None:
    """Raise InputError unless questions may be written to the file: a new one, or one of questions written before."""
    if out.suffix != ".jsonl":
        raise InputError("is no .jsonl file", file=out, field="--out", fix="name it questions.jsonl")
    if out.exists():
        lines = [line for line in out.read_text(encoding="utf-8").splitlines() if line.strip()]
        if any('"status"' not in line for line in lines):
            raise InputError("holds questions of your own", file=out, field="--out", fix="name another file")
        Earlier.read(out)  # a broken line is found before anything is paid for


def save(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    draft.replace(path)
