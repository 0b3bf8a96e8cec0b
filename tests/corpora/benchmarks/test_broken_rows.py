"""Whatever is wrong in a benchmark's file, its loader gives a corpus or one error that says where, never a trace."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.benchmarks.raw import file_of, read_table
from tests.corpora.benchmarks.test_books_and_chats import memory_row
from tests.corpora.benchmarks.test_long_benchmarks import longbench_row
from tests.corpora.benchmarks.test_multi_document import musique_row
from workbench.errors import InputError
from workbench.experiment.config import Entry
from workbench.experiment.setup import load_corpus

HOTPOT = {
    "_id": "w1", "type": "bridge", "question": "Who?", "answer": "Bo", "evidences": [["a", "b", "c"]], "level": "easy",
    "supporting_facts": [["Ann", 0]], "context": [["Ann", ["Ann's son is Bo."]], ["Cy", ["Cy sings."]]],
}  # fmt: skip
TURN = {"speaker": "Ann", "dia_id": "D1:1", "text": "I sold the boat."}
LOCOMO = {
    "sample_id": "c1", "conversation": {"session_1_date_time": "1 May 2023", "session_1": [TURN]},
    "qa": [{"question": "What did Ann sell?", "answer": "the boat", "category": 4, "evidence": ["D1:1"]}],
}  # fmt: skip
QMSUM = {
    "meeting_transcripts": [{"speaker": "A", "content": "We begin."}],
    "general_query_list": [{"query": "Summarise.", "answer": "They began."}],
    "specific_query_list": [{"query": "What began?", "answer": "It.", "relevant_text_span": [["0", "0"]]}],
}
SQUALITY = {
    "metadata": {"passage_id": "7"}, "document": "A story.",
    "questions": [{"question_text": "What?", "question_number": 1, "responses": [{"response_text": "A story."}]}],
}  # fmt: skip
PAPER = {
    "title": "On Ropes", "abstract": "They are long.",
    "full_text": [{"section_name": "R", "paragraphs": ["It held."]}],
    "qas": [{"question": "Is it long?", "question_id": "q3", "answers": [{"answer": {
        "unanswerable": False, "extractive_spans": [], "yes_no": True, "free_form_answer": "", "evidence": ["It held."],
    }}]}],
}  # fmt: skip
QUERY = {
    "query": "Who won?", "answer": "Ann", "question_type": "inference_query",
    "evidence_list": [{"title": "A", "fact": "Ann won."}],
}  # fmt: skip
ARTICLE = {"title": "A", "source": "The Paper", "published_at": "2023-01-01", "body": "Ann won."}
INFINITE = {"id": 0, "context": "It was Ann.", "input": "Who?", "answer": ["Ann"], "options": []}
LEVAL = {"instructions": ["Who?"], "outputs": ["Ann"], "input": "It was Ann."}
CASES: dict[str, tuple[str, str, Any, dict[str, Any]]] = {  # loader: (its file, form, whole content, options)
    "locomo": ("locomo10.json", "json", [LOCOMO], {}),
    "qmsum": ("test.jsonl", "jsonl", [QMSUM], {}),
    "hotpotqa": ("hotpot.json", "json", [HOTPOT], {}),
    "two_wiki": ("dev.json", "json", [HOTPOT], {}),
    "squality": ("dev.jsonl", "jsonl", [SQUALITY], {}),
    "longbench": ("hotpotqa.jsonl", "jsonl", [longbench_row()], {"tasks": "hotpotqa"}),
    "longmemeval": ("longmemeval_s.json", "json", [memory_row("m1")], {}),
    "musique": ("musique_ans_v1.0_dev.jsonl", "jsonl", [musique_row()], {}),
    "qasper": ("qasper-dev-v0.3.json", "json", {"p1": PAPER}, {}),
    "multihop_rag": ("MultiHopRAG.json", "json", [QUERY], {}),
    "infinitebench": ("longbook_qa_eng.jsonl", "jsonl", [INFINITE], {"tasks": ["longbook_qa_eng"]}),
    "leval": ("multidoc_qa.jsonl", "jsonl", [LEVAL], {}),
}


def mutations(whole: Any) -> Iterator[tuple[str, Any]]:
    """The content with one thing changed: each value at any depth gone, null, or of another kind."""

    def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            yield (*path, key)
            yield from places(value[key], (*path, key))

    for path in places(whole):
        for what in ("gone", None, 7, "x", [], {}, ["x"]):
            changed = copy.deepcopy(whole)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            if what == "gone":
                del parent[path[-1]]
            else:
                parent[path[-1]] = what
            yield f"{'.'.join(map(str, path))} = {what!r}", changed


def put(folder: Path, name: str, form: str, whole: Any) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in whole) if form == "jsonl" else json.dumps(whole)
    (folder / name).write_text(lines, encoding="utf-8")


@pytest.mark.parametrize("loader", CASES)
def test_one_broken_value_is_one_line_or_a_corpus(loader: str, tmp_path: Path) -> None:
    name, form, whole, options = CASES[loader]
    if loader == "multihop_rag":
        put(tmp_path, "corpus.json", "json", [ARTICLE])
    entry = Entry(name=f"{loader}@{tmp_path}", options=options)
    put(tmp_path, name, form, whole)
    assert load_corpus(entry).questions
    broken, refused = [], 0
    for told, changed in mutations(whole):
        put(tmp_path, name, form, changed)
        try:
            load_corpus(entry)
        except InputError as error:
            refused += 1
            if "\n" in str(error):
                broken.append(f"{told}: more than a line")
        except Exception as error:
            broken.append(f"{told}: {error!r}")
    assert not broken
    assert refused > 5


def test_the_error_names_file_row_and_field(tmp_path: Path) -> None:
    good = {**LOCOMO, "qa": [*LOCOMO["qa"], {"question": "What?", "category": 4, "evidence": []}]}  # type: ignore[misc]
    put(tmp_path, "locomo10.json", "json", [good])
    with pytest.raises(InputError, match=r"locomo10\.json: c1, question 1: has no field 'answer'"):
        load_corpus(Entry(name=f"locomo@{tmp_path}"))


def test_l_eval_with_fewer_outputs_than_instructions_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "multidoc_qa.jsonl", "jsonl", [{**LEVAL, "instructions": ["Who?", "Where?"]}])
    with pytest.raises(InputError, match="2 instructions and 1 outputs"):
        load_corpus(Entry(name=f"leval@{tmp_path}"))


def test_empty_documents_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "dev.jsonl", "jsonl", [SQUALITY, {**SQUALITY, "document": " ", "metadata": {"passage_id": "8"}}])
    assert load_corpus(Entry(name=f"squality@{tmp_path}")).notes == ("1 of 2 documents are empty",)


def test_all_parts_of_a_parquet_file_are_read_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    for part in range(3):
        table = pyarrow.table({"n": [2 * part, 2 * part + 1]})
        pyarrow.parquet.write_table(table, tmp_path / f"test-0000{part}-of-00003.parquet")
    rows = read_table(file_of(tmp_path, "test"), ("n",))
    assert [row["n"] for row in rows] == list(range(6))
    (tmp_path / "test-00001-of-00003.parquet").unlink()
    with pytest.raises(InputError, match="lacks test-00001-of-00003"):
        read_table(file_of(tmp_path, "test"), ("n",))
