"""Whatever is wrong in a benchmark's file, its loader gives a corpus or one error that says where, never a trace."""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.benchmarks.raw import file_of, read_table
from tests.corpora.benchmarks.test_books_and_chats import memory_row
from tests.corpora.benchmarks.test_long_benchmarks import longbench_row
from tests.corpora.benchmarks.test_multi_document import musique_row
from workbench import catalogue
from workbench.errors import InputError
from workbench.experiment.schema import Entry
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
STORY = {"document_id": "d", "title": "T", "text": "Bo.", "qas": [{"question": "Who?", "answers": ["Bo"]}]}
VERSION_TWO = {
    "_id": "v1", "domain": "Long-dialogue", "sub_domain": "Agents", "difficulty": "hard", "length": "short",
    "question": "Which?", "choice_A": "one", "choice_B": "two", "choice_C": "three", "choice_D": "four",
    "answer": "C", "context": "Long text.",
}  # fmt: skip
PAIRS = [{"Q": "Where?", "A": "In Oakford.", "S": ["It lay in Oakford"], "type": "timeline"}]
LOOGLE = {"input": "It lay in Oakford, by a river.", "title": "T", "qa_pairs": PAIRS, "output": ""}
LOONG = {
    "level": 2, "set": 1, "type": "paper", "language": "en", "question": "Which cites which?",
    "instruction": "Read the papers.", "doc": ["a.md"], "answer": {"a": ["b"]}, "id": 7,
}  # fmt: skip
LV_EVAL = {
    "input": "Where was she born?", "context": "She was born in Paris.", "answers": ["Paris"], "length": 9,
    "answer_keywords": "Paris", "confusing_facts": ["a", "b"],
}  # fmt: skip
NARRATIVE = {
    "document": {"id": "b2", "text": "He is Bo."}, "question": {"text": "Who is he?"}, "answers": [{"text": "Bo"}],
}  # fmt: skip
NOCHA = {"book_title": "Emma", "claim": "Emma sings.", "type": True, "index": 1, "genre": "novel", "length": 9}
NOLIMA = {
    "id": "0401", "needle": "{CHAR} lives next to the {1}.", "questions": {"onehop": "Which character was in {2}?"},
    "tests": {"T1": {"input_args": ["Kremlin", "Moscow"]}}, "character_set": ["Yuki", "Stuart"],
}  # fmt: skip
NOVEL = {"Q1": {
    "Question": "Who?", "Options": {"A": "Ann", "B": "Bo"}, "Aspect": "character", "Complexity": "sh", "Gold": "A",
}}  # fmt: skip
NQ = {"question": "Who?", "answers": ["Ann"], "ctxs": [{"title": "T", "text": "It was Ann."}]}
SECTION = {"chunk_link": "l1", "chunk_heading": "H", "text": "Set it to 3."}
COOKBOOK = {"id": "q1", "question": "To what?", "correct_chunks": ["l1"], "correct_answer": "To 3."}
REPO = {
    "context": "def f():\n    return 1", "lang": "python", "repo": "a/b", "id": 3,
    "multi_turns": [{"input": "It returns one.", "answer": "def f():\n    return 1", "name": "f"}],
}  # fmt: skip
BABI = {"input": "Mary went to the garden.", "question": "Where is Mary?", "target": "garden"}
RECORDS = {
    "id": 1, "context_window_id": 2, "context_window_text": "User: 7 || Instance: spam!", "question": "How many?",
    "answer": "[1]", "answer_type": "ANSWER_TYPE.NUMERIC",
}  # fmt: skip
ETHIC = {"ID": "b1", "System_msg": "List all.", "User_msg": "Text.", "Domain": "Law", "Answer": ["a", "b"]}
NIAH = {"id": 1, "question": "What?", "answer": "It rained", "docs": ["It rained."], "length": 9}
CITED = {"idx": 7, "dataset": "hotpotqa", "context": "It rained.", "query": "Rain?", "answer": ["yes"]}
TOPIC = {
    "documents": [{"document_id": "d1", "document_text": "Text.", "insights_included": ["i1"]}],
    "subtopics": [
        {"subtopic_id": "s1", "query": "What of x?", "insights": [{"insight_id": "i1", "insight": "X is up."}]}
    ],
}
RAG = {
    "question": "Who won?", "answers": ["Ann"], "ctxs": [{"id": "1", "title": "T", "text": "Ann won."}],
    "positive_ctxs": [{"text": "Ann won."}],
}  # fmt: skip
LARA = {"file": "a.txt", "question": "Who won?", "answer": "Ann", "context_order": 1, "context": "Ann won."}

