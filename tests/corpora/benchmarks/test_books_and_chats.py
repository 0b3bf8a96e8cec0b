"""Books and chats: SQuALITY, NoCha, NarrativeQA, LiteraryQA, NovelQA, NoLiMa, LongMemEval; exclusions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpora.benchmarks import (
    literaryqa,
    locomo,
    longmemeval,
    narrativeqa,
    nocha,
    nolima_published,
    novelqa,
    rag_cookbook,
    squality,
)
from tests.corpora.benchmarks.test_long_benchmarks import written
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError


def test_squality_as_published(shared_data: Path) -> None:
    corpus = squality.load(path=str(shared_data / "squality"))
    assert (len(corpus.contexts), len(corpus.questions)) == (25, 125)
    assert all(len(question.answers) == 4 for question in corpus.questions)
    assert {question.task for question in corpus.questions} == {"plot", "aspect"}
    assert headline(corpus.questions[0], corpus.questions[0].answers[2]) == pytest.approx(1.0)


def test_nocha_as_published(shared_data: Path) -> None:
    corpus = nocha.load(path=str(shared_data / "nocha"))
    assert (len(corpus.contexts), len(corpus.questions)) == (4, 126)
    pairs = {question.metadata["pair"] for question in corpus.questions}
    assert len(pairs) == 63
    assert all(full_marks(question) and nothing_for_nothing(question) for question in corpus.questions[:6])


def test_documentation_as_published(shared_data: Path) -> None:
    corpus = rag_cookbook.load(path=str(shared_data / "rag_cookbook"))
    assert len(corpus.questions) == 100
    assert all(stands_in_text(question, corpus) for question in corpus.questions)
    assert sum(bool(question.evidence) for question in corpus.questions) >= 95


def test_narrativeqa_in_both_forms(tmp_path: Path) -> None:
    (tmp_path / "qaps.csv").write_text(
        "document_id,set,question,answer1,answer2\nb1,test,Who is she?,Ann,Ann the smith\nb1,train,Why?,x,y\n"
    )
    with pytest.raises(InputError, match="its text is missing"):
        narrativeqa.load(path=str(tmp_path))
    (tmp_path / "b1.txt").write_text("She is Ann.")
    (question,) = narrativeqa.load(path=str(tmp_path)).questions
    assert question.answers == ("Ann", "Ann the smith") and question.text.startswith("Who is she?")
    hub = tmp_path / "hub"
    row = {
        "document": {"id": "b2", "text": "He is Bo."}, "question": {"text": "Who is he?"},
        "answers": [{"text": "Bo"}, {"text": "a smith"}],
    }  # fmt: skip
    written(hub / "test.jsonl", row)
    (question,) = narrativeqa.load(path=str(hub)).questions
    assert question.answers == ("Bo", "a smith")


def test_parquet_files_are_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"document_id": "d", "title": "T", "text": "Bo.", "qas": [{"question": "Who?", "answers": ["Bo"]}]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test-00000-of-00001.parquet")
    (question,) = literaryqa.load(path=str(tmp_path)).questions
    assert question.answers == ("Bo",) and headline(question, "Bo") == 1.0
    (tmp_path / "test-00000-of-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is no parquet file"):
        literaryqa.load(path=str(tmp_path))


def test_literaryqa_without_texts(tmp_path: Path) -> None:
    written(tmp_path / "test.jsonl", {"document_id": "d", "title": "T", "text": "", "qas": []})
    with pytest.raises(InputError, match="download script"):
        literaryqa.load(path=str(tmp_path))


def test_novelqa(tmp_path: Path) -> None:
    (tmp_path / "Books").mkdir()
    (tmp_path / "Books" / "B1.txt").write_text("A novel about Ann.")
    (tmp_path / "Data").mkdir()
    asked = {"Question": "Who?", "Options": {"A": "Ann", "B": "Bo", "C": "Cy", "D": "Di"}, "Aspect": "character"}
    data = {"Q1": {**asked, "Complexity": "sh"}, "Q2": {**asked, "Gold": "A"}}
    (tmp_path / "Data" / "B1.json").write_text(json.dumps(data))
    corpus = novelqa.load(path=str(tmp_path))
    hidden, known = corpus.questions
    assert corpus.notes == ("1 questions have hidden gold answers and get no score here",)
    assert headline(known, "A") == 1.0 and headline(hidden, "A") is None
    assert novelqa.load(path=str(tmp_path), form="generative").questions[0].options == ()


def test_nolima_s_own_needles(tmp_path: Path) -> None:
    row = {
        "id": "0401", "reasoning_type": "world_knowledge", "needle": "{CHAR} lives next to the {1}.",
        "questions": {"onehop": "Which character has been to {2}?", "direct": "Who lives next to the {1}?"},
        "tests": {"T1": {"input_args": ["Kremlin", "Moscow"]}}, "character_set": ["Yuki", "Stuart"],
    }  # fmt: skip
    (tmp_path / "needle_set.json").write_text(json.dumps([row]))
    (tmp_path / "rand_book_1.txt").write_text("\n".join(f"Line {n} of a book says little." for n in range(400)))
    corpus = nolima_published.load(path=str(tmp_path), tokens=[300, 1_000], depths=3)
    assert len(corpus.questions) == 6
    for question in corpus.questions:
        assert "been to Moscow" in question.text and "Kremlin" in question.evidence[0].text
        assert question.answers[0] in question.evidence[0].text
        assert stands_in_text(question, corpus) and full_marks(question)
    assert len(nolima_published.load(path=str(tmp_path), tokens=300, depths=1, direct=True).questions) == 2
    for told, golds in (("Oak", ("Oak",)), (["Oak", "Elm"], ("Oak", "Elm")), ("", None)):  # a text is one answer
        row["tests"] = {"T1": {"input_args": ["Kremlin", "Moscow"], "gold_answers": told}}
        (tmp_path / "needle_set.json").write_text(json.dumps([row]))
        (question,) = nolima_published.load(path=str(tmp_path), tokens=300, depths=1).questions
        assert question.answers == golds if golds else question.answers[0] in ("Yuki", "Stuart")


def memory_row(question_id: str, **changes: Any) -> dict[str, Any]:
    talk = [
        {"role": "user", "content": "I adopted a cat called Ink.", "has_answer": True},
        {"role": "assistant", "content": "How nice."},
    ]
    row = {
        "question_id": question_id, "question_type": "single-session-user", "question": "What is my cat called?",
        "answer": "Ink", "question_date": "2023/05/30", "haystack_dates": ["2023/05/01", "2023/05/02"],
        "haystack_session_ids": ["s1", "s2"], "haystack_sessions": [talk, [{"role": "user", "content": "Hi."}]],
        "answer_session_ids": ["s1"],
    }  # fmt: skip
    return {**row, **changes}


def test_longmemeval(tmp_path: Path) -> None:
    rows = [memory_row("m1"), memory_row("m2_abs", answer="You did not say.")]
    (tmp_path / "longmemeval_s.json").write_text(json.dumps(rows))
    corpus = longmemeval.load(path=str(tmp_path))
    said, absent = corpus.questions
    assert said.evidence[0].text == "user: I adopted a cat called Ink." and "2023/05/30" in said.text
    assert absent.task == said.task == "single-session-user"  # officially they count for their type, too
    assert absent.metadata["abstention"] and not absent.evidence
    assert headline(said, "It is Ink.") == 1.0 and headline(absent, "You never mentioned that.") == 1.0
    listed = tmp_path / "errata.csv"
    listed.write_text("question_id,reason\nm1,the label is wrong\n")
    fewer = longmemeval.load(path=str(tmp_path), exclude=str(listed))
    assert [q.question_id for q in fewer.questions] == ["m2_abs"]
    assert fewer.notes == ("1 questions left out: the label is wrong",)
    assert fewer.fingerprint != corpus.fingerprint  # what is left out is part of what a run is
    listed.write_text("question_id,reason\nm9,nothing\n")
    with pytest.raises(InputError, match="do not exist: m9"):
        longmemeval.load(path=str(tmp_path), exclude=str(listed))
    (tmp_path / "longmemeval_s.json").write_text(json.dumps([memory_row("m1", haystack_dates=[])]))
    with pytest.raises(InputError, match="other numbers of sessions"):
        longmemeval.load(path=str(tmp_path))


def test_longmemeval_by_the_name_of_its_cleaned_release(tmp_path: Path) -> None:
    (tmp_path / "longmemeval_s_cleaned.json").write_text(json.dumps([memory_row("m1")]))
    assert len(longmemeval.load(path=str(tmp_path)).questions) == 1


def test_locomo_s_errors_that_the_data_show(shared_data: Path) -> None:
    whole = locomo.load(path=str(shared_data / "locomo"))
    clean = locomo.load(path=str(shared_data / "locomo"), exclude="detected")
    assert len(whole.questions) == 1_986
    left_out = sum(int(note.split()[0]) for note in clean.notes if "left out:" in note)
    assert 0 < left_out == len(whole.questions) - len(clean.questions)
    assert clean.fingerprint != whole.fingerprint
