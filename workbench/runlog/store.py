"""The run log's writer.

Rows wait in memory and one thread writes them in batches, each in one short transaction; a reader in another process
waits some milliseconds at most. What is not written yet when the process dies is not lost either: replies are in the
response cache.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from workbench.errors import StoreError
from workbench.records import REASK, Answer, Call, Context, Question, Score
from workbench.runlog.batches import KEYS, METRIC_POSITIONS, delete_stale, insert
from workbench.runlog.connection import connect, first_line
from workbench.runlog.migrations import migrate
from workbench.runlog.process import this_process
from workbench.runlog.stored_text import compress, storable
from workbench.text import text_hash

if TYPE_CHECKING:
    pass

FLUSH_EVERY_S = 0.5  # at least; opening the file and replaying its write-ahead log takes time, so
FLUSH_SHARE = 10.0  # a batch waits this many times as long as the last one took to write,
FLUSH_LATEST_S = 5.0  # but never longer than a person watching a run would
_CALL_COLUMNS = tuple(field.name for field in fields(Call))


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class RunLog:
    """An open run log for writing; creates and migrates the file. Thread-safe. A rerun overwrites rows, never adds.

    Raises StoreError at the next call when the writer thread has failed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        self._answered: dict[tuple[str, str], list[str]] = {}  # new answers, with the calls that they rest on
        self._rescored: set[tuple[str, str]] = set()
        self._stored: set[str] = set()
        self._failure: BaseException | None = None
        self._wake = threading.Event()
        self._closed = False
        with connect(self.path) as connection:
            connection.execute("BEGIN")
            migrate(connection)
            connection.execute("COMMIT")
        self._thread = threading.Thread(target=self._write_until_closed, name="run-log", daemon=True)
        self._thread.start()

    # rows

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._check()
        for name, value in row.items():
            if type(value) is str and not value.isascii():
                row[name] = storable(value)
        key = tuple(row[name] for name in KEYS[table])
        with self._lock:
            self._rows.setdefault(table, {})[key] = row

    def _text(self, text: str, key: str = "") -> str:
        """Store a text once; `key` is its hash where that is known."""
        key = key or text_hash(text)
        with self._lock:
            if key in self._stored:
                return key
            self._stored.add(key)
        self._add("texts", {"hash": key, "characters": len(text), "compressed": compress(text)})
        return key

    def add_experiment(self, *, experiment_id: str, name: str, config: Mapping[str, Any]) -> None:
        """An experiment, once."""
        from workbench import __version__

        self._add(
            "experiments",
            {
                "experiment_id": experiment_id,
                "name": name,
                "config": _json(config),
                "created_at": _now(),
                "workbench_version": __version__,
            },
        )

    def add_run(
        self,
        *,
        run_id: str,
        experiment_id: str,
        position: int,
        pipeline: str,
        method: str,
        config: Mapping[str, Any],
        model: str,
        model_options: Mapping[str, Any],
        price: Any,
        corpus: str,
        corpus_version: str,
        corpus_fingerprint: str,
        seed: int,
        baseline: bool,
        questions_planned: int,
        corpus_notes: Sequence[str] = (),
    ) -> None:
        """A run and its place in an experiment."""
        from workbench import __version__

        environment = {
            "python": _python_version(),
            "workbench": __version__,
            "corpus_notes": list(corpus_notes),
            "process": this_process(),
        }
        self._add(
            "runs",
            {
                "run_id": run_id,
                "pipeline": pipeline,
                "method": method,
                "config": _json(config),
                "model": model,
                "model_options": _json(dict(model_options)),
                "price": _json(asdict(price)) if price is not None else None,
                "corpus": corpus,
                "corpus_version": corpus_version,
                "corpus_fingerprint": corpus_fingerprint,
                "seed": seed,
                "status": "planned",
                "questions_planned": questions_planned,
                "started_at": _now(),
                "finished_at": None,
                "wall_s": None,
                "workbench_version": __version__,
                "environment": _json(environment),
            },
        )
        self._add(
            "experiment_runs",
            {"experiment_id": experiment_id, "run_id": run_id, "position": position, "baseline": baseline},
        )

    def finish_run(self, run_id: str, *, status: str, wall_s: float | None) -> None:
        """Set a run's status: running, complete, budget, interrupted."""
        self._check()
        if wall_s is None:
            self._write("UPDATE runs SET status = ? WHERE run_id = ?", [status, run_id])
        else:
            self._write(
                "UPDATE runs SET status = ?, finished_at = ?, wall_s = coalesce(wall_s, 0) + ? WHERE run_id = ?",
                [status, _now(), wall_s, run_id],
            )

    def add_context(self, context: Context, *, corpus: str, tokens: int) -> None:
        """A context; its documents' texts are stored once by hash."""
        documents = [
            {
                "document_id": document.document_id,
                "title": document.title,
                "text_hash": self._text(document.text),
                "characters": len(document.text),
            }
            for document in context.documents
        ]
        self._add(
            "contexts",
            {
                "context_id": context.context_id,
                "corpus": corpus,
                "documents": _json(documents),
                "characters": context.characters,
                "tokens": tokens,
            },
        )

    def add_question(self, question: Question, *, corpus_fingerprint: str, corpus: str) -> None:
        """A question of a corpus, with its gold."""
        evidence = [asdict(chunk) for chunk in question.evidence]
        self._add(
            "questions",
            {
                "corpus_fingerprint": corpus_fingerprint,
                "question_id": question.question_id,
                "corpus": corpus,
                "context_id": question.context_id,
                "text": question.text,
                "answers": _json(question.answers),
                "options": _json(question.options),
                "evidence": _json(evidence),
                "task": question.task,
                "metrics": _json(question.metrics),
                "metadata": _json(dict(question.metadata)),
            },
        )

    def add_call(self, call: Call, prompt: str, reply: str | None) -> None:
        """A call with its texts."""
        self._text(prompt, call.prompt_hash)
        if reply is not None:
            self._text(reply, call.reply_hash or "")
        row = {name: getattr(call, name) for name in _CALL_COLUMNS}
        row["parents"] = _json(call.parents)
        row["left_out"] = _json(call.left_out)
        self._add("calls", row)
        if len(self._rows.get("calls", ())) >= 2_000:
            self._wake.set()

    def add_spending(self, session_id: str, run_id: str, *, calls: int, usd: float, tokens: int) -> None:
        """What a session has paid for a run so far; no later answer takes its place."""
        self._add(
            "spending", {"session_id": session_id, "run_id": run_id, "calls": calls, "usd": usd, "tokens": tokens}
        )

    def spent(self, run_ids: Sequence[str]) -> dict[tuple[str, str], tuple[int, float, int]]:
        """Calls, USD and tokens that sessions have paid for these runs, by session and run."""
        self.flush()
        with connect(self.path) as connection:
            rows = connection.execute(
                "SELECT session_id, run_id, calls, usd, tokens FROM spending WHERE list_contains(?, run_id)",
                [list(run_ids)],
            ).fetchall()
        return {(session, run): (calls, usd, tokens) for session, run, calls, usd, tokens in rows}

    def add_build(
        self,
        *,
        run_id: str,
        context_id: str,
        status: str,
        error: str | None,
        seconds: float,
        calls: Sequence[Call],
        critical_path_s: float,
        notes: Sequence[tuple[str, Any]],
    ) -> None:
        """The index stage of a context."""
        self._add(
            "builds",
            {
                "run_id": run_id,
                "context_id": context_id,
                "status": status,
                "error": error,
                "seconds": seconds,
                **_sums(calls),
                "critical_path_s": critical_path_s,
                "notes": _json(notes),
            },
        )

    def add_answer(
        self,
        *,
        run_id: str,
        question_id: str,
        status: str,
        error: str | None,
        answer: Answer | None,
        calls: Sequence[Call],
        critical_path_s: float,
        first_token_s: float | None,
        wall_s: float,
        evidence_coverage: float | None,
        abstained: bool | None,
    ) -> None:
        """How a question ended, with what it retrieved. What an earlier answer to it left (hits, scores, verdicts, and
        calls that are not among `calls`) goes; calls of judges stay, they were paid for."""
        with self._lock:
            self._answered[storable(run_id), storable(question_id)] = [call.call_id for call in calls]
        self._add(
            "answers",
            {
                "run_id": run_id,
                "question_id": question_id,
                "status": status,
                "text": answer.text if answer else None,
                "error": error,
                **_sums(calls),
                "critical_path_s": critical_path_s,
                "first_token_s": first_token_s,
                "wall_s": wall_s,
                "truncated_tokens": answer.dropped_tokens if answer else None,
                "evidence_coverage": evidence_coverage,
                "abstained": abstained,
                "replayed": any(call.from_cache for call in calls),
                "notes": _json(answer.notes if answer else ()),
                "citations": _json([asdict(chunk) for chunk in answer.citations] if answer else ()),
                "finished_at": _now(),
            },
        )
        for hit in answer.hits if answer else ():
            self._add(
                "hits",
                {
                    "run_id": run_id,
                    "question_id": question_id,
                    "rank": hit.rank,
                    "document_id": hit.chunk.document_id,
                    "start": hit.chunk.start,
                    "end": hit.chunk.end,
                    "score": hit.score,
                },
            )

    def add_scores(
        self,
        run_id: str,
        question_id: str,
        scores: Sequence[Score],
        versions: Mapping[str, int] | None = None,
        *,
        first: int = 0,
    ) -> None:
        """The scores of an answer, in order from position `first`; position 0 is the headline. From position 0 on they
        take the place of all its earlier metrics."""
        if first == 0:
            with self._lock:
                self._rescored.add((storable(run_id), storable(question_id)))
        for position, score in enumerate(scores, first):
            self._add(
                "scores",
                {
                    "run_id": run_id,
                    "question_id": question_id,
                    "metric": score.metric,
                    "value": score.value,
                    "reason": score.reason,
                    "version": (versions or {}).get(score.metric),
                    "position": position,
                },
            )

    def answered(self, run_id: str) -> dict[str, dict[str, Any]]:
        """What is needed to score a run's answers again, by question id: `text`, `citations`, `dropped_tokens`,
        `abstained`, `hits` (document id, start, end, score, rank) and `scores`, its metrics with versions."""
        self.flush()
        with connect(self.path) as connection:
            answers = connection.execute(
                "SELECT question_id, text, citations, truncated_tokens, abstained FROM answers "
                "WHERE run_id = ? AND status = 'ok'",
                [run_id],
            ).fetchall()
            hits = connection.execute(
                'SELECT question_id, document_id, start, "end", score, rank FROM hits WHERE run_id = ? ORDER BY rank',
                [run_id],
            ).fetchall()
            scores = connection.execute(
                "SELECT question_id, metric, version FROM scores WHERE run_id = ? AND position < ? "
                "ORDER BY position, metric",
                [run_id, METRIC_POSITIONS],
            ).fetchall()
        found: dict[str, dict[str, Any]] = {
            name: {"text": text, "citations": json.loads(citations or "[]"), "dropped_tokens": dropped or 0,
                   "abstained": bool(abstained), "hits": [], "scores": []}
            for name, text, citations, dropped, abstained in answers
        }  # fmt: skip
        for name, *hit in hits:
            if name in found:
                found[name]["hits"].append(hit)
        for name, metric, version in scores:
            if name in found:
                found[name]["scores"].append((metric, version))
        return found

    def done(self, run_id: str) -> dict[str, str]:
        """How the questions of a run have ended so far: question id to status."""
        self.flush()
        with connect(self.path) as connection:
            rows = connection.execute("SELECT question_id, status FROM answers WHERE run_id = ?", [run_id]).fetchall()
        return dict(rows)

    # writing

    def _write_until_closed(self) -> None:
        pause = FLUSH_EVERY_S
        while not self._closed:
            self._wake.wait(pause)
            self._wake.clear()
            started = time.monotonic()
            try:
                self._write()
            except BaseException as error:  # surfaces at the caller's next call
                self._failure = error
                return
            pause = min(FLUSH_LATEST_S, max(FLUSH_EVERY_S, FLUSH_SHARE * (time.monotonic() - started)))

    def flush(self) -> None:
        """Return when everything added so far is in the file. Raises StoreError when that fails."""
        self._check()
        self._write()

    def _check(self) -> None:
        if self._failure is not None:
            raise StoreError(f"the run log could not be written: {self._failure}") from self._failure

    def _write(self, last: str = "", values: Sequence[Any] = ()) -> None:
        """Write what waits, and in the same transaction the statement `last`: every connection costs milliseconds."""
        with self._writing:
            with self._lock:
                rows, self._rows = self._rows, {}
                answered, self._answered = self._answered, {}
                rescored, self._rescored = self._rescored, set()
            if not (rows or answered or rescored or last):
                return
            try:
                with connect(self.path) as connection:
                    connection.execute("BEGIN")
                    for table, members in rows.items():
                        insert(connection, table, list(members.values()))
                    delete_stale(connection, rows, answered, rescored)
                    if last:
                        connection.execute(last, list(values))
                    connection.execute("COMMIT")
            except BaseException as error:  # nothing was committed: the rows wait for the next attempt
                with self._lock:
                    for table, members in rows.items():
                        self._rows[table] = members | self._rows.get(table, {})
                    self._answered = answered | self._answered
                    self._rescored |= rescored
                import duckdb

                if isinstance(error, duckdb.Error):  # a full disk, most of the time
                    raise StoreError(f"{self.path} cannot be written: {first_line(error)}") from error
                raise

    def close(self) -> None:
        """Write what is left and stop the writer thread."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=60)
        self.flush()
        with self._writing, connect(self.path) as connection:
            connection.execute("CHECKPOINT")

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _sums(calls: Sequence[Call]) -> dict[str, Any]:
    """Sums over the calls of an answer or an index stage; the cost is unknown when that of one call is."""
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    retries_usd = sum(call.retry_cost_usd for call in calls)
    return {
        "calls": len(calls),
        "cost_usd": sum(costs) + retries_usd if len(costs) == len(calls) else None,
        "retries": sum(max(0, call.attempts - 1) for call in calls),
        "retry_cost_usd": retries_usd,
        "reasks": sum(call.step.endswith(REASK) for call in calls),
        "prompt_tokens": sum(call.prompt_tokens for call in calls),
        "cached_tokens": sum(call.cached_tokens for call in calls),
        "completion_tokens": sum(call.completion_tokens for call in calls),
    }


def _python_version() -> str:
    import platform

    return platform.python_version()
