"""Every mistake in an experiment is one line naming file, field and fix, exit code 2, and nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_type_hints

import duckdb
import pytest

from workbench import catalogue
from workbench.cli.main import main
from workbench.errors import InputError
from workbench.experiment.config import load
from workbench.experiment.number_fields import refuse_booleans
from workbench.experiment.setup import prepare

WORLD = "{world: {tokens: 4000, contexts: 1, questions: 4}}"
FILE = """
name: bad
database: log.duckdb
corpora: [{world: {tokens: 4000, contexts: 1, questions: 4}}]
models: [extractive]
pipelines: [chunk_rag]
"""


def refused(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a run of this file ends with."""
    file = folder / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    before = sorted(path.name for path in folder.iterdir())
    assert main(["run", str(file), "--quiet"]) == 2
    assert sorted(path.name for path in folder.iterdir()) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("given", "instead", "told"),
    [
        ("tokens: 4000", "tokens: many", "corpora.0.tokens: tokens of corpus world must be a valid integer"),
        ("contexts: 1", "contexts: 2.5", "corpora.0.contexts: contexts of corpus world must be a valid integer"),
        ("contexts: 1", "contexts: -1", "corpora.0.contexts: contexts of corpus world is negative"),
        ("contexts: 1", "context: 1", "corpora.0: corpus world has no option 'context'"),
        ("[extractive]", "[extractive, extractive]", "models.1: 'extractive' appears twice"),
        ("[chunk_rag]", "[{chunk_rag: {top_k: []}}]", "pipelines.0: top_k is an empty list"),
        ("[chunk_rag]", "[{chunk_rag: {top_k: true}}]", "pipelines.0: top_k is wrong: true is no number"),
        ("[chunk_rag]", "[{chunk_rag: {top_k: [5, no]}}]", "pipelines.0: top_k is wrong: false is no number"),
        ("[chunk_rag]", "[chunk_rag]\nconcurrency: true", "concurrency: is wrong: true is no number"),
        ("[chunk_rag]", "[chunk_rag]\nbudget: {usd: true}", "budget.usd: is wrong: true is no number"),
        ("[extractive]", "[{extractive: {price: {input: true, output: 1}}}]", "price: holds True"),
        ("[chunk_rag]", "[chunk_rag]\nseed: 1\nseed: 2", "line 8: 'seed' stands there twice"),
        ("[chunk_rag]", "[chunk_rag]\nseed: 99999999999", "seed: is wrong"),
        ("corpora: [", f"corpora: [{WORLD}, ", "corpora.1: 'world' appears twice"),
        ("corpora: [", f"corpora: [{WORLD.replace('4}', '4, seed: 7}')}, ", "corpora.1: world-4k has"),
        (WORLD, "files", "corpora.0: corpus files needs path"),
    ],
)
def test_wrong_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, instead: str, told: str) -> None:
    assert f"bad.yaml: {told}" in refused(tmp_path, FILE.replace(given, instead), capsys)


def test_no_method_takes_a_boolean_for_a_number() -> None:
    options = [
        (name, field)
        for name, method in catalogue.pipelines().items()
        for field, kind in get_type_hints(method).items()
        if kind in (int, float, int | None, float | None)
    ]
    assert len(options) > 100
    for name, field in options:
        with pytest.raises(InputError, match=f"{field} is wrong: true is no number"):
            load({"name": "b", "corpora": ["world"], "models": ["extractive"], "pipelines": [{name: {field: True}}]})


def test_a_boolean_is_refused_in_a_list_of_numbers_and_taken_where_one_is_meant() -> None:
    with pytest.raises(ValueError, match="false is no number"):
        refuse_booleans([1, False], tuple[int, ...])
    assert refuse_booleans([1, False], tuple[int | bool, ...]) == [1, False]
    assert refuse_booleans(True, Literal[1, True]) is True
    with pytest.raises(ValueError, match="true is no number"):
        refuse_booleans(True, int | str | None)


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("hello")


def foreign_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (a INTEGER)")


def foreign_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE sales (a INTEGER)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (folder, "is a folder"),
        (text, "is no DuckDB database"),
        (foreign_duckdb, "is a database of something else, with a table 'sales'"),
    ],
)
def test_places_of_the_run_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], told: str
) -> None:
    make(tmp_path / "log.duckdb")
    line = refused(tmp_path, FILE, capsys)
    assert "bad.yaml: database: " in line
    assert told in line


def test_a_run_log_below_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text(tmp_path / "notes.txt")
    line = refused(tmp_path, FILE.replace("log.duckdb", "notes.txt/log.duckdb"), capsys)
    assert "notes.txt is a file, no folder" in line


@pytest.mark.parametrize(("make", "told"), [(folder, "is a folder"), (text, "is no response cache")])
def test_places_of_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], told: str
) -> None:
    make(tmp_path / "responses.sqlite")
    line = refused(tmp_path, FILE, capsys)
    assert "bad.yaml: cache: " in line
    assert told in line


def test_somebody_elses_sqlite_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign_sqlite(tmp_path / "responses.sqlite")
    (tmp_path / "bad.yaml").write_text(FILE)
    assert main(["run", str(tmp_path / "bad.yaml"), "--quiet"]) == 1
    assert "name another file for the response cache" in capsys.readouterr().err
    assert not (tmp_path / "log.duckdb").exists()


def test_comparing_somebody_elses_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign_duckdb(tmp_path / "sales.duckdb")
    assert main(["compare", str(tmp_path / "sales.duckdb")]) == 2
    assert "is a database of something else, with a table 'sales'" in capsys.readouterr().err


def test_a_report_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "log.duckdb"), "-o", str(tmp_path)]) == 2
    assert "--out: is a folder" in capsys.readouterr().err


def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ui", "--port", "99999"])
    assert ended.value.code == 2
    assert "must be 1 to 65535" in capsys.readouterr().err


def test_lists_and_ranges_of_generators_are_still_taken() -> None:
    corpora = [
        {"needle": {"tokens": [1_000, 2_000], "depths": 2, "kinds": None}},
        {"ruler": {"tasks": "vt", "samples": 1}},
    ]
    setup = prepare(load({"name": "n", "corpora": corpora, "models": ["extractive"], "pipelines": ["chunk_rag"]}))
    assert [len(corpus.questions) for corpus in setup.corpora] == [4, 1]
