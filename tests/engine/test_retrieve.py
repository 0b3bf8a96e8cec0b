"""`workbench retrieve`: figures by hand on a corpus made for it, and no model called."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import main
from workbench.engine.retrieve import pooled, retrieve
from workbench.errors import InputError, UnknownName
from workbench.records import Chunk, Context, Corpus, Document, Question

GROUND = {"Ashford": "much", "Bray": "little", "Corby": "some", "Derby": "no"}
TEXT = " ".join(f"The mill of {place} ground {word} corn." for place, word in GROUND.items())


def corpus(**options: Any) -> Corpus:
    """Two contexts of four sentences; each question's evidence is the sentence that holds its place."""
    contexts = [Context((Document("d", TEXT.replace("mill", kind)),)) for kind in ("mill", "forge")]
    questions = []
    for number, context in enumerate(contexts):
        document = context.documents[0]
        for place in GROUND:
            start = document.text.index("The", max(0, document.text.index(place) - 14))
            span = Chunk.of(document, start, document.text.index(".", start) + 1)
            questions.append(
                Question(f"{number}{place}", f"What was it in {place}?", context.context_id, ("x",), evidence=(span,))
            )
    questions.append(Question("none", "Who?", contexts[0].context_id, ("x",)))
    return Corpus.of("mills", contexts, questions)


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("workbench.catalogue.corpus", lambda name: corpus)
    return {
        "name": "r",
        "database": str(tmp_path / "r.duckdb"),
        "corpora": ["mills"],
        "models": ["openai/none"],  # never opened: no key is needed
        "pipelines": [{"chunk_rag": {"splitter": "single", "top_k": 2}}, "closed_book", "map_reduce"],
    }


def test_every_retriever_is_measured_and_the_rest_is_named(experiment: dict[str, Any]) -> None:
    report = retrieve(experiment)
    assert [row.retriever for row in report.rows] == [
        f"chunk_rag[retriever={retriever},splitter=single]" for retriever in ("dense", "sparse", "hybrid")
    ]
    for row in report.rows:
        assert row.questions == 8
        assert (row.recall[20], row.coverage_at_10) == (1, 1)
    sparse = report.rows[1]  # the place names its sentence; LSA has few dimensions for so few sentences
    assert (sparse.recall[1], sparse.mrr, sparse.ndcg_at_10) == (1, 1, 1)
    said = " ".join(report.left_out)
    assert "1 questions without evidence" in said
    assert "closed_book: retrieves nothing" in said and "map_reduce: asks a model" in said


def test_figures_are_the_arithmetic_of_ranks(experiment: dict[str, Any]) -> None:
    experiment["pipelines"] = [{"chunk_rag": {"splitter": "single"}}]
    asked = corpus()
    question = asked.questions[0]
    # the evidence is Bray's sentence, the question names Ashford: a sparse search puts Ashford first
    other = asked.questions[1].evidence[0]
    wrong = Question("w", "Ashford much; Bray", question.context_id, ("x",), evidence=(other,))
    whole = Corpus.of("mills", list(asked.contexts.values()), [wrong])
    import workbench.catalogue

    workbench.catalogue.corpus = lambda name: lambda: whole  # type: ignore[assignment]  # the fixture restores it
    row = next(row for row in retrieve(experiment).rows if "sparse" in row.retriever)
    assert row.recall[1] == 0 and row.recall[5] == 1
    assert row.mrr == pytest.approx(1 / 2)
    assert row.ndcg_at_10 == pytest.approx(1 / 1.584962500721156)  # 1 / log2(3)


