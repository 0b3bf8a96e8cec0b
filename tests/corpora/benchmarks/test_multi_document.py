"""MuSiQue, 2WikiMultihopQA, QASPER, MultiHop-RAG, Loong, SummHay, HELMET: rows of their schema become questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpora.benchmarks import (
    babilong_published,
    ethic,
    helmet,
    l_citeeval,
    longbench_cite,
    loong,
    multihop_rag,
    musique,
    oolong_published,
    qasper,
    scbench,
    summhay,
    two_wiki,
)
from tests.corpora.benchmarks.test_long_benchmarks import written
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.evaluation.metrics import score_answer
from workbench.records import Answer, Question


def musique_row(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "2hop__1_2", "question": "On which river is the town of Ann?", "answer": "Lisk",
        "answer_aliases": ["the Lisk"], "answerable": True, "question_decomposition": [],
        "paragraphs": [
            {"idx": 0, "title": "Ann", "paragraph_text": "Ann lives in Oakford.", "is_supporting": True},
            {"idx": 1, "title": "Oakford", "paragraph_text": "Oakford is on the Lisk.", "is_supporting": True},
            {"idx": 2, "title": "Bo", "paragraph_text": "Bo is a smith.", "is_supporting": False},
        ],
    }  # fmt: skip
    return {**row, **changes}


def test_musique(tmp_path: Path) -> None:
    twin = musique_row(id="2hop__3_4", answerable=False)
    written(tmp_path / "musique_ans_v1.0_dev.jsonl", musique_row(), twin)
    answerable, absent = musique.load(path=str(tmp_path)).questions
    assert [chunk.text for chunk in answerable.evidence] == ["Ann lives in Oakford.", "Oakford is on the Lisk."]
    assert answerable.task == "2hop" and answerable.metadata["hops"] == 2
    assert headline(answerable, "the Lisk") == 1.0 and nothing_for_nothing(answerable)
    assert headline(absent, "The text does not say.") == 1.0
    pooled = musique.load(path=str(tmp_path), context="pooled")
    assert len(pooled.contexts) == 1 and len(next(iter(pooled.contexts.values())).documents) == 3
    written(tmp_path / "musique_ans_v1.0_dev.jsonl", musique_row(paragraphs=[{"title": "x"}]))
    with pytest.raises(InputError, match="paragraph_text"):
        musique.load(path=str(tmp_path))


def test_two_wiki(tmp_path: Path) -> None:
    row = {
        "_id": "w1", "type": "compositional", "question": "Who?", "answer": "Bo", "evidences": [["a", "b", "c"]],
        "supporting_facts": [["Ann", 0]], "context": [["Ann", ["Ann's son is Bo."]], ["Cy", ["Cy sings."]]],
    }  # fmt: skip
    (tmp_path / "dev.json").write_text(json.dumps([row]))
    corpus = two_wiki.load(path=str(tmp_path))
    (question,) = corpus.questions
    assert corpus.name == "two-wiki" and question.evidence[0].text == "Ann's son is Bo."
    assert full_marks(question)


def test_qasper(tmp_path: Path) -> None:
    def answer(**given: Any) -> dict[str, Any]:
        empty = {"unanswerable": False, "extractive_spans": [], "yes_no": None, "free_form_answer": "", "evidence": []}
        return {"answer": {**empty, **given}}

    paper = {
        "title": "On Ropes", "abstract": "Ropes are long.",
        "full_text": [{"section_name": "Results", "paragraphs": ["The rope held 40 kilograms.", ""]}],
        "qas": [
            {
                "question": "What did it hold?", "question_id": "q1",
                "answers": [
                    answer(extractive_spans=["40 kilograms"], evidence=["The rope held 40 kilograms.", "FLOAT: Table"]),
                    answer(free_form_answer="a load of 40 kg"),
                ],
            },
            {"question": "Is it red?", "question_id": "q2", "answers": [answer(unanswerable=True)]},
            {"question": "Is it long?", "question_id": "q3", "answers": [answer(yes_no=True)]},
        ],
    }  # fmt: skip
    (tmp_path / "qasper-dev-v0.3.json").write_text(json.dumps({"p1": paper}))
    corpus = qasper.load(path=str(tmp_path))
    held, red, long = corpus.questions
    assert held.answers == ("40 kilograms", "a load of 40 kg") and long.answers == ("Yes",)
    assert held.evidence[0].text == "The rope held 40 kilograms."
    assert corpus.notes == ("1 pieces of evidence (tables, figures) do not stand in the papers' text",)
    assert headline(held, "40 kilograms") == 1.0 and headline(red, "Unanswerable") == 1.0
    assert red.metadata["unanswerable"] and all(stands_in_text(q, corpus) for q in corpus.questions)


def test_multihop_rag(tmp_path: Path) -> None:
    articles = [
        {"title": "A", "source": "The Paper", "published_at": "2023-01-01", "body": "Ann won the race. It rained."},
        {"title": "B", "source": "The News", "published_at": "2023-01-02", "body": "Bo lost."},
    ]
    queries = [
        {
            "query": "Who won?", "answer": "Ann", "question_type": "inference_query",
            "evidence_list": [{"title": "A", "fact": "Ann won the race."}, {"title": "B", "fact": "not there"}],
        },
        {"query": "Who sang?", "answer": "Insufficient.", "question_type": "null_query", "evidence_list": []},
    ]  # fmt: skip
    (tmp_path / "corpus.json").write_text(json.dumps(articles))
    (tmp_path / "MultiHopRAG.json").write_text(json.dumps(queries))
    corpus = multihop_rag.load(path=str(tmp_path))
    found, null = corpus.questions
    assert [chunk.text for chunk in found.evidence] == ["Ann won the race."]
    assert found.context_id == null.context_id and corpus.notes == ("1 facts do not stand in their articles",)
    assert headline(found, "It was Ann") == 1.0
    assert headline(null, "The articles do not say who sang; insufficient information.") == 1.0


def test_loong(tmp_path: Path) -> None:
    row = {
        "level": 2, "set": 1, "length": 20_000, "type": "paper", "language": "en", "question": "Which cites which?",
        "instruction": "Read the papers.", "prompt_template": "", "doc": ["a.md", "b"], "answer": {"a": ["b"]},
        "shuffle_doc": True, "id": 7,
    }  # fmt: skip
    written(tmp_path / "loong.jsonl", row)
    (tmp_path / "doc" / "paper").mkdir(parents=True)
    (tmp_path / "doc" / "paper" / "a.md").write_text("Paper a cites b.")
    with pytest.raises(InputError, match="is not among the documents"):
        loong.load(path=str(tmp_path))
    (tmp_path / "doc" / "paper" / "b.txt").write_text("Paper b.")
    (question,) = loong.load(path=str(tmp_path)).questions
    assert question.task == "comparison" and question.answers == ('{"a": ["b"]}',) and len(question.evidence) == 2
    (tmp_path / "doc" / "financial").mkdir()
    for name in ("2023-Ann Corp-n", "2024-Ann Corp-n"):
        (tmp_path / "doc" / "financial" / f"{name}.txt").write_text(f"The filing {name}.")
    (tmp_path / "doc" / "legal").mkdir()
    judged = {"7": {"content": "The case.", "result": " Guilty."}}
    (tmp_path / "doc" / "legal" / "legal.json").write_text(json.dumps(judged))
    filed = {**row, "type": "financial", "doc": ["Ann Corp"], "id": 8}
    case = {**row, "type": "legal", "doc": ["7"], "id": 9}
    asked = {**case, "level": 4, "instruction": "阅读以上判决文书，我将给你若干份判决结果：", "id": 10}
    written(tmp_path / "loong.jsonl", filed, {**filed, "level": 4, "doc": ["2023-Ann Corp"], "id": 11}, case, asked)
    corpus = loong.load(path=str(tmp_path))
    texts = [corpus.contexts[q.context_id].documents[0].text for q in corpus.questions]
    assert texts == ["The filing 2024-Ann Corp-n.", "The filing 2023-Ann Corp-n.", "The case. Guilty.", "The case."]
    written(tmp_path / "loong.jsonl", {**row, "doc": ["../../../../etc/passwd"]})
    with pytest.raises(InputError, match="is not among the documents"):
        loong.load(path=str(tmp_path))


def test_summhay(tmp_path: Path) -> None:
    topic = {
        "documents": [
            {"document_id": f"d{n}", "document_text": f"Text {n}.", "insights_included": held}
            for n, held in enumerate((["i1"], ["i1", "i2"], []))
        ],
        "subtopics": [
            {
                "subtopic_id": "s1", "name": "x", "query": "What of x?",
                "insights": [{"insight_id": "i1", "insight": "X is up."}, {"insight_id": "i2", "insight": "X is red."}],
            }
        ],
    }  # fmt: skip
    (tmp_path / "topic_news1.json").write_text(json.dumps(topic))
    corpus = summhay.load(path=str(tmp_path))
    (question,) = corpus.questions
    assert "exactly 2 bullet points" in question.text and "articles" in question.text
    assert question.metadata["sources"] == {"i1": [1, 2], "i2": [2]}
    assert question.metadata["insight_texts"] == {"i1": "X is up.", "i2": "X is red."}
    assert [chunk.document_id for chunk in question.evidence] == ["d0", "d1"]
    assert headline(question, question.answers[0]) == pytest.approx(1.0)


def test_helmet(tmp_path: Path) -> None:
    written(tmp_path / "json_kv" / "k.jsonl", {"context": '{"a": "b"}', "question": "a", "answer": "b"})
    passages = [{"id": "1", "title": "T", "text": "Ann won."}, {"id": "2", "title": "U", "text": "Bo lost."}]
    rag = {"question": "Who won?", "answers": ["Ann"], "ctxs": passages, "positive_ctxs": [{"text": "Ann won."}]}
    written(tmp_path / "kilt" / "nq.jsonl", rag)
    ranked = [
        {"id": "7", "text": "x", "label": 1},
        {"id": "8", "text": "y", "label": 3},
        {"id": "9", "text": "z", "label": 0},
    ]
    written(tmp_path / "msmarco" / "m.jsonl", {"query": "q", "ctxs": ranked})
    corpus = helmet.load(path=str(tmp_path))
    key, asked, order = corpus.questions
    assert headline(key, "Corresponding value: b") == 1.0
    assert [chunk.text for chunk in asked.evidence] == ["Ann won."] and headline(asked, "Answer: Ann") == 1.0
    assert order.answers == ("ID8 > ID7",)
    assert corpus.contexts[order.context_id].documents[0].text == "[ID: 7] Document: x"
    assert headline(order, "Ranking: ID8 > ID7 > ID9") == 1.0
    assert headline(order, "[ID7] > [ID8]") == pytest.approx((1 + 3 / 1.5849625) / (3 + 1 / 1.5849625))
    written(tmp_path / "kilt" / "nq-train-k3.jsonl", rag)  # shots
    assert len(helmet.load(path=str(tmp_path), tasks="kilt").questions) == 1
    written(tmp_path / "kilt" / "nq-dev_k20.jsonl", rag)
    assert len(helmet.load(path=str(tmp_path), tasks="kilt", files=["k20"]).questions) == 1
    with pytest.raises(InputError, match="holds none of its folders"):
        helmet.load(path=str(tmp_path), tasks="alce")


def test_helmet_s_citation_sets(tmp_path: Path) -> None:
    docs = [{"title": "T", "text": "Ann and Bo won."}]
    asqa = {
        "question": "Who won?", "answer": "Ann won in 1990, Bo in 1991.", "docs": docs,
        "qa_pairs": [{"short_answers": ["Ann", "Ann Hale"]}, {"short_answers": ["Bo"]}],
    }  # fmt: skip
    written(tmp_path / "alce" / "asqa.json", {})
    (tmp_path / "alce" / "asqa.json").write_text(json.dumps([asqa]))
    qampari = {"question": "Who won?", "answers": [["Ann", "Ann Hale"], ["Bo"], ["Cy"]], "docs": docs}
    (tmp_path / "alce" / "qampari.json").write_text(json.dumps([qampari]))
    text, items = helmet.load(path=str(tmp_path)).questions
    assert (text.task, items.task) == ("alce_asqa", "alce_qampari")
    assert headline(text, "It was Ann Hale [1].") == 0.5
    assert headline(text, "So.\nAnn and Bo") == 1.0  # all lines count
    assert headline(items, "Ann Hale [1], Bo[2].") == pytest.approx(2 / 3)
    assert headline(items, "Ann and Bo") == 0.0  # items are parted by commas


def test_longbench_cite_marks_the_sentences(tmp_path: Path) -> None:
    row = {
        "idx": 3, "dataset": "hotpotqa", "context": "It rained.\n\nIt poured. So it did.", "query": "Rain?",
        "answer": ["Yes.", "It did."], "few_shot_scores": [],
    }  # fmt: skip
    told = {"context": "下雨。下雪；晴。", "query": "天气？", "answer": "下雨"}
    chinese = {**row, **told, "idx": 4, "dataset": "dureader"}
    (tmp_path / "LongBench-Cite.json").write_text(json.dumps([row, chinese]))
    corpus = longbench_cite.load(path=str(tmp_path))
    english, weather = corpus.questions
    texts = [corpus.contexts[question.context_id].documents[0].text for question in corpus.questions]
    assert texts == ["<C0>It rained.\n\n<C1>It poured. <C2>So it did.", "<C0>下雨。<C1>下雪；<C2>晴。"]
    assert english.text.startswith("Rain?\n") and english.answers == ("Yes.", "It did.")
    assert (english.metadata["sentences"], english.task) == (3, "hotpotqa")
    assert headline(english, "It did.") == 1.0 and headline(weather, "下雨") == 1.0 and nothing_for_nothing(weather)
    assert len(longbench_cite.load(path=str(tmp_path), tasks="dureader").questions) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no LongBench-Cite"):
        longbench_cite.load(path=str(empty))


CODE = {
    "first": "def first(items):\n    for item in items:\n        return item\n    raise ValueError(items)",
    "last": "def last(items):\n    result = None\n    for item in items:\n        result = item\n    return result",
}


def test_scbench_asks_every_turn_of_one_context(tmp_path: Path) -> None:
    kv = {"input": "Key: k1", "answer": "v-1"}
    turns = [kv, {**kv, "answer": "x"}]
    written(tmp_path / "scbench_kv.jsonl", {"id": 0, "context": '{"k1": "v-1"}', "multi_turns": turns})
    choice = {"input": "Who {is} it?", "options": ["Ann", "Bo", "Cy", "Di"], "answer": "Bo"}
    written(tmp_path / "scbench_choice_eng.jsonl", {"context": "It was Bo.", "multi_turns": [choice]})
    mean = {"input": "The second smallest number is", "answer": 7}
    written(tmp_path / "scbench_mf.jsonl", {"context": "5 7 9", "multi_turns": [mean]})
    parts = [{**kv, "task": "scbench_kv"}, {"input": "Sum up.", "answer": "It rained.", "task": "scbench_summary"}]
    written(tmp_path / "scbench_summary_with_needles.jsonl", {"context": "It rained.", "multi_turns": parts})
    corpus = scbench.load(path=str(tmp_path))
    one, two, number, chosen, key, summary = corpus.questions
    assert one.context_id == two.context_id and (one.metadata["turn"], two.metadata["turn"]) == (0, 1)
    assert one.evidence[0].text == "v-1" and not two.evidence
    assert (headline(one, "It is v-1."), headline(two, "It is v-1.")) == (1.0, 0.0)
    assert (headline(chosen, "B"), headline(chosen, "C")) == (1.0, 0.0) and "Who {is} it?" in chosen.text
    assert number.text.startswith("What is the second smallest number?") and headline(number, "7.2") == 1.0
    assert (key.task, key.metadata["max_gen"]) == ("scbench_summary_with_needles/scbench_kv", 80)
    assert (summary.task, summary.metadata["max_gen"]) == ("scbench_summary_with_needles/scbench_summary", 800)
    assert headline(key, "v-1") == 1.0 and headline(summary, "It rained.") == 1.0
    assert len(scbench.load(path=str(tmp_path), tasks="kv").questions) == 2
    with pytest.raises(InputError, match="holds no scbench_vt"):
        scbench.load(path=str(tmp_path), tasks="vt")


def test_scbench_repoqa_compares_with_all_functions_of_the_repository(tmp_path: Path) -> None:
    turns = [{"input": f"It gives the {name}.", "answer": code, "name": name} for name, code in CODE.items()]
    repo = {"context": "\n\n".join(CODE.values()), "lang": "python", "repo": "a/b", "multi_turns": turns}
    other = {**repo, "repo": "c/d", "multi_turns": [{**turns[0], "name": "elsewhere"}]}
    written(tmp_path / "scbench_repoqa.jsonl", repo, other)
    first, last, elsewhere = scbench.load(path=str(tmp_path)).questions
    assert [name for name, _ in first.metadata["functions"]] == ["first", "last"]  # of its repository alone
    assert elsewhere.metadata["functions"] == [["elsewhere", CODE["first"]]]
    assert first.evidence[0].text == CODE["first"]
    block = f"It is this:\n```python\nimport x\n\n{CODE['first']}\n```\nThere."
    assert headline(first, block) == 1.0 and headline(last, block) == 0.0
    assert headline(first, CODE["first"]) == 1.0  # a reply without a block is taken whole
    assert headline(first, CODE["first"].partition("    raise")[0]) == 0.0  # most like it, but not like enough
    scores = {s.metric: s.value for s in score_answer(first, Answer(CODE["first"].partition("    raise")[0]))}
    assert 0 < (scores["scbench_repoqa_similarity"] or 0) < 0.8
    assert nothing_for_nothing(first)


def test_l_citeeval(tmp_path: Path) -> None:
    docs = ["It rained.\nThe little penguin counted 16 ★", {"title": "Snow", "text": "It snowed."}, "Fog. 91 ★"]
    docs[2] = f"The little penguin counted {docs[2]}"
    base = {"id": 7, "question": "What fell?", "docs": docs, "length": 9_000, "hardness": "easy"}
    rows = {
        "hotpotqa": {**base, "answer": ["rain", "the rain"]},
        "gov_report": {**base, "question": None, "answer": "Rain."},
        "niah": {**base, "answer": "It snowed."}, "counting_stars": {**base, "answer": [16, 91]},
        "dialsim": {**base, "answer": 3, "role": "Monica"},
    }  # fmt: skip
    for name, row in rows.items():
        (tmp_path / f"{name}.json").write_text(json.dumps([row]))
    corpus = l_citeeval.load(path=str(tmp_path))
    hotpot, dialogue, report, needle, stars = corpus.questions
    texts = [document.text for document in corpus.contexts[hotpot.context_id].documents]
    assert texts[1] == "Passage [2]: It snowed." and hotpot.metadata["hardness"] == "easy"
    assert headline(hotpot, "The rain [1].\nMore") == 1.0 and nothing_for_nothing(hotpot)
    assert report.text.startswith("Write a summary of the report.") and headline(report, "Rain. [1]") == pytest.approx(
        1.0
    )
    assert "You are Monica" in dialogue.text and dialogue.answers == ("3",)
    assert (needle.metadata["gold_passages"], stars.metadata["gold_passages"]) == ([2], [1, 3])
    assert [chunk.text for chunk in needle.evidence] == ["It snowed."] and len(stars.evidence) == 2

    def scores(question: Question, reply: str) -> list[float | None]:
        return [score.value for score in score_answer(question, Answer(reply))][:2]

    assert scores(needle, "It snowed [2].") == pytest.approx([1.0, 1.0])
    assert scores(needle, "It snowed [2][1].") == pytest.approx([1.0, 2 * 1 * 0.5 / 1.5])
    assert scores(needle, "It snowed [1][3][1][2].") == pytest.approx([1.0, 0.0])  # the first three count
    assert scores(stars, '{"little_penguin": [16, 91], "passage_id": [1, 2]}') == [1.0, 0.5]
    assert scores(stars, '{"little_penguin": [16, 91]}') == [1.0, 0.0]
    assert scores(stars, "16 and 91") == [0.0, 0.0]
    assert {question.metadata["max_gen"] for question in corpus.questions} == {200, 800, 128}


def test_helmet_s_in_context_learning(tmp_path: Path) -> None:
    texts = {"food": ["rice", "bread", "soup"], "town": ["Oakford", "Tarn"], "tool": ["saw"]}
    rows = [{"text": text, "label": label} for label, told in texts.items() for text in told]
    written(tmp_path / "icl" / "trec_coarse-train.jsonl", *rows)
    written(tmp_path / "icl" / "trec_coarse-test.jsonl", *({"text": f"{label}?", "label": label} for label in texts))
    corpus = helmet.load(path=str(tmp_path), shots=8)
    assert {question.task for question in corpus.questions} == {"icl_trec_coarse"} and len(corpus.questions) == 3
    meanings = set()
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        shown = [tuple(shot.split("\nlabel: ")) for shot in document.text.split("\n\n")]
        label = question.metadata["label"]
        assert len(shown) == 8 and question.text.endswith(f"Text: {label}?")
        for start in (0, 3):  # every round shows every label once
            assert {number for _, number in shown[start : start + 3]} == {"0", "1", "2"}
        # the number is explained by the examples alone
        assert {number for text, number in shown if text in texts[label]} == set(question.answers)
        assert headline(question, f"label: {question.answers[0]}") == headline(question, question.answers[0]) == 1.0
        assert headline(question, "label: 9") == 0.0 and nothing_for_nothing(question)
        meanings.add(tuple(sorted((text, number) for text, number in shown)))
    assert len(meanings) == 3  # each question has numbers or examples of its own
    assert helmet.load(path=str(tmp_path), shots=8).fingerprint == corpus.fingerprint
    with pytest.raises(InputError, match="2 shots cannot show the 3 labels"):
        helmet.load(path=str(tmp_path), shots=2)
    written(tmp_path / "icl" / "trec_coarse-test.jsonl", {"text": "x", "label": "river"})
    with pytest.raises(InputError, match="labels without examples: river"):
        helmet.load(path=str(tmp_path), tasks="icl")
    (tmp_path / "icl" / "trec_coarse-train.jsonl").unlink()
    with pytest.raises(InputError, match="trec_coarse-train"):
        helmet.load(path=str(tmp_path), tasks="icl")


def test_babilong_s_own_files(tmp_path: Path) -> None:
    row = {"input": "It rained. Mary went to the garden. Snow.", "question": "Where is Mary?", "target": "garden"}
    for task, length, more in (("qa1", "4k", {}), ("qa2", "0k", {"input": ""}), ("qa1", "0k", {})):
        (tmp_path / "data" / task).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / task / f"{length}.json").write_text(json.dumps([{**row, **more}]))
    corpus = babilong_published.load(path=str(tmp_path), tasks="qa1", lengths=["0k", "4k"])
    short, long = corpus.questions
    assert (short.metadata["length"], long.metadata["length"], short.task) == (0, 4_000, "qa1")
    assert short.text.endswith("Question: Where is Mary?") and corpus.contexts[long.context_id].characters == 41
    assert headline(short, "The most recent location of Mary is garden.") == 1.0
    assert headline(short, "In the garden or the office.") == 0.0 and nothing_for_nothing(short)
    with pytest.raises(InputError, match=r"holds no qa2/4k\.json"):
        babilong_published.load(path=str(tmp_path), tasks="qa2", lengths="4k")


def test_oolong_s_own_files(tmp_path: Path) -> None:
    row = {
        "id": 1, "context_window_id": 5, "context_window_text": "Date: Apr 05, 2025 || User: 3 || Instance: x",
        "context_len": 1_024, "dataset": "trec_coarse", "question": "How many?", "task_group": "counting",
        "task": "TASK_TYPE.NUMERIC_ONE_CLASS", "answer": "[12]", "answer_type": "ANSWER_TYPE.NUMERIC",
    }  # fmt: skip
    date = {**row, "id": 2, "answer_type": "ANSWER_TYPE.DATE", "answer": "[datetime.date(2023, 5, 1)]"}
    long = {**row, "id": 3, "context_window_id": 6, "context_len": 4_096}
    written(tmp_path / "validation.jsonl", row, date, long)
    corpus = oolong_published.load(path=str(tmp_path), longest=2_000)
    count, day = corpus.questions
    assert len(corpus.contexts) == 1 and count.metadata["task_group"] == "counting"
    assert headline(count, "Answer: 10") == 0.5625 and headline(count, "Answer: 12") == 1.0
    assert headline(day, "Date: May 01, 2023") == 1.0
    with pytest.raises(InputError, match="no window has at most 10 tokens"):
        oolong_published.load(path=str(tmp_path), longest=10)
    written(tmp_path / "validation.jsonl", row, {**date, "context_window_text": "other"})
    with pytest.raises(InputError, match="window 5 has two texts"):
        oolong_published.load(path=str(tmp_path))
    real = {key: row[key] for key in ("id", "context_window_id", "context_window_text", "question")}
    rows = [{**real, "answer": "7"}, {**real, "id": 2, "answer": "Ann, Bo", "question_type": "list"}]
    written(tmp_path / "test.jsonl", *rows)
    number, names = oolong_published.load(path=str(tmp_path), kind="real", split="test").questions
    assert headline(number, "\\boxed{5}") == 0.5625 and headline(number, "7") == 0.0
    assert headline(names, "\\boxed{Ann, Cy}") == 0.5 and names.task == "list"


def test_ethic(tmp_path: Path) -> None:
    body = "<Segment 1> It rained.\n<Segment 2> It snowed."
    user = f"### Context:\n{body}\n\nNow, respond to the instruction: list what fell."
    row = {"ID": "x1", "System_msg": "You are precise.", "User_msg": user, "Domain": "Law"}
    written(tmp_path / "recalling.jsonl", {**row, "Answer": ["Rain", "Snow"]})
    written(tmp_path / "organizing" / "Law.jsonl", {**row, "Answer": "[2, 1, 3]"})
    written(tmp_path / "Attributing.jsonl", {**row, "Answer": ["Segment 2"]}, {**row, "Answer": []})
    written(tmp_path / "Summarizing.jsonl", row)
    corpus = ethic.load(path=str(tmp_path))
    recall, summary, order, named, nothing = corpus.questions
    assert corpus.contexts[recall.context_id].documents[0].text == body
    assert recall.text.startswith("You are precise.") and recall.text.endswith("list what fell.")
    assert "It rained" not in recall.text
    assert headline(recall, "rain; hail.") == 0.5 and headline(order, "2, 3") == pytest.approx(2 / 3)
    assert headline(named, "Related Segments: 2") == 1.0 and headline(nothing, "Related Segments: 2") == 0.0
    assert summary.task == "Summarizing" and not summary.answers
    assert [q.task for q in ethic.load(path=str(tmp_path), tasks="Organizing").questions] == ["Organizing"]
    (tmp_path / "recalling.jsonl").unlink()
    with pytest.raises(InputError, match="holds no Recalling"):
        ethic.load(path=str(tmp_path), tasks="Recalling")
