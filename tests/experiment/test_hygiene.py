"""Question hygiene: what a model knows by heart or cannot read whole is left out, counted, and another corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.analysis.compare import compare
from workbench.cli import main
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
