"""The run log as pandas frames. What is not in the log cannot be shown.

Every method opens the file, reads and closes it, so a run in another process is never held up for long. A missing or
empty database gives empty frames with the right columns. JSON columns come as Python lists and dictionaries.

Columns are those of `workbench.runlog.migrations`; `answers()` adds the run's `pipeline, method, model, corpus, seed`,
the question's `task, context_id`, and `score`, `metric`: the first metric of the question, None when it does not apply.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, StoreError
from workbench.runlog.connection import connect
from workbench.runlog.process import is_gone
from workbench.runlog.stored_text import decompress

if TYPE_CHECKING:
    import pandas as pd

_JSON = frozenset(
    {"config", "model_options", "price", "environment", "documents", "answers", "options", "evidence", "metrics"}
    | {"metadata", "notes", "citations", "parents", "left_out", "prompt_cache"}
)
TABLES = (
    *("experiments", "runs", "experiment_runs", "contexts", "questions", "builds"),
    *("answers", "hits", "calls", "texts", "scores", "spending", "probes"),
)


def open_log(path: str | Path) -> RunLogReader:
    """The reader of a run log. Example: `wb.open("runs/demo.duckdb").answers()`."""
    return RunLogReader(path)


def tables_of(path: Path) -> set[str]:
    """The names of the tables of a DuckDB file, ours or not. Raises StoreError when it is none or stays locked."""
    with connect(path, read_only=True) as connection:
        return _table_names(connection)


def _table_names(connection: Any) -> set[str]:
    return {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}


class RunLogReader:
    """Reads a run log; every method returns a pandas frame."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def sql(self, query: str, parameters: Iterable[Any] = ()) -> pd.DataFrame:
        """Any read-only SQL over the tables of the log; JSON columns as they are stored (text)."""
        import duckdb

        if not self.exists:
            return self._blank(query, parameters)
        with connect(self.path, read_only=True) as connection:
            try:
                return connection.execute(query, list(parameters)).df()
            except duckdb.CatalogException as error:
                names = _table_names(connection)
                if "migrations" in names:
                    raise StoreError(str(error).partition("\n")[0]) from error
                if names:
                    problem = f"is a database of something else, with a table {min(names)!r}"
                    raise InputError(problem, file=self.path, fix="name a run log of the workbench") from error
        return self._blank(query, parameters)

    def _blank(self, query: str, parameters: Iterable[Any]) -> pd.DataFrame:
        """The answer of an empty log: the schema in memory."""
        import tempfile

        from workbench.runlog.migrations import migrate

        with tempfile.TemporaryDirectory() as folder, connect(Path(folder) / "blank.duckdb") as connection:
            migrate(connection)
            return connection.execute(query, list(parameters)).df()

    def _read(self, query: str, parameters: Iterable[Any] = ()) -> pd.DataFrame:
        frame = self.sql(query, parameters)
        for column in frame.columns:
            if column in _JSON:
                frame[column] = [json.loads(value) if isinstance(value, str) else value for value in frame[column]]
        return frame

    def experiments(self) -> pd.DataFrame:
        """One row an experiment, newest first."""
        return self._read("SELECT * FROM experiments ORDER BY created_at DESC, experiment_id")

    def runs(self, experiment: str | None = None) -> pd.DataFrame:
        """One row a run, with `experiment_id`, `position`, `baseline`, and how many questions have ended how:
        `answered`, `failed`. With `experiment` (id or name), its runs only; else each run once. `status` is planned,
        running, complete, budget or interrupted; a run whose process was killed is interrupted."""
        query = """
            SELECT r.*, e.experiment_id, x.name AS experiment, e.position, e.baseline,
                coalesce(a.answered, 0) AS answered, coalesce(a.failed, 0) AS failed
            FROM runs r JOIN experiment_runs e USING (run_id) JOIN experiments x USING (experiment_id)
            LEFT JOIN (SELECT run_id, count(*) FILTER (status = 'ok') AS answered,
                count(*) FILTER (status <> 'ok') AS failed FROM answers GROUP BY run_id) a USING (run_id)
        """
        if experiment is not None:
            query += " WHERE e.experiment_id = $1 OR x.name = $1"
            return self._latest(self._read(query + " ORDER BY x.created_at DESC, e.position", [experiment]))
        return self._latest(self._read(query + " ORDER BY x.created_at DESC, e.position"))

    @staticmethod
    def _latest(frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        once = frame.drop_duplicates("run_id").reset_index(drop=True)
        status = [
            "interrupted" if now in ("planned", "running") and is_gone((environment or {}).get("process")) else now
            for now, environment in zip(once["status"], once["environment"], strict=True)
        ]
        return once.assign(status=pd.Series(status, index=once.index, dtype=once["status"].dtype))

    def contexts(self) -> pd.DataFrame:
        """One row a context; `documents` lists id, title, text hash and characters."""
        return self._read("SELECT * FROM contexts ORDER BY corpus, context_id")

    def questions(self, corpus_fingerprint: str | None = None) -> pd.DataFrame:
        """One row a question of a corpus version, with its gold answers and evidence."""
        if corpus_fingerprint is None:
            return self._read("SELECT * FROM questions ORDER BY corpus, question_id")
        return self._read(
            "SELECT * FROM questions WHERE corpus_fingerprint = ? ORDER BY question_id", [corpus_fingerprint]
        )

    def builds(self, experiment: str | None = None) -> pd.DataFrame:
        """One row an index stage (run × context)."""
        return self._of_runs("SELECT t.* FROM builds t", experiment, "run_id, context_id")

    def answers(self, experiment: str | None = None) -> pd.DataFrame:
        """One row an answer, joined with its run, its question's labels and its headline score; `unloaded_s` is what it
        took when it was asked once more, alone."""
        probed = self.exists and "probes" in tables_of(self.path)  # a log of an earlier version has none
        alone = "p.critical_path_s" if probed else "NULL::DOUBLE"
        probes = "LEFT JOIN probes p ON p.run_id = t.run_id AND p.question_id = t.question_id AND p.status = 'ok'"
        query = f"""
            SELECT t.*, r.pipeline, r.method, r.model, r.corpus, r.corpus_fingerprint, r.seed, q.task, q.context_id,
                q.metadata, s.value AS score, s.metric, s.reason AS score_reason, {alone} AS unloaded_s
            FROM answers t JOIN runs r USING (run_id)
            JOIN questions q ON q.question_id = t.question_id AND q.corpus_fingerprint = r.corpus_fingerprint
            LEFT JOIN scores s ON s.run_id = t.run_id AND s.question_id = t.question_id AND s.position = 0
            {probes if probed else ""}
        """
        return self._of_runs(query, experiment, "run_id, question_id")

    def hits(
        self, experiment: str | None = None, *, run: str | None = None, question: str | None = None
    ) -> pd.DataFrame:
        """One row a retrieved chunk of an answer, with its span and rank; of one run or question, if given."""
        query = "SELECT t.* FROM hits t"
        return self._of_runs(query, experiment, "run_id, question_id, rank", run_id=run, question_id=question)

    def calls(
        self, experiment: str | None = None, *, run: str | None = None, question: str | None = None
    ) -> pd.DataFrame:
        """One row a model call, with its run's `pipeline`; of one run or question, if given."""
        query = "SELECT t.*, r.pipeline FROM calls t LEFT JOIN runs r USING (run_id)"
        return self._of_runs(query, experiment, "started_at, call_id", run_id=run, question_id=question)

    def remarks(self, experiment: str | None = None) -> pd.DataFrame:
        """What makes calls less than they seem, by run and model: `unpriced` calls, whose cost nobody knows, how many
        `calls` were sent without the parameters `left_out`, which their server had refused, and how many are
        `contradicted` by their server's own token counts, with an `example`."""
        columns = self.sql("SELECT * FROM calls LIMIT 0").columns  # fewer in a log of an earlier version
        left_out = "t.left_out" if "left_out" in columns else "'[]'"
        odd = "coalesce(t.contradiction, '')" if "contradiction" in columns else "''"
        query = f"""
            SELECT t.run_id, t.model, {left_out} AS left_out, count(*) AS calls,
                count(*) FILTER (t.cost_usd IS NULL) AS unpriced,
                count(*) FILTER ({odd} <> '') AS contradicted, max({odd}) AS example
            FROM calls t WHERE {left_out} <> '[]' OR t.cost_usd IS NULL OR {odd} <> '' GROUP BY ALL
        """
        return self._of_runs(f"SELECT t.* FROM ({query}) t", experiment, "run_id, model")

    def scores(self, experiment: str | None = None) -> pd.DataFrame:
        """One row a metric of an answer; `value` is null when it does not apply, with the `reason`."""
        return self._of_runs("SELECT t.* FROM scores t", experiment, "run_id, question_id, position")

    def _of_runs(self, query: str, experiment: str | None, order: str, **equal: str | None) -> pd.DataFrame:
        ordered = ", ".join(f"t.{name}" for name in order.split(", "))
        given = {column: value for column, value in equal.items() if value is not None}
        chosen = [f"t.{column} = ${number}" for number, column in enumerate(given, 1)]
        values = list(given.values())
        if experiment is not None:
            values.append(experiment)
            chosen.append(
                "t.run_id IN (SELECT run_id FROM experiment_runs JOIN experiments USING (experiment_id) "
                f"WHERE experiment_id = ${len(values)} OR name = ${len(values)})"
            )
        where = f"WHERE {' AND '.join(chosen)} " if chosen else ""
        return self._read(f"{query} {where}ORDER BY {ordered}", values)

    def texts(self, hashes: Iterable[str]) -> dict[str, str]:
        """Stored texts by hash; hashes that are not there are left out."""
        wanted = list(dict.fromkeys(hashes))
        frame = self.sql("SELECT hash, compressed FROM texts WHERE list_contains(?, hash)", [wanted])
        return {key: decompress(bytes(stored)) for key, stored in zip(frame["hash"], frame["compressed"], strict=True)}

    def text(self, key: str) -> str | None:
        """One stored text, or None."""
        return self.texts([key]).get(key)
