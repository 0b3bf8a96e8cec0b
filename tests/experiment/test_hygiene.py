"""Question hygiene: what a model knows by heart or cannot read whole is left out, counted, and another corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.analysis.compare import compare
from workbench.cli.main import main
from workbench.errors import InputError
from workbench.experiment.config import load
from workbench.experiment.setup import prepare


def experiment(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "clean",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 14}}],
        "models": ["extractive"],
        "pipelines": ["chunk_rag"],
        **changes,
    }


def test_contexts_that_do_not_fit_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpora = [{"needle": {"tokens": [1_000, 20_000], "depths": 3}}]
    whole = prepare(load(experiment(tmp_path, corpora=corpora)))
    given = experiment(tmp_path, corpora=corpora, hygiene={"truncation": True})
    cleaned = prepare(load(given))
    assert (len(whole.corpora[0].questions), len(cleaned.corpora[0].questions)) == (6, 3)
    (note,) = cleaned.corpora[0].notes
    assert note == "3 questions left out: the context does not fit the window of extractive (8,192 tokens)"
    assert whole.runs[0].run_id != cleaned.runs[0].run_id
    assert wb.plan(given).notes == (f"needle: {note}",)
    summary = wb.run(given, progress=False)
    assert f"needle: {note}" in compare(summary.database).notes


def test_what_is_known_without_the_text_is_left_out(tmp_path: Path) -> None:
    from workbench.llm.model import ChatRequest
    from workbench.llm.scripted import ScriptedModel

    corpus = prepare(load(experiment(tmp_path))).corpora[0]
    known = [q for q in corpus.questions if not q.metadata.get("unanswerable")][:2]

    def by_heart(request: ChatRequest) -> str:
        asked = request.messages[-1].content
        return next((q.answers[0] for q in known if q.text in asked), "no idea")

    models = {"clever": ScriptedModel(by_heart, name="clever", window=16_000)}
    book = experiment(tmp_path, models=["clever"], pipelines=["closed_book"])
    wb.run(book, models=models, progress=False)
    given = load(experiment(tmp_path, models=["clever"], hygiene={"closed_book": str(tmp_path / "log.duckdb")}))
    cleaned = prepare(given, model_objects=models).corpora[0]
    assert {q.question_id for q in corpus.questions} - {q.question_id for q in cleaned.questions} == {
        q.question_id for q in known
    }
    assert cleaned.notes[-1] == "2 questions left out: answered right without the text"


def test_wrong_rules_are_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = experiment(tmp_path, hygiene={"closed_book": str(tmp_path / "none.duckdb")})
    with pytest.raises(InputError, match="run `closed_book` on the corpus"):
        prepare(load(missing))
    with pytest.raises(InputError, match="truncation"):
        load(experiment(tmp_path, hygiene={"closed": True}))
    with pytest.raises(InputError, match="leaves no question"):
        prepare(load(experiment(tmp_path, corpora=[{"needle": {"tokens": 20_000}}], hygiene={"truncation": True})))
    file = tmp_path / "e.yaml"
    file.write_text(
        "name: x\ncorpora: [needle]\nmodels: [extractive]\npipelines: [oracle]\nhygiene: {closed_book: no.duckdb}\n"
    )
    assert main(["plan", str(file)]) == 2
    assert "no such run log" in capsys.readouterr().err


def test_an_experiment_without_rules_is_the_experiment_that_it_was(tmp_path: Path) -> None:
    assert load(experiment(tmp_path)).experiment_id != load(experiment(tmp_path, hygiene={})).experiment_id


def test_answers_to_another_corpus_of_the_same_name_remove_nothing(tmp_path: Path) -> None:
    from workbench.llm.model import ChatRequest
    from workbench.llm.scripted import ScriptedModel

    options = {"tokens": 4_000, "contexts": 1, "questions": 14}
    other = prepare(load(experiment(tmp_path, corpora=[{"world": {**options, "seed": 8}}]))).corpora[0]

    def by_heart(request: ChatRequest) -> str:
        asked = request.messages[-1].content
        return next((q.answers[0] for q in other.questions if q.text in asked), "no idea")

    models = {"clever": ScriptedModel(by_heart, name="clever", window=16_000)}
    corpora = [{"world": {**options, "seed": 8}}]
    wb.run(
        experiment(tmp_path, corpora=corpora, models=["clever"], pipelines=["closed_book"]), models=models,
        progress=False,
    )  # fmt: skip
    given = load(experiment(tmp_path, models=["clever"], hygiene={"closed_book": str(tmp_path / "log.duckdb")}))
    with pytest.raises(InputError, match="holds no closed_book answers"):
        prepare(given, model_objects=models)


def ids(given: dict[str, Any]) -> list[str]:
    return [question.question_id for question in prepare(load(given)).corpora[0].questions]


def test_label_errors_are_left_out_by_id_with_their_reasons(tmp_path: Path) -> None:
    whole = experiment(tmp_path)
    first, second, *rest = ids(whole)
    given = experiment(tmp_path, hygiene={"exclude": {"world": {first: "wrong date", second: "wrong date"}}})
    cleaned = prepare(load(given))
    assert [q.question_id for q in cleaned.corpora[0].questions] == rest
    note = f"2 questions left out: label error: wrong date ({first}, {second})"
    assert cleaned.corpora[0].notes == (note,)
    assert cleaned.runs[0].run_id != prepare(load(whole)).runs[0].run_id
    assert load(given).experiment_id != load(whole).experiment_id
    assert f"world-4k: {note}" in wb.plan(given).notes
    summary = wb.run(given, progress=False)
    assert f"world-4k: {note}" in compare(summary.database).notes
    assert ids(whole) == [first, second, *rest]  # without the rule, the whole corpus is back


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_a_list_of_label_errors_is_a_file_beside_the_experiment(tmp_path: Path, suffix: str) -> None:
    first, *rest = ids(experiment(tmp_path))
    text = {
        "csv": f"question_id,reason\n{first},wrong\n",
        "jsonl": f'{{"question_id": "{first}", "reason": "wrong"}}\n',
        "json": f'{{"{first}": "wrong"}}',
    }
    (tmp_path / f"errata.{suffix}").write_text(text[suffix])
    file = tmp_path / "e.yaml"
    whole = (
        "name: x\ncorpora: [world: {tokens: 4000, contexts: 1, questions: 14}]\nmodels: [extractive]\n"
        "pipelines: [oracle]\n"
    )
    file.write_text(f"{whole}hygiene: {{exclude: errata.{suffix}}}\n")
    loaded = load(file)
    assert [q.question_id for q in prepare(loaded).corpora[0].questions] == rest
    (tmp_path / f"errata.{suffix}").write_text(text[suffix].replace("wrong", "doubtful"))
    assert load(file).experiment_id != loaded.experiment_id  # the list is part of the experiment, not its name


def test_a_wrong_list_of_label_errors_is_one_line(tmp_path: Path) -> None:
    def prepared(exclude: Any, **changes: Any) -> Any:
        return prepare(load(experiment(tmp_path, hygiene={"exclude": exclude}, **changes)))

    whole = [{"world": {"tokens": 4_000, "contexts": 1, "questions": 14}}]
    with pytest.raises(InputError, match="do not exist: w9"):
        prepare(load(experiment(tmp_path, corpora=["needle"], hygiene={"exclude": {"needle": {"w9": "no"}}})))
    (note,) = prepared({"world": {"w9": "no"}}, corpora=whole).corpora[0].notes  # options chose from the questions
    assert note == "1 excluded ids are of no question here: w9"
    with pytest.raises(InputError, match="locomo"):
        prepared({"locomo": "detected"})
    with pytest.raises(InputError, match="no label errors of world are known"):
        prepared({"world": "known"})
    with pytest.raises(InputError, match="no such file"):
        prepared("errata.csv")
    with pytest.raises(InputError, match="is no list of questions"):
        prepared("detectd")
    with pytest.raises(InputError, match="names no question"):
        prepared({"world": {}})
    with pytest.raises(InputError, match="hygiene"):
        prepared(7)
    assert prepared("known").corpora[0].notes == ()
    assert prepared(["detected", "known"]).corpora[0].notes == ()


def test_a_finished_comparison_is_made_with_and_without_a_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = experiment(tmp_path)
    summary = wb.run(given, progress=False)
    first, second, *_ = ids(given)
    whole = compare(summary.database)
    fewer = compare(summary.database, without={first: "wrong date", second: "wrong date", "w9": "not asked"})
    assert (whole.table["n"].iloc[0], fewer.table["n"].iloc[0]) == (14, 12)
    assert "2 questions left out of this comparison: wrong date" in fewer.notes
    (tmp_path / "errata.csv").write_text(f"question_id,reason\n{first},wrong\n")
    assert main(["compare", str(summary.database), "--without", str(tmp_path / "errata.csv")]) == 0
    assert "1 questions left out of this comparison: wrong" in capsys.readouterr().out
    assert main(["report", str(summary.database), "--without", str(tmp_path / "none.csv")]) == 2
    everything = dict.fromkeys(ids(given), "all")
    with pytest.raises(InputError, match="no other answers"):
        compare(summary.database, without=everything)


def test_retrieval_is_measured_without_label_errors_too(tmp_path: Path) -> None:
    from workbench.engine.retrieve import retrieve

    given = experiment(tmp_path)
    wrong = next(q for q in prepare(load(given)).corpora[0].questions if q.evidence).question_id
    whole = retrieve(given)
    fewer = retrieve(experiment(tmp_path, hygiene={"exclude": {"world": {wrong: "wrong"}}, "truncation": True}))
    assert fewer.rows[0].questions == whole.rows[0].questions - 1
    assert f"corpus world-4k: 1 questions left out: label error: wrong ({wrong})" in fewer.left_out


def test_a_benchmark_s_own_list_is_a_part_of_the_experiment(tmp_path: Path) -> None:
    row = {
        "question_type": "single-session-user", "question": "Where?", "answer": "Oakford", "question_date": "d",
        "haystack_session_ids": ["s1"], "haystack_dates": ["2023/05/20"],
        "haystack_sessions": [[{"role": "user", "content": "I live in Oakford."}]], "answer_session_ids": ["s1"],
    }  # fmt: skip
    rows = [{**row, "question_id": f"q{number}"} for number in range(3)]
    (tmp_path / "longmemeval_s.json").write_text(json.dumps(rows))
    file = tmp_path / "exp.yaml"
    file.write_text(
        f"name: own\ndatabase: log.duckdb\nmodels: [extractive]\npipelines: [closed_book]\n"
        f"corpora:\n  - longmemeval@{tmp_path}: {{exclude: errata.csv}}\n"
    )

    def prepared(*ids: str) -> Any:
        lines = "".join(f"{name},wrong date\n" for name in ids)
        (tmp_path / "errata.csv").write_text(f"question_id,reason\n{lines}")  # beside the experiment's file
        return prepare(load(file))

    one, again, two = prepared("q0"), prepared("q0"), prepared("q0", "q1")
    assert [len(setup.corpora[0].questions) for setup in (one, two)] == [2, 1]
    assert two.corpora[0].notes == ("2 questions left out: wrong date",)
    assert one.experiment.experiment_id == again.experiment.experiment_id != two.experiment.experiment_id
    assert one.runs[0].run_id == again.runs[0].run_id != two.runs[0].run_id
    with pytest.raises(InputError, match="corpus longmemeval: exclude: names questions that do not exist: q9"):
        prepared("q9")
