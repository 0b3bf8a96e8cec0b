"""LoCoMo: sessions as documents, turns as evidence, five categories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.benchmarks.locomo import load
from workbench.errors import InputError

SAMPLE = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ann",
        "speaker_b": "Bo",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ann", "dia_id": "D1:1", "text": "I painted a lake."},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a photo of a lake"},
        ],
        "session_2_date_time": "2 June, 2023",
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "I moved to Oslo."}],
    },
    "qa": [
        {"question": "What did Ann paint?", "answer": "a lake", "evidence": ["D1:1"], "category": 4},
        {"question": "When did Bo move?", "answer": 2023, "evidence": ["D2:1; D9:9"], "category": 2},
        {"question": "Why did Ann move?", "adversarial_answer": "work", "evidence": ["D2:1"], "category": 5},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "locomo10.json").write_text(json.dumps([SAMPLE]))
    return tmp_path


def test_sessions_turns_and_categories(folder: Path) -> None:
    corpus = load(path=str(folder))
    (context,) = corpus.contexts.values()
    assert context.documents[0].text == (
        'DATE: 1:56 pm on 8 May, 2023\nCONVERSATION:\nAnn said, "I painted a lake."\n'
        'Bo said, "Nice!" and shared a photo of a lake.\n'
    )
    painted, moved, never = corpus.questions
    assert [chunk.text for chunk in painted.evidence] == ['Ann said, "I painted a lake."']
    assert moved.text.endswith("Use DATE of CONVERSATION to answer with an approximate date.")
    assert moved.answers == ("2023",)
    assert never.metadata["unanswerable"] is True
    assert (painted.metrics[0], never.metrics) == ("locomo", ("abstention", "locomo"))
    assert all(context.holds(chunk) for question in corpus.questions for chunk in question.evidence)
    assert corpus.notes == ("1 evidence turns do not exist in their conversations and are left out",)
    assert "non-commercial" in corpus.licence


def test_tasks_and_limit(folder: Path) -> None:
    assert [q.task for q in load(path=str(folder), tasks=["temporal"]).questions] == ["temporal"]
    assert len(load(path=str(folder), limit=2).questions) == 2


def test_a_file_cut_in_half(folder: Path) -> None:
    file = folder / "locomo10.json"
    file.write_text(file.read_text()[:200])
    with pytest.raises(InputError, match=r"locomo10\.json: line 1: is not JSON"):
        load(path=str(folder))


def test_no_files() -> None:
    with pytest.raises(InputError, match="snap-research/locomo"):
        load()


def test_the_published_release(shared_data: Path) -> None:
    corpus = load(path=str(shared_data / "locomo"))
    counts = {task: sum(q.task == task for q in corpus.questions) for task in {q.task for q in corpus.questions}}
    assert counts == {"multi_hop": 282, "temporal": 321, "open_domain": 96, "single_hop": 841, "adversarial": 446}
    assert len(corpus.contexts) == 10
    for question in corpus.questions:
        assert all(corpus.contexts[question.context_id].holds(chunk) for chunk in question.evidence)