CASES: dict[str, tuple[str, str, Any, dict[str, Any]]] = {  # loader: (its file, form, whole content, options)
    "helmet": ("kilt/nq.jsonl", "jsonl", [RAG], {}),
    "lara": ("query/32k_book_location.jsonl", "jsonl", [LARA], {}),
    "literaryqa": ("test.jsonl", "jsonl", [STORY], {}),
    "scbench": ("scbench_repoqa.jsonl", "jsonl", [REPO], {}),
    "babilong_published": ("qa1/0k.json", "json", [BABI], {"tasks": "qa1", "lengths": "0k"}),
    "oolong_published": ("validation.jsonl", "jsonl", [RECORDS], {}),
    "ethic": ("Recalling.jsonl", "jsonl", [ETHIC], {}),
    "l_citeeval": ("niah.json", "json", [NIAH], {}),
    "longbench_cite": ("LongBench-Cite.json", "json", [CITED], {}),
    "longbench_v2": ("data.json", "json", [VERSION_TWO], {}),
    "loogle": ("longdep_qa.jsonl", "jsonl", [LOOGLE], {}),
    "loong": ("loong.jsonl", "jsonl", [LOONG], {}),
    "lv_eval": ("hotpotwikiqa_mixup_16k.jsonl", "jsonl", [LV_EVAL], {}),
    "narrativeqa": ("test.jsonl", "jsonl", [NARRATIVE], {}),
    "nocha": ("data_sample.json", "json", [NOCHA], {}),
    "nolima_published": ("needle_set.json", "json", [NOLIMA], {"tokens": 300, "depths": 1}),
    "novelqa": ("Data/B1.json", "json", NOVEL, {}),
    "nq_open": ("nq-open-oracle.jsonl.gz", "jsonl", [NQ], {}),
    "rag_cookbook": ("docs_evaluation_dataset.json", "json", [COOKBOOK], {}),
    "summhay": ("topic_news1.json", "json", TOPIC, {}),
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
BESIDE: dict[str, dict[str, str]] = {  # loader: the other files that it needs
    "lara": {"32k/book/a.txt": "Ann won. It rained."},
    "loong": {"doc/paper/a.md": "Paper a cites b."},
    "nocha": {"books/Emma.txt": "A novel about Emma."},
    "nolima_published": {"rand_book_1.txt": "\n".join(f"Line {n} of a book says little." for n in range(99))},
    "novelqa": {"Books/B1.txt": "A novel about Ann."},
    "rag_cookbook": {"anthropic_docs.json": json.dumps([SECTION])},
    "multihop_rag": {"corpus.json": json.dumps([ARTICLE])},
}
NOT_TEXT = ("[]", "{}", "None", "['x']", "[7]")  # what str() makes of a value of the wrong kind

WITHOUT_PLACE = ("has no questions", "holds no", "no such file", "is not among the documents")  # no row is at fault


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
    text = "".join(json.dumps(row) + "\n" for row in whole) if form == "jsonl" else json.dumps(whole)
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


def case(loader: str, folder: Path) -> tuple[str, str, Any, Entry]:
    """A loader's file in a folder with all that it needs: its name, form and content, and its entry."""
    name, form, whole, options = CASES[loader]
    for other, text in BESIDE.get(loader, {}).items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_text(text)
    put(folder, name, form, whole)
    return name, form, whole, Entry(name=f"{loader}@{folder}", options=options)


def test_every_loader_has_its_case() -> None:
    published = {
        name for name, load in catalogue.corpora().items() if load.__module__.startswith("corpora.benchmarks.")
    }
    assert published == set(CASES)


@pytest.mark.parametrize("loader", CASES)
def test_one_broken_value_is_one_line_or_a_corpus(loader: str, tmp_path: Path) -> None:
    name, form, whole, entry = case(loader, tmp_path)
    assert load_corpus(entry).questions
    broken, refused = [], 0
    for told, changed in mutations(whole):
        put(tmp_path, name, form, changed)
        try:
            corpus = load_corpus(entry)
        except InputError as error:
            refused += 1
            if "\n" in str(error):
                broken.append(f"{told}: more than a line")
            named = Path(str(error.file)).name == Path(name).name and bool(error.field)
            if not named and not any(part in error.problem for part in WITHOUT_PLACE):
                broken.append(f"{told}: names no place: {error}")
        except Exception as error:
            broken.append(f"{told}: {error!r}")
        else:
            texts = [text for q in corpus.questions for text in (*q.answers, q.text)]
            if any(text.strip() in NOT_TEXT for text in texts):
                broken.append(f"{told}: taken for a text")
    assert not broken
    assert refused > 5


@pytest.mark.parametrize("loader", CASES)
def test_a_file_that_is_cut_is_named_with_the_line(loader: str, tmp_path: Path) -> None:
    name, form, whole, entry = case(loader, tmp_path)
    text = json.dumps(whole[0]) if form == "jsonl" else json.dumps(whole, indent=1)
    cut = text[: len(text) // 2].encode()
    (tmp_path / name).write_bytes(gzip.compress(cut) if name.endswith(".gz") else cut)
    with pytest.raises(InputError, match=rf"{re.escape(Path(name).name)}: line \d+: is not JSON"):
        load_corpus(entry)


def test_the_error_names_file_row_and_field(tmp_path: Path) -> None:
    good = {**LOCOMO, "qa": [*LOCOMO["qa"], {"question": "What?", "category": 4, "evidence": []}]}  # type: ignore[misc]
    put(tmp_path, "locomo10.json", "json", [good])
    with pytest.raises(InputError, match=r"locomo10\.json: c1, question 1: has no field 'answer'"):
        load_corpus(Entry(name=f"locomo@{tmp_path}"))


def test_l_eval_with_fewer_outputs_than_instructions_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "multidoc_qa.jsonl", "jsonl", [{**LEVAL, "instructions": ["Who?", "Where?"]}])
    with pytest.raises(InputError, match="2 instructions and 1 outputs"):
        load_corpus(Entry(name=f"leval@{tmp_path}"))


def test_questions_with_blank_gold_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    asked = [*LOCOMO["qa"], {**LOCOMO["qa"][0], "answer": " "}]  # type: ignore[index,misc]
    put(tmp_path, "locomo10.json", "json", [{**LOCOMO, "qa": asked}])
    corpus = load_corpus(Entry(name=f"locomo@{tmp_path}"))
    assert len(corpus.questions) == 1 and corpus.notes == ("1 questions left out: the gold answer is blank",)


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
