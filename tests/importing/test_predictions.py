"""Published predictions become a run that is compared with other runs on the same questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import main
from workbench.errors import InputError, UnknownName
from workbench.importing.predictions import import_predictions
from workbench.importing.rows import Fields
from workbench.runlog.reader import RunLogReader


def _file(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


ROWS = [
    {"question": "Who built the mill?", "prediction": "Ada Hale", "ground_truth": "Ada Hale", "file": "a.txt"},
    {"question": "When?", "prediction": "in 1907", "ground_truth": ["1907", "the year 1907"], "file": "a.txt"},
    {"question": "When?", "prediction": "1911", "ground_truth": "1912", "file": "b.txt"},
]


def test_two_systems_answers_meet_in_the_same_questions(tmp_path: Path) -> None:
    database = tmp_path / "log.duckdb"
    one = import_predictions(
        _file(tmp_path / "full.jsonl", ROWS), corpus="mills", model="m", pipeline="full", database=database
    )
    # another system numbers its rows, orders them otherwise, and has one question fewer
    other = [{**row, "id": 90 + i} for i, row in enumerate(reversed(ROWS[:2]))]
    two = import_predictions(
        _file(tmp_path / "rag.jsonl", other), corpus="mills", model="m", pipeline="rag", database=database
    )
    assert (one.answers, two.answers) == (3, 2)
    assert one.means["token_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    reader = RunLogReader(database)
    answers = reader.answers("imported mills")
    shared = set(answers.loc[answers["run_id"] == one.run_id, "question_id"])
    assert set(answers.loc[answers["run_id"] == two.run_id, "question_id"]) < shared
    assert set(answers["method"]) == {"imported"}
    assert answers["context_id"].nunique() == 2  # a.txt and b.txt
    assert list(reader.runs("imported mills")["position"]) == [0, 1]


def test_importing_again_overwrites(tmp_path: Path) -> None:
    database = tmp_path / "log.duckdb"
    for said in ("wrong", "Ada Hale"):
        file = _file(tmp_path / "preds.jsonl", [{**ROWS[0], "prediction": said}])
        done = import_predictions(file, corpus="mills", model="m", pipeline="full", database=database)
    answers = RunLogReader(database).answers()
    assert list(answers["text"]) == ["Ada Hale"]
    assert done.means == {"token_f1": 1.0}


def test_a_question_asked_of_several_unpublished_contexts_is_kept_each_time(tmp_path: Path) -> None:
    rows = [{"question": "Where is the apple?", "target": "garden", "output": said} for said in ("garden", "office")]
    done = import_predictions(
        _file(tmp_path / "preds.jsonl", rows), corpus="babi", model="m", pipeline="full", database=tmp_path / "l.duckdb"
    )
    assert (done.answers, done.twice) == (2, 0)
    assert done.means["token_f1"] == 0.5


def test_a_missing_answer_counts_as_failed_and_not_as_left_out(tmp_path: Path) -> None:
    rows = [ROWS[0], {**ROWS[1], "prediction": False}]
    done = import_predictions(
        _file(tmp_path / "preds.jsonl", rows),
        corpus="mills",
        model="m",
        pipeline="full",
        database=tmp_path / "l.duckdb",
    )
    assert (done.answers, done.failed) == (1, 1)
    assert sorted(RunLogReader(tmp_path / "l.duckdb").answers()["status"]) == ["failed", "ok"]


def test_a_benchmarks_rule_gets_its_facts_from_the_row(tmp_path: Path) -> None:
    rows = [
        {
            "id": 0,
            "prediction": "Type: Animal organ",
            "ground_truth": "Animal",
            "all_classes": ["Animal", "Animal organ"],
        }
    ]
    done = import_predictions(
        _file(tmp_path / "preds.jsonl", rows),
        corpus="trec",
        model="m",
        pipeline="full",
        database=tmp_path / "l.duckdb",
        fields=Fields(task="trec"),
        metrics=["longbench", "babilong"],
    )
    assert done.means["longbench"] == 0.5
    assert done.means["longbench_lenient"] == 0.5
    assert done.notes == (
        "1 answers have no score: babilong: BABILong has no task 'trec'; it has qa1 to qa20",
        "1 answers have no score: babilong_lenient: BABILong has no task 'trec'; it has qa1 to qa20",
    )


def test_rows_of_a_known_corpus_are_its_questions(tmp_path: Path) -> None:
    from corpora.world import load

    corpus = load(tokens=4_000, contexts=1, questions=6, seed=3)
    rows = [
        {
            "query": f"  {question.text.upper()} ",
            "prediction": question.answers[0] if question.answers else "unanswerable",
        }
        for question in corpus.questions
    ]
    rows.append({"query": "Who else?", "prediction": "nobody"})
    done = import_predictions(
        _file(tmp_path / "preds.jsonl", rows),
        corpus="world",
        model="m",
        pipeline="oracle of delphi",
        database=tmp_path / "l.duckdb",
        corpus_options={"tokens": 4_000, "contexts": 1, "questions": 6, "seed": 3},
    )
    assert done.unmatched == 1
    runs = RunLogReader(tmp_path / "l.duckdb").runs()
    assert list(runs["corpus_fingerprint"]) == [corpus.fingerprint]
    assert done.answers == len({question.text for question in corpus.questions})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": Fields(prediction="nix")}, "no row has a field 'nix'"),
        ({"fields": Fields(gold="nix")}, "no row has a field 'nix'"),
        ({"corpus": "world"}, "none of its 3 rows is a question of world"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    options = {"corpus": "mills", "model": "m", "pipeline": "p", "database": tmp_path / "l.duckdb"} | change
    if options["corpus"] == "world":
        options["corpus_options"] = {"tokens": 4_000, "contexts": 1, "questions": 6, "seed": 3}
    with pytest.raises(InputError, match=message):
        import_predictions(_file(tmp_path / "preds.jsonl", ROWS), **options)
    assert not (tmp_path / "l.duckdb").exists()


def test_bad_files_and_names_are_errors(tmp_path: Path) -> None:
    options: dict[str, Any] = {"corpus": "c", "model": "m", "pipeline": "p", "database": tmp_path / "l.duckdb"}
    (tmp_path / "cut.jsonl").write_text('{"prediction": "a", "ground_truth": "a"}\n{"pred')
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "map.json").write_text("{}")
    for name, message in (
        ("cut.jsonl", "line 2 is no JSON"),
        ("empty.jsonl", "no rows"),
        ("map.json", "no list"),
        ("x", "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            import_predictions(tmp_path / name, **options)
    with pytest.raises(UnknownName, match="unknown metric 'bleurgh'"):
        import_predictions(tmp_path / "cut.jsonl", **options, metrics=["bleurgh"])


def test_the_command_prints_means_and_leaderboard_without_inventing_costs(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _file(in_folder / "preds.jsonl", ROWS)
    command = ["import-predictions", "preds.jsonl", "--corpus", "mills", "--model", "m"]
    assert main([*command, "--pipeline", "full", "--metric", "exact_match", "--metric", "token_f1"]) == 0
    printed = capsys.readouterr().out
    assert "exact_match                      33.33" in printed
    assert "mills · m · 3 questions of 2 contexts" in printed
    row = next(line for line in printed.splitlines() if line.startswith("full "))
    assert "0.000000" not in row and " - " in row
    _file(in_folder / "lost.jsonl", [{**ROWS[0], "prediction": None}, ROWS[1]])
    assert main([*command[:1], "lost.jsonl", *command[2:], "--pipeline", "rag", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["failed"] == 1


def test_files_of_one_system_add_up_to_one_run(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, row in enumerate(ROWS):
        _file(in_folder / f"{i}.jsonl", [row])
    files = ["0.jsonl", "1.jsonl", "2.jsonl"]
    assert main(["import-predictions", *files, "--corpus", "mills", "--model", "m", "--pipeline", "full"]) == 0
    assert "mills · m · 3 questions" in capsys.readouterr().out
    assert list(RunLogReader(in_folder / "runs" / "imported.duckdb").runs()["questions_planned"]) == [3]


def test_published_lara_answers_of_two_arms_are_paired_on_the_corpus_itself(shared_data: Path, tmp_path: Path) -> None:
    from workbench.analysis.compare import compare

    folder = shared_data / "lara"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    for arm in ("full", "rag"):
        file = folder / "prediction" / "gpt-4o" / f"{arm}_preds_gpt-4o_32k_book_location.jsonl"
        done = import_predictions(
            file,
            corpus=f"lara@{folder}",
            model="gpt-4o",
            pipeline=arm,
            database=tmp_path / "l.duckdb",
            corpus_options={"kinds": ["book"]},
        )
        assert done.answers + done.unmatched == 55  # some rows belong to documents that are not in the folder
    table = compare(tmp_path / "l.duckdb").table
    assert list(table["pipeline"]) == ["full", "rag"]
    assert list(table["n"]) == [25, 25]
    assert table["usd_per_question"].isna().all()
    assert table["difference"].iloc[1] == pytest.approx(table["accuracy"].iloc[1] - table["accuracy"].iloc[0])


def test_published_rows_find_a_question_to_which_the_loader_added_words(tmp_path: Path) -> None:
    folder = tmp_path / "leval"
    folder.mkdir()
    row = {"instructions": ["Who built the mill?"], "outputs": ["Ada Hale"], "input": "Ada Hale built the mill."}
    _file(folder / "multidoc_qa.jsonl", [row])
    file = _file(tmp_path / "p.jsonl", [{"query": "Who built the mill?", "prediction": "Ada", "gt": "Ada Hale"}])
    done = import_predictions(
        file, corpus=f"leval@{folder}", model="m", pipeline="full", database=tmp_path / "log.duckdb"
    )
    assert done.answers == 1
