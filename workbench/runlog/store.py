"""The run log, written: what happens as rows of its tables.

Rows wait in memory and are written in batches, each in one short transaction; a reader in another process waits some
milliseconds at most. What is not written yet when the process dies is not lost either: replies are in the
response cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.records import Answer, Call, Context, Question, Score
from workbench.runlog import earlier
from workbench.runlog.connection import connect
from workbench.runlog.process import this_process
from workbench.runlog.rows import as_json, call_row, call_sums, context_row, hit_row, question_row, score_row
from workbench.runlog.writer import BatchWriter


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class RunLog:
    """An open run log for writing; creates and migrates the file. Thread-safe. A rerun overwrites rows, never adds.

    Raises StoreError at the next call when the writer thread has failed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = BatchWriter(self.path)

    # rows

    def add_experiment(self, *, experiment_id: str, name: str, config: Mapping[str, Any]) -> None:
        """An experiment, once."""
        from workbench import __version__

        self._writer.add(
            "experiments",
            {
                "experiment_id": experiment_id,
                "name": name,
                "config": as_json(config),
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
        window: int | None = None,
        window_source: str | None = None,
        prompt_cache: Mapping[str, Any] | None = None,
    ) -> None:
        """A run and its place in an experiment."""
        from workbench import __version__

        environment = {
            "python": _python_version(),
            "workbench": __version__,
            "corpus_notes": list(corpus_notes),
            "process": this_process(),
        }
        self._writer.add(
            "runs",
            {
                "run_id": run_id,
                "pipeline": pipeline,
                "method": method,
                "config": as_json(config),
                "model": model,
                "model_options": as_json(dict(model_options)),
                "price": as_json(asdict(price)) if price is not None else None,
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
                "environment": as_json(environment),
                "window": window,
                "window_source": window_source,
                "prompt_cache": as_json(dict(prompt_cache)) if prompt_cache is not None else None,
            },
        )
        self._writer.add(
            "experiment_runs",
            {"experiment_id": experiment_id, "run_id": run_id, "position": position, "baseline": baseline},
        )

    def finish_run(self, run_id: str, *, status: str, wall_s: float | None) -> None:
        """Set a run's status: running, complete, budget, interrupted. `wall_s`: the seconds that this session worked on
        it, added to those of earlier ones, and its end is now; None leaves both as they are."""
        self._writer.check()
        if wall_s is None:
            self._writer.write("UPDATE runs SET status = ? WHERE run_id = ?", [status, run_id])
        else:
            self._writer.write(
                "UPDATE runs SET status = ?, finished_at = ?, wall_s = coalesce(wall_s, 0) + ? WHERE run_id = ?",
                [status, _now(), wall_s, run_id],
            )

    def set_own_costs(
        self, run_id: str, *, answers: Mapping[str, float | None], builds: Mapping[str, float | None]
    ) -> None:
        """What answers (by question id) and index stages (by context id) of a run cost by themselves, USD."""
        for table, key, costs in (("answers", "question_id", answers), ("builds", "context_id", builds)):
            if costs:
                self._writer.write(
                    f"UPDATE {table} SET cost_own_usd = v.usd FROM (SELECT unnest(?::VARCHAR[]) AS id, "
                    f"unnest(?::DOUBLE[]) AS usd) v WHERE run_id = ? AND {key} = v.id",
                    [list(costs), list(costs.values()), run_id],
                )

    def add_context(self, context: Context, *, corpus: str, tokens: int) -> None:
        """A context; its documents' texts are stored once by hash."""
        hashes = [self._writer.text(document.text) for document in context.documents]
        self._writer.add("contexts", context_row(context, hashes, corpus=corpus, tokens=tokens))

    def add_question(self, question: Question, *, corpus_fingerprint: str, corpus: str) -> None:
        """A question of a corpus, with its gold."""
        self._writer.add("questions", question_row(question, corpus_fingerprint=corpus_fingerprint, corpus=corpus))

    def add_call(self, call: Call, prompt: str, reply: str | None) -> None:
        """A call with its texts."""
        self._writer.text(prompt, call.prompt_hash)
        if reply is not None:
            self._writer.text(reply, call.reply_hash or "")
        thoughts = self._writer.text(call.thoughts) if call.thoughts else None
        self._writer.add("calls", call_row(call, thoughts))

    def add_spending(self, session_id: str, run_id: str, *, calls: int, usd: float, tokens: int) -> None:
        """What a session has paid for a run so far; no later answer takes its place."""
        self._writer.add(
            "spending", {"session_id": session_id, "run_id": run_id, "calls": calls, "usd": usd, "tokens": tokens}
        )

    def spent(self, run_ids: Sequence[str]) -> dict[tuple[str, str], tuple[int, float, int]]:
        """Calls, USD and tokens that sessions have paid for these runs, by session and run."""
        self.flush()
        with connect(self.path) as connection:
            return earlier.spent(connection, run_ids)

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
        self._writer.add(
            "builds",
            {
                "run_id": run_id,
                "context_id": context_id,
                "status": status,
                "error": error,
                "seconds": seconds,
                **call_sums(calls),
                "critical_path_s": critical_path_s,
                "notes": as_json(notes),
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
        ended: str = "answered",
        served_model: str | None = None,
    ) -> None:
        """How a question ended, with what it retrieved; `served_model` is the model that the server says has replied,
        where it is another than was asked for. What an earlier answer to it left (hits, scores, verdicts, and
        calls that are not among `calls`) goes; calls of judges stay, they were paid for."""
        self._writer.supersede(run_id, question_id, [call.call_id for call in calls])
        self._writer.add(
            "answers",
            {
                "run_id": run_id,
                "question_id": question_id,
                "status": status,
                "text": answer.text if answer else None,
                "error": error,
                **call_sums(calls),
                "critical_path_s": critical_path_s,
                "first_token_s": first_token_s,
                "wall_s": wall_s,
                "truncated_tokens": answer.dropped_tokens if answer else None,
                "evidence_coverage": evidence_coverage,
                "abstained": abstained,
                "ended": ended,
                "served_model": served_model,
                "replayed": any(call.from_cache for call in calls),
                "notes": as_json(answer.notes if answer else ()),
                "citations": as_json([asdict(chunk) for chunk in answer.citations] if answer else ()),
                "finished_at": _now(),
            },
        )
        for hit in answer.hits if answer else ():
            self._writer.add("hits", hit_row(run_id, question_id, hit))

    def add_probe(
        self,
        *,
        run_id: str,
        question_id: str,
        error: str | None,
        calls: Sequence[Call],
        critical_path_s: float,
        first_token_s: float | None,
    ) -> None:
        """How long a question took that was asked once more, alone."""
        self._writer.add(
            "probes",
            {
                "run_id": run_id,
                "question_id": question_id,
                "status": "failed" if error else "ok",
                "error": error,
                "critical_path_s": critical_path_s,
                "first_token_s": first_token_s,
                "calls": len(calls),
                "cost_usd": call_sums(calls)["cost_usd"],
                "finished_at": _now(),
            },
        )

    def probed(self, run_id: str) -> set[str]:
        """The questions of a run that were asked once more, alone, with success."""
        self.flush()
        with connect(self.path) as connection:
            return earlier.probed(connection, run_id)

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
            self._writer.rescore(run_id, question_id)
        for position, score in enumerate(scores, first):
            version = (versions or {}).get(score.metric)
            self._writer.add("scores", score_row(run_id, question_id, score, version=version, position=position))

    def answered(self, run_id: str) -> dict[str, dict[str, Any]]:
        """What is needed to score a run's answers again, by question id: `text`, `citations`, `dropped_tokens`,
        `abstained`, `hits` (document id, start, end, score, rank) and `scores`, its metrics with versions."""
        self.flush()
        with connect(self.path) as connection:
            return earlier.answered(connection, run_id)

    def done(self, run_id: str) -> dict[str, str]:
        """How the questions of a run have ended so far: question id to status."""
        self.flush()
        with connect(self.path) as connection:
            return earlier.done(connection, run_id)

    def lacks_own_costs(self, run_id: str) -> bool:
        """Whether an answer of a run has a cost, but not yet the one that the run would have by itself."""
        with connect(self.path) as connection:
            return earlier.lacks_own_costs(connection, run_id)

    def has_answers(self, run_id: str) -> bool:
        """Whether a run has brought an answer that is one, and is not cut or empty."""
        self.flush()
        with connect(self.path) as connection:
            return earlier.has_answers(connection, run_id)

    def flush(self) -> None:
        """Return when everything added so far is in the file. Raises StoreError when that fails."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left and stop the writer thread."""
        self._writer.close()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _python_version() -> str:
    import platform

    return platform.python_version()
