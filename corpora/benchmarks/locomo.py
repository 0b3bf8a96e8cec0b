"""LoCoMo (Maharana et al., ACL 2024, arXiv 2402.17753; snap-research/locomo): questions on very long conversations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.benchmarks.exclusions import exclusions_of
from corpora.benchmarks.fields import FILLED, GOLD, MAPPING, TEXT, TEXTS, Fields, ListOf, one_of
from corpora.benchmarks.raw import checked, excluded, folder_of, read_json, spread
from workbench.records import Chunk, Context, Corpus, Document, Question

TASKS = {1: "multi_hop", 2: "temporal", 3: "open_domain", 4: "single_hop", 5: "adversarial"}
_TURN = re.compile(r"D:?(\d+):(\d+)")
_SOURCE = "https://github.com/snap-research/locomo (data/locomo10.json)"

_SAMPLE: Fields = {"sample_id": FILLED, "conversation": MAPPING, "qa": ListOf(MAPPING)}
_ASKED: Fields = {"question": FILLED, "category": one_of(*TASKS), "evidence": TEXTS, "answer?": GOLD}
_SAID = ListOf({"speaker": TEXT, "text": TEXT, "dia_id": TEXT, "blip_caption?": TEXT})


def load(
    *,
    path: str | None = None,
    limit: int | None = None,
    tasks: Sequence[str] = tuple(TASKS.values()),
    exclude: str | dict[str, str] | None = None,
) -> Corpus:
    """LoCoMo: ten conversations of about 20 sessions, 1,986 questions, with the answering dialogue turns as evidence.

    A session is a document that begins with its date. Category 5 asks for what was never said: a reply is right when it
    says so in any wording (`abstention`); the official rule, which accepts only the two phrasings that its prompt
    offers, is stored beside it. Category 2 questions end with the official hint to use the sessions' dates. `exclude`:
    `detected` leaves out what the data themselves show to be wrong; a file's path, the ids that it lists with reasons
    (the repository's issues 27 and 34 discuss 99 label errors). Non-commercial (CC BY-NC 4.0).
    """
    folder = folder_of(path, "locomo", _SOURCE)
    file = folder if folder.is_file() else folder / "locomo10.json"
    contexts, questions, lost = [], [], 0
    for number, raw in enumerate(read_json(file)):
        sample = checked(raw, _SAMPLE, file, f"conversation {number}")
        talk: Fields = {key: _SAID for key in sample["conversation"] if re.fullmatch(r"session_\d+", key)}
        checked(sample["conversation"], talk, file, f"conversation {sample['sample_id']}")
        context, turns = _conversation(sample["sample_id"], sample["conversation"])
        contexts.append(context)
        for item, asked in enumerate(sample["qa"]):
            place = f"{sample['sample_id']}, question {item}"
            row = checked(asked, _ASKED, file, place)
            if row["category"] != 5:
                checked(row, {"answer": GOLD}, file, place)
            question, missing = _question(f"{sample['sample_id']}-{item}", row, context, turns)
            questions.append(question)
            lost += missing
    questions, left_out = excluded(questions, exclusions_of(exclude, questions, "locomo"))
    questions = spread([question for question in questions if question.task in tasks], limit)
    used = {question.context_id for question in questions}
    return Corpus.of(
        "locomo",
        [context for context in contexts if context.context_id in used],
        questions,
        version="locomo10, 2",
        provenance=f"{_SOURCE}; {Path(file).name}",
        licence="CC BY-NC 4.0 (non-commercial)",
        notes=(
            *((f"{lost} evidence turns do not exist in their conversations and are left out",) if lost else ()),
            *left_out,
        ),
    )


def _conversation(sample_id: str, raw: Mapping[str, Any]) -> tuple[Context, dict[tuple[int, int], Chunk]]:
    """The sessions as documents, and the span of each dialogue turn by (session, turn)."""
    documents, turns = [], {}
    sessions = sorted(int(key.split("_")[1]) for key in raw if re.fullmatch(r"session_\d+", key))
    for session in sessions:
        date = raw.get(f"session_{session}_date_time", "")
        text = f"DATE: {date}\nCONVERSATION:\n"
        spans = []
        for turn in raw[f"session_{session}"]:
            said = f'{turn["speaker"]} said, "{turn["text"]}"'
            if turn.get("blip_caption"):
                said += f" and shared {turn['blip_caption']}."
            match = _TURN.fullmatch(turn["dia_id"])
            if match:
                spans.append(((int(match[1]), int(match[2])), len(text), len(text) + len(said)))
            text += said + "\n"
        document = Document(f"{sample_id}-{session:02}", text, f"Session {session}, {date}", {"date": date})
        documents.append(document)
        turns.update({key: Chunk.of(document, start, end) for key, start, end in spans})
    return Context(tuple(documents)), turns


def _question(
    question_id: str, row: Mapping[str, Any], context: Context, turns: Mapping[tuple[int, int], Chunk]
) -> tuple[Question, int]:
    """The question, and how many of its evidence turns do not exist. Some evidence fields name several turns."""
    category = int(row["category"])
    named = [(int(a), int(b)) for a, b in _TURN.findall(" ".join(map(str, row["evidence"])))]
    evidence = [turns[key] for key in dict.fromkeys(named) if key in turns]
    hint = " Use DATE of CONVERSATION to answer with an approximate date." if category == 2 else ""
    answers = ("not mentioned", "no information available") if category == 5 else (str(row["answer"]),)
    labels: dict[str, Any] = {"category": category, "hops": max(1, len(evidence)), "scope": len(evidence)}
    labels["max_gen"] = 32
    if category == 5:
        labels |= {"unanswerable": True, "adversarial_answer": str(row.get("adversarial_answer", ""))}
    labels |= {"asked": row["question"]} if hint else {}
    missing = len(set(named) - set(turns))
    labels |= {"evidence_missing": missing} if missing else {}
    metrics = ("abstention", "locomo") if category == 5 else ("locomo", "token_f1", "contains")
    question = Question(
        question_id, row["question"] + hint, context.context_id, answers, (), tuple(evidence), TASKS[category],
        metrics, labels,
    )  # fmt: skip
    return question, missing
