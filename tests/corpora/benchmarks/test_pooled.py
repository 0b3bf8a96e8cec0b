"""HotpotQA, QMSum and NQ-open: evidence stands where it is said to."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.benchmarks import hotpotqa, nq_open, qmsum
from corpora.benchmarks.raw import spread
from workbench.errors import InputError
from workbench.records import Question

HOTPOT = {
    "_id": "h1",
    "question": "Which river is by the town of Ann?",
    "answer": "Lisk",
    "type": "bridge",
    "level": "easy",
    "supporting_facts": [["Ann", 1], ["Oakford", 0], ["Oakford", 7]],
    "context": [["Ann", ["Ann is a smith.", " She lives in Oakford."]], ["Oakford", ["Oakford is by the Lisk."]]],
}


def test_hotpotqa(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps([HOTPOT]))
    pool = {**dict(HOTPOT["context"]), "Other": ["Nothing."]}  # type: ignore[arg-type]
    (tmp_path / "dev_corpus.json").write_text(json.dumps(pool))
    corpus = hotpotqa.load(path=str(tmp_path))
    (question,) = corpus.questions
    assert [chunk.text for chunk in question.evidence] == ["She lives in Oakford.", "Oakford is by the Lisk."]
    assert len(corpus.contexts[question.context_id].documents) == 3
    assert corpus.notes == ("1 supporting facts name sentences that do not exist",)
    own = hotpotqa.load(path=str(tmp_path), context="own")
    assert len(own.contexts[own.questions[0].context_id].documents) == 2


def test_qmsum(tmp_path: Path) -> None:
    meeting = {
        "meeting_transcripts": [{"speaker": "A", "content": "Hello."}, {"speaker": "B", "content": "The cost is 5."}],
        "general_query_list": [{"query": "Summarise.", "answer": "They met."}],
        "specific_query_list": [
            {"query": "What is the cost?", "answer": "5.", "relevant_text_span": [["1", "1"], ["5", "9"]]}
        ],
    }
    (tmp_path / "test.jsonl").write_text(json.dumps(meeting) + "\n")
    corpus = qmsum.load(path=str(tmp_path))
    general, specific = corpus.questions
    assert (general.task, specific.task) == ("general", "specific")
    assert [chunk.text for chunk in specific.evidence] == ["B: The cost is 5."]
    assert corpus.notes == ("1 spans name turns that do not exist",)


def test_nq_open(tmp_path: Path) -> None:
    rows = [
        {"question": f"q{i}", "answers": ["a"], "ctxs": [{"title": "T", "text": f"text {i % 2}"}]} for i in range(3)
    ]
    file = tmp_path / "nq-open-oracle.jsonl.gz"
    with gzip.open(file, "wt") as lines:
        lines.write("".join(json.dumps(row) + "\n" for row in rows))
    corpus = nq_open.load(path=str(tmp_path))
    assert len(corpus.questions) == 3
    (haystack,) = corpus.contexts.values()
    assert [document.text for document in haystack.documents] == ["text 0", "text 1"]
    assert len(nq_open.load(path=str(tmp_path), passages=1).questions) == 2
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(InputError, match="get it again"):
        nq_open.load(path=str(tmp_path))


@pytest.mark.parametrize(
    ("loader", "folder", "questions", "documents"),
    [(hotpotqa, "hipporag", 100, 994), (qmsum, "qmsum", 281, 35), (nq_open, "lost_in_the_middle", 2655, 2600)],
)
def test_the_published_files(shared_data: Path, loader: object, folder: str, questions: int, documents: int) -> None:
    corpus = loader.load(path=str(shared_data / folder))  # type: ignore[attr-defined]
    assert len(corpus.questions) == questions
    assert sum(len(context.documents) for context in corpus.contexts.values()) == documents
    for question in corpus.questions:
        assert all(corpus.contexts[question.context_id].holds(chunk) for chunk in question.evidence)


def made(task: str, context: str, number: int) -> Question:
    return Question(f"{task}-{context}-{number}", "?", context, ("x",), task=task)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pqrs")), min_size=1, max_size=40), st.integers(1, 45)
)
def test_a_limit_draws_evenly_over_tasks_then_contexts(pairs: list[tuple[str, str]], limit: int) -> None:
    questions = [made(task, context, i) for i, (task, context) in enumerate(pairs)]
    kept = spread(questions, limit)
    assert len(kept) == min(limit, len(questions)) and kept == [q for q in questions if q in kept]
    fewer = spread(questions, limit - 1) if limit > 1 else []
    assert all(question in kept for question in fewer)
    there, drawn = Counter(q.task for q in questions), Counter(q.task for q in kept)
    for task, other in product(there, there):  # no task has two more than another that has some left
        assert drawn[task] <= drawn[other] + 1 or drawn[other] == there[other]


def test_a_small_limit_asks_every_task_and_as_many_contexts() -> None:
    questions = [made(task, context, i) for context in "pqrstuvwx" for task in "abc" for i in range(3)]
    kept = spread(questions, 9)
    assert Counter(q.task for q in kept) == {"a": 3, "b": 3, "c": 3}
    assert len({q.context_id for q in kept}) == 9
