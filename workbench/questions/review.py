"""The review of written questions: accept, edit or drop, in the questions file itself."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError

STATUSES = ("new", "accepted", "edited", "dropped")


@dataclass
class Review:
    """A questions file that is being reviewed. Every change is written at once, the file whole or not at all; a dropped
    question moves to `NAME.dropped.jsonl` beside it, from where it can be brought back by hand."""

    path: Path
    rows: list[dict[str, Any]]

    @classmethod
    def open(cls, path: Path) -> Review:
        """Read a questions file. Raises InputError when it is missing or a line is no JSON object."""
        if not path.is_file():
            raise InputError("no such questions file", file=path, fix="workbench corpus questions FOLDER --llm MODEL")
        rows = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError("is not JSON", file=path, field=f"line {number}", fix=error.msg) from error
            if not isinstance(row, dict) or "question" not in row:
                raise InputError("is no question", file=path, field=f"line {number}", fix="one object a line")
            rows.append({"question_id": f"q{number}", "status": "new", **row})
        return cls(path, rows)

    def counts(self) -> dict[str, int]:
        """How many questions have which status; dropped ones are counted in their own file."""
        found = {status: sum(row["status"] == status for row in self.rows) for status in STATUSES}
        if self._dropped.exists():
            found["dropped"] = len(self._dropped.read_text(encoding="utf-8").splitlines())
        return found

    def evidence(self, part: dict[str, Any]) -> str:
        """The words of an evidence span, read as `files` reads the document (its encoding, HTML, PDF, Word); empty when
        the document does not stand beside the questions file."""
        from corpora.ingest import ingest

        folder = self.path.parent
        file = folder / str(part["document_id"])
        if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
            return ""
        return "".join(document.text[part["start"] : part["end"]] for document in ingest(file).documents)

    def accept(self, question_id: str) -> None:
        """Mark a question as good."""
        self._row(question_id)["status"] = "accepted"
        self._save()

    def edit(self, question_id: str, question: str, answers: list[str]) -> None:
        """Change its words or answers. Raises InputError for an empty question or no answer."""
        if not question.strip() or not any(answer.strip() for answer in answers):
            raise InputError("needs a question and an answer", file=self.path, field=question_id)
        row = self._row(question_id)
        row |= {"question": question.strip(), "answers": [a.strip() for a in answers if a.strip()], "status": "edited"}
        self._save()

    def drop(self, question_id: str) -> None:
        """Take a question out of the file."""
        row = self._row(question_id)
        kept = self._dropped.read_text(encoding="utf-8") if self._dropped.exists() else ""
        _write(self._dropped, kept + json.dumps({**row, "status": "dropped"}, ensure_ascii=False) + "\n")
        self.rows.remove(row)
        self._save()

    @property
    def _dropped(self) -> Path:
        return dropped_file(self.path)

    def _row(self, question_id: str) -> dict[str, Any]:
        for row in self.rows:
            if row["question_id"] == question_id:
                return row
        raise InputError("no such question", file=self.path, field=question_id, fix="load the file again")

    def _save(self) -> None:
        _write(self.path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows))


def dropped_file(path: Path) -> Path:
    """Where the questions go that a review drops from the questions file `path`."""
    return path.with_name(f"{path.stem}.dropped.jsonl")


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
