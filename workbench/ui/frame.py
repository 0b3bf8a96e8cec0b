"""What all pages share: which run log is open, which experiment is shown, and messages when there is none."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import streamlit as st

from workbench.analysis.compare import compare
from workbench.analysis.comparison import Comparison
from workbench.analysis.retrieval_gap import retrieval_gap
from workbench.errors import WorkbenchError
from workbench.runlog.reader import RunLogReader

DEFAULT_DATABASE = "runs/demo.duckdb"


def sidebar() -> None:
    """The choice of database and experiment; the database is also kept in the page's address."""
    with st.sidebar:
        current = st.query_params.get("db") or os.environ.get("WORKBENCH_DATABASE") or DEFAULT_DATABASE
        st.session_state.setdefault("database", current)  # not value=, since the Launch page sets it, too
        path = st.text_input("Run log (.duckdb)", key="database")
        if path != current:
            st.query_params["db"] = path
        st.session_state["database_path"] = path
        experiments = _experiments(path)
        if not experiments.empty:
            names = dict(zip(experiments["experiment_id"], experiments["name"], strict=True))
            st.selectbox(
                "Experiment", list(names), format_func=lambda key: f"{names[key]} ({key[:6]})", key="experiment"
            )


def _experiments(path: str) -> pd.DataFrame:
    try:
        return RunLogReader(Path(path)).experiments()
    except WorkbenchError:
        return pd.DataFrame(columns=["experiment_id", "name"])


def runs_of(database: Path, experiment_id: str) -> pd.DataFrame:
    """The runs of an experiment in the log so far; none while there is no log."""
    try:
        return RunLogReader(database).runs(experiment_id)
    except WorkbenchError:
        return RunLogReader(Path()).runs(experiment_id)


def reader() -> RunLogReader:
    """The open log; ends the page with a message when the file is missing, is not a log, or is empty."""
    path = Path(st.session_state.get("database_path", DEFAULT_DATABASE))
    log = RunLogReader(path)
    if not log.exists:
        st.info(
            f"There is no run log at `{path}` yet. Run `make demo`, or `workbench run examples/demo.yaml`, and reload."
        )
        st.stop()
    try:
        empty = log.experiments().empty
    except WorkbenchError as error:
        st.warning(str(error))
        st.stop()
    if empty:
        st.info(f"The run log `{path}` is empty. Run an experiment: `workbench run examples/demo.yaml`.")
        st.stop()
    return log


def _stamp(log: RunLogReader) -> str:
    """A string that changes whenever the log does: the cache key of what is computed from it."""
    files = [log.path, log.path.with_name(log.path.name + ".wal")]
    return str([(file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file()])


def compared(log: RunLogReader, by: str, metric: str | None) -> Comparison:
    """The comparison of the chosen experiment, cached until the log changes. Callers must not modify it."""
    return _compared(str(log.path.resolve()), _stamp(log), experiment(), by, metric)


def answers_of(log: RunLogReader) -> pd.DataFrame:
    """The answers of the chosen experiment, cached until the log changes. Callers must not modify them."""
    return _answers(str(log.path.resolve()), _stamp(log), experiment())


def questions_of(log: RunLogReader) -> pd.DataFrame:
    """The questions of the chosen experiment's corpora."""
    asked = log.questions()
    return asked[asked["corpus_fingerprint"].isin(log.runs(experiment())["corpus_fingerprint"])]


def gap_of(log: RunLogReader) -> pd.DataFrame:
    """The `retrieval_gap` table of the chosen experiment, cached. Callers must not modify it."""
    return _gap(str(log.path.resolve()), _stamp(log), experiment())


@st.cache_resource(max_entries=8, show_spinner="Comparing ...")
def _compared(path: str, stamp: str, chosen: str | None, by: str, metric: str | None) -> Comparison:
    return compare(path, experiment=chosen, by=by, metric=metric)


@st.cache_resource(max_entries=2, show_spinner="Reading the answers ...")
def _answers(path: str, stamp: str, chosen: str | None) -> pd.DataFrame:
    return RunLogReader(path).answers(chosen)


@st.cache_resource(max_entries=8, show_spinner="Comparing ...")
def _gap(path: str, stamp: str, chosen: str | None) -> pd.DataFrame:
    log = RunLogReader(path)
    return retrieval_gap(_answers(path, stamp, chosen), log.hits(chosen), log.questions())


def plain(text: str) -> str:
    """A text escaped for Markdown, so that it is shown as it is: no links from addresses, no italics."""
    return re.sub(r"([\\`*_{}\[\]()#+!$~|<>:])", r"\\\1", text)


def experiment() -> str | None:
    """The id of the chosen experiment."""
    chosen = st.session_state.get("experiment")
    return str(chosen) if chosen else None


def reader_notice(models: list[str]) -> None:
    """Say that the built-in reader is a baseline, if one of the models is it."""
    if any(model.startswith("extractive") for model in models):
        st.caption(
            "The model **extractive** is a baseline reader that quotes sentences, not a language model. Plug in a real "
            "one in the experiment file: `openai/gpt-4o-mini`, `anthropic/claude-sonnet-4-5`, `ollama/llama3.2`, "
            "`vllm/NAME@http://127.0.0.1:8000/v1`; the key comes from the environment."
        )
