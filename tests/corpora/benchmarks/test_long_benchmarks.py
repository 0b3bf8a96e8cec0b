"""LongBench v1 and v2, InfiniteBench, LooGLE, LV-Eval: rows of their schema become questions that score right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpora.benchmarks import infinitebench, longbench, longbench_v2, loogle, lv_eval
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Question


def written(file: Path, *rows: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def longbench_row(**changes: Any) -> dict[str, Any]:
    row = {
        "input": "Who was it?", "context": "It was Ann.", "answers": ["Ann"], "length": 3, "dataset": "hotpotqa",
        "language": "en", "all_classes": None, "_id": "x1",
    }  # fmt: skip
    return {**row, **changes}


def test_longbench(tmp_path: Path) -> None:
    written(tmp_path / "data" / "hotpotqa.jsonl", longbench_row(), longbench_row(_id="x2", length=9_000))
    classes = {"all_classes": ["Animal", "Animal organ"], "answers": ["Animal"], "_id": "t1", "dataset": "trec"}
    written(tmp_path / "data" / "trec.jsonl", longbench_row(input="Question: What barks?\nType:", **classes))
    paragraphs = "Paragraph 1: One thing.\n\nParagraph 2: Another thing.\n\nParagraph 3: A third."
    written(
        tmp_path / "data" / "passage_retrieval_en.jsonl",
        longbench_row(context=paragraphs, answers=["Paragraph 2"], input="About another.", _id="p1"),
    )
    corpus = longbench.load(path=str(tmp_path))
    by_id = {q.question_id: q for q in corpus.questions}
    assert {q.task for q in corpus.questions} == {"hotpotqa", "trec", "passage_retrieval_en"}
    assert [by_id[name].metadata["bucket"] for name in ("x1", "x2")] == ["0-4k", "8k+"]
    assert by_id["p1"].evidence[0].text == "Another thing."
    assert "Who was it?" in by_id["x1"].text and "given passages" in by_id["x1"].text
    assert all(full_marks(q) and nothing_for_nothing(q) for q in corpus.questions)
    assert headline(by_id["t1"], "Animal organ") == 0.5  # the official rule: half of what the reply names
    with pytest.raises(InputError, match="holds no musique"):
        longbench.load(path=str(tmp_path), tasks="musique")
    with pytest.raises(InputError, match="known: narrativeqa"):
        longbench.load(path=str(tmp_path), tasks="hotpot")


def test_longbench_s_official_prompts(tmp_path: Path) -> None:
    written(tmp_path / "hotpotqa.jsonl", longbench_row(input="Who {context} was it?"))
    with pytest.raises(InputError, match=r"dataset2prompt\.json.*get config"):
        longbench.load(path=str(tmp_path), prompts="official")
    template = "Answer by the passages.\n{context}\n\nQuestion: {input}\nAnswer:"
    file = tmp_path / "config" / "dataset2prompt.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"hotpotqa": template}))
    corpus = longbench.load(path=str(tmp_path), prompts="official")
    (question,) = corpus.questions
    before, after = question.prompt.split("{context}", 1)
    assert (before, after) == ("Answer by the passages.\n", "\n\nQuestion: Who {context} was it?\nAnswer:")
    assert question.blind().prompt == question.prompt  # a method may see it
    assert corpus.fingerprint != longbench.load(path=str(tmp_path)).fingerprint
    file.write_text(json.dumps({"hotpotqa": "no place for the text"}))
    with pytest.raises(InputError, match=r"no prompt with \{context\} once"):
        longbench.load(path=str(tmp_path), prompts=str(file))


def test_a_column_that_is_missing_and_a_line_that_is_cut(tmp_path: Path) -> None:
    row = longbench_row()
    del row["answers"]
    file = written(tmp_path / "hotpotqa.jsonl", longbench_row(), row)
    with pytest.raises(InputError, match="line 2: has no field 'answers'"):
        longbench.load(path=str(tmp_path))
    file.write_text(json.dumps(longbench_row())[:-20])
    with pytest.raises(InputError, match="is not JSON"):
        longbench.load(path=str(tmp_path))
    file.write_bytes(json.dumps(longbench_row(), ensure_ascii=False).encode("utf-16"))
    with pytest.raises(InputError, match="is not UTF-8"):
        longbench.load(path=str(tmp_path))


def test_longbench_v2(tmp_path: Path) -> None:
    row = {
        "_id": "v1", "domain": "Long-dialogue", "sub_domain": "Agents", "difficulty": "hard", "length": "short",
        "question": " Which? ", "choice_A": "one", "choice_B": "two", "choice_C": "three", "choice_D": "four",
        "answer": "C", "context": "Long text.",
    }  # fmt: skip
    (tmp_path / "data.json").write_text(json.dumps([row, {**row, "_id": "v2", "length": "long"}]))
    corpus = longbench_v2.load(path=str(tmp_path), lengths="short")
    (question,) = corpus.questions
    assert "question: Which?\nChoices:\n(A) one\n" in question.text and '"The correct answer is' in question.text
    assert headline(question, "The correct answer is (C).") == 1.0
    assert headline(question, "C") == 0.0  # officially
    assert len(longbench_v2.load(path=str(tmp_path / "data.json")).questions) == 2
    (official,) = longbench_v2.load(path=str(tmp_path), lengths="short", prompts="official").questions
    assert official.prompt == (
        "Please read the following text and answer the question below.\n\n<text>\n{context}\n</text>\n\n"
        "What is the correct answer to this question: Which?\nChoices:\n(A) one\n(B) two\n(C) three\n(D) four\n\n"
        'Format your response as follows: "The correct answer is (insert answer here)".'
    )


def test_infinitebench(tmp_path: Path) -> None:
    base = {"id": 0, "context": "The pass key is 71432. Remember it.", "input": "What is the pass key?", "options": []}
    written(tmp_path / "passkey.jsonl", {**base, "answer": ["71432"]})
    choice = {"input": "Who {is} it?", "options": ["Ann", "Bo", "Cy", "Di"], "answer": ["Bo"]}
    written(tmp_path / "longbook_choice_eng.jsonl", {**base, **choice}, {**base, **choice, "id": 1, "answer": ["Di"]})
    debug = {"options": ["f.a", "f.b", "f.c", "f.d"], "answer": ["f.c"]}
    written(tmp_path / "code_debug.jsonl", {**base, **debug, "context": "def f(): ..."})
    corpus = infinitebench.load(path=str(tmp_path))
    key, one, two, code = corpus.questions
    assert key.evidence[0].text == "71432"
    assert one.context_id == two.context_id  # a book is one context however many questions it has
    assert "Who {is} it?" in one.text and one.options[1] == "Bo"
    assert (headline(one, "B"), headline(one, "D"), headline(two, "D")) == (1.0, 0.0, 1.0)
    assert headline(code, "The answer is: C") == 1.0
    assert full_marks(key) and nothing_for_nothing(key)


def test_loogle(tmp_path: Path) -> None:
    pairs = [{"Q": "Where?", "A": "In Oakford.", "S": ["It lay in   Oakford", "not there"], "type": "timeline"}]
    row = {"input": "It lay in Oakford, by a river.", "title": "T", "qa_pairs": str(pairs), "output": ""}
    written(tmp_path / "longdep_qa.jsonl", row)
    written(tmp_path / "summarization.jsonl", {**row, "input": "Other text.", "qa_pairs": "none", "output": "Short."})
    corpus = loogle.load(path=str(tmp_path))
    asked, summary = corpus.questions
    assert asked.evidence[0].text == "It lay in Oakford"
    assert corpus.notes == ("1 supporting sentences do not stand in their document",)
    assert headline(asked, "In Oakford.") == pytest.approx(1.0)
    assert summary.answers == ("Short.",)
    (tmp_path / "summarization.jsonl").rename(tmp_path / "longdep_summarization.jsonl")  # as in the repository
    assert loogle.load(path=str(tmp_path), tasks="summarization").questions[0].answers == ("Short.",)
    order = [{"Q": "In which order?", "A": "II, I, III", "S": [], "type": "时间线"}]
    written(tmp_path / "longdep_qa.jsonl", {**row, "qa_pairs": str(order)})
    (ordered,) = loogle.load(path=str(tmp_path), tasks="longdep_qa").questions
    assert [headline(ordered, said) for said in ("II. In 1965.\nI. In 1966.\nIII.", "2, 1, 3", "I, II", "?")] == [
        1,
        1,
        0,
        0,
    ]
    assert headline(ordered, "III, I, II") == pytest.approx(1 - (8 / 3) / (8 / 3))
    cloze = [{"Q": "<mask-0> met <mask-1>.", "A": {"<mask-0>": "Ann Hale", "<mask-1>": "Bo"}, "S": []}]
    written(tmp_path / "shortdep_cloze.jsonl", {**row, "qa_pairs": str(cloze)})
    (masked,) = loogle.load(path=str(tmp_path), tasks="shortdep_cloze").questions
    assert headline(masked, '{"<mask-0>": "Ann Hale", "<mask-1>": "Cy"}') == 0.5
    assert headline(masked, "Ann Hale met Bo.") == 0.0  # no mapping of masks
    as_text = [{**cloze[0], "A": str(cloze[0]["A"])}]
    written(tmp_path / "shortdep_cloze.jsonl", {**row, "qa_pairs": str(as_text)})
    assert loogle.load(path=str(tmp_path), tasks="shortdep_cloze").questions[0].answers == ("Ann Hale", "Bo")
    written(tmp_path / "longdep_qa.jsonl", {**row, "qa_pairs": "[__import__('os')]"})
    with pytest.raises(InputError, match="qa_pairs"):
        loogle.load(path=str(tmp_path))


def test_lv_eval(tmp_path: Path) -> None:
    row = {
        "input": "Where was she born?", "context": "She was born in Paris. He was born in Rome.",
        "answers": ["Paris", "the city of Paris"], "length": 9, "dataset": "x", "language": "en",
        "answer_keywords": "Paris", "confusing_facts": ["a", "b"],
    }  # fmt: skip
    written(tmp_path / "hotpotwikiqa_mixup" / "hotpotwikiqa_mixup_16k.jsonl", row)
    corpus = lv_eval.load(path=str(tmp_path))
    (question,) = corpus.questions
    assert question.answers == ("Paris",)  # the first alone counts
    assert headline(question, "Paris") == 1.0 and headline(question, "Rome") == 0.0
    assert question.metadata["confusing_facts"] == 2


def test_questions_keep_to_their_contexts(tmp_path: Path) -> None:
    rows = [longbench_row(_id=f"x{n}", context=f"It was Ann, the {n}th.") for n in range(9)]
    written(tmp_path / "hotpotqa.jsonl", *rows)
    corpus = longbench.load(path=str(tmp_path), limit=4)
    assert len(corpus.questions) == len(corpus.contexts) == 4
    asked: list[Question] = list(corpus.questions)
    assert all(stands_in_text(question, corpus) for question in asked)