def test_a_limit_counts_questions_that_have_evidence(
    experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = corpus()
    bare = [Question(f"bare{n}", "Who?", whole.questions[0].context_id, ("x",)) for n in range(40)]
    mixed = Corpus.of("mills", list(whole.contexts.values()), [*bare, *whole.questions])
    monkeypatch.setattr("workbench.catalogue.corpus", lambda name: lambda: mixed)
    report = retrieve(experiment, limit=6)
    assert {row.questions for row in report.rows} == {6}
    assert "corpus mills: 41 questions without evidence spans" in report.left_out


def test_what_makes_no_sense_with_a_retriever_is_not_measured_with_it(experiment: dict[str, Any]) -> None:
    experiment["pipelines"] = [{"chunk_rag": {"splitter": "single"}}, {"chunk_rag": {"query": "hyde"}}]
    report = retrieve(experiment)
    assert len(report.rows) == 3
    assert not any("hyde" in reason and "sparse" in reason for reason in report.left_out)


def test_what_makes_no_difference_to_a_ranking_is_measured_once(experiment: dict[str, Any]) -> None:
    experiment["pipelines"] = [
        {"chunk_rag": {"splitter": "single"}},
        {"chunk_rag": {"splitter": "single", "fusion": "interleave"}},
        {"chunk_rag": {"splitter": "single", "k1": 0.9}},
    ]
    labels = [row.retriever.removeprefix("chunk_rag[retriever=") for row in retrieve(experiment).rows]
    assert labels == [
        "dense,splitter=single]", "sparse,splitter=single]", "hybrid,splitter=single]",
        "hybrid,splitter=single,fusion=interleave]", "sparse,splitter=single,k1=0.9]", "hybrid,splitter=single,k1=0.9]",
    ]  # fmt: skip


def test_differences_are_paired_and_broken_down(experiment: dict[str, Any]) -> None:
    experiment["pipelines"] = [{"chunk_rag": {"splitter": "single", "dense_index": "hnsw"}}]
    rows = retrieve(experiment).rows
    dense, sparse, _ = rows
    assert (dense.difference, dense.p_value) == (None, None)
    assert sparse.difference == pytest.approx(sparse.recall[10] - dense.recall[10])
    assert sparse.p_value is not None and 0 < sparse.p_value <= 1
    assert sparse.interval[0] <= sparse.recall[10] <= sparse.interval[1] <= 1
    assert (dense.index, dense.index_recall, sparse.index, sparse.index_recall) == ("hnsw", 1.0, "", None)
    other = retrieve(experiment, baseline=sparse.retriever).rows
    assert other[1].difference is None and other[0].difference == pytest.approx(-(sparse.difference or 0))
    with pytest.raises(UnknownName, match="retrieval configuration"):
        retrieve(experiment, baseline="chunk_rag")
    with pytest.raises(UnknownName, match="unknown label 'hops'"):
        retrieve(experiment, by="hops")


def test_groups_have_their_own_questions_and_baselines(
    experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = corpus()
    labelled = [replace(q, task="easy" if n % 4 else "hard") for n, q in enumerate(whole.questions)]
    mixed = Corpus.of("mills", list(whole.contexts.values()), labelled)
    monkeypatch.setattr("workbench.catalogue.corpus", lambda name: lambda: mixed)
    rows = retrieve(experiment, by="task").rows
    assert [(row.group, row.questions) for row in rows] == [("easy", 6)] * 3 + [("hard", 2)] * 3
    assert [row.difference is None for row in rows] == [True, False, False] * 2


def test_pooled_contexts_keep_their_evidence() -> None:
    whole = pooled(corpus())
    (context,) = whole.contexts.values()
    assert [document.document_id for document in context.documents] == ["d", "1/d"]
    assert all(context.holds(span) for question in whole.questions for span in question.evidence)


def test_a_file_that_retrieves_nothing_says_so(experiment: dict[str, Any]) -> None:
    experiment["pipelines"] = ["closed_book"]
    with pytest.raises(InputError, match="add chunk_rag"):
        retrieve(experiment)


def test_the_command_prints_a_table_json_and_csv(
    experiment: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(json.dumps(experiment))
    assert main(["retrieve", str(file)]) == 0
    assert "recall@5" in capsys.readouterr().out
    assert main(["retrieve", str(file), "--format", "json", "--pool", "--limit", "3"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[0]["corpus"] == "mills pooled" and 0 <= rows[0]["recall_at_10"] <= 1
    assert main(["retrieve", str(file), "--by", "task"]) == 0
    assert "against first" in capsys.readouterr().out
    assert main(["retrieve", str(file), "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("corpus,retriever,questions,mrr")
