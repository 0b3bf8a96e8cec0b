"""LooGLE (Li et al., ACL 2024, arXiv 2311.04939; bigai-nlco/LooGLE): tasks with short and long dependencies."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import FILLED, GOLD, GOLDS, MAPPING, NOT_NULL, TEXT, Kind, ListOf, Spec, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, found_in, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("loogle", "bigainlco/LooGLE", ("data/*.jsonl", "data/*.json", "*.jsonl", "*/*.parquet"))
_MAX_GEN = {"shortdep_qa": 300, "shortdep_cloze": 50, "longdep_qa": 500, "summarization": 500}
TASKS = tuple(_MAX_GEN)
_METRICS = (
    "loogle_rouge_l", "loogle_rouge1", "loogle_rouge2", "loogle_bleu1", "loogle_bleu4", "loogle_meteor", "token_f1"
)  # fmt: skip
_ORDER = re.compile(r"\s*[IVX]+(?:\s*,\s*[IVX]+)+\s*")  # gold of a timeline question, whose type has several names
_REORDER = ("loogle_lsd", "loogle_lmd", "loogle_sd", "loogle_sdd")

_FIELDS: dict[str, Spec] = {"input": TEXT, "title": TEXT, "qa_pairs": either(TEXT, ListOf(MAPPING)), "output?": TEXT}
_SUPPORT: dict[str, Spec] = {"S?": either(TEXT, ListOf(NOT_NULL)), "type?": TEXT}
_PAIR: dict[str, Spec] = {"Q": FILLED, "A": either(GOLD, GOLDS), **_SUPPORT}
_NAMES = Kind("names by mask", lambda value: isinstance(value, dict) and bool(value))
_CLOZE: dict[str, Spec] = {
    "Q?": TEXT,
    "passage?": TEXT,
    "A?": either(GOLD, _NAMES),
    "answers?": either(GOLD, _NAMES),
    **_SUPPORT,
}


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """LooGLE: each document is a context with its questions; supporting sentences found in it are the evidence.

    `tasks`: shortdep_qa, shortdep_cloze, longdep_qa, summarization; by default all that the folder contains. Answers
    are officially scored by n-gram overlap (`loogle_…`) and by a judge. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    wanted = chosen_of(tasks, TASKS, "tasks")
    if tasks is None and folder.is_dir():
        wanted = [name for name in TASKS if list(folder.rglob(f"*{name}*.json*"))] or wanted
    contexts: dict[str, Context] = {}
    questions: list[Question] = []
    lost = 0
    for name in wanted:
        # the GitHub repository calls this file longdep_summarization
        repository = list(folder.rglob(f"longdep_{name}.jsonl")) if folder.is_dir() else []
        file = file_of(folder, f"longdep_{name}" if repository else name)
        for number, row in enumerate(read_table(file, _FIELDS)):
            document = Document(f"{name}-{number}", row["input"], row["title"])
            context = contexts.setdefault(row["input"], Context((document,)))
            pairs = _pairs(row, file, f"row {number + 1}")
            for at, pair in enumerate(pairs):
                question, missing = _question(f"{name}-{number}-{at}", name, pair, context)
                questions.append(question)
                lost += missing
    return assembled(
        "loogle", list(contexts.values()), questions, limit=limit, version="6734382, 2",
        provenance=f"{SOURCE.page}; {', '.join(wanted)}",
        licence="CC BY-SA 4.0 (documents: terms of arXiv, Wikipedia and the scripts' owners)",
        notes=(f"{lost} supporting sentences do not stand in their document",) if lost else (),
    )  # fmt: skip


def _pairs(row: dict[str, Any], file: Path, place: str) -> list[dict[str, Any]]:
    """The questions of a row. `qa_pairs` is a list written as Python source, or `none` where a summary is asked for."""
    raw = row["qa_pairs"]
    if isinstance(raw, str):
        if raw.strip() == "none":
            checked(row, {"output": FILLED}, file, place)
            return [{"Q": "Generate a summary of the text.", "A": row["output"]}]
        try:
            raw = ast.literal_eval(raw)  # evaluates literals only
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise InputError("is no list", file=file, field=f"{place}, qa_pairs", fix="get the file again") from error
    if not isinstance(raw, list):
        raise InputError("is no list", file=file, field=f"{place}, qa_pairs", fix="get the file again")
    fields = _CLOZE if file.stem == "shortdep_cloze" else _PAIR
    return [checked(pair, fields, file, f"{place}, pair {number}") for number, pair in enumerate(raw, 1)]


def _masks(answer: Any) -> dict[str, str]:
    """A cloze task's names by mask, possibly written as Python source; empty where the answer is something else."""
    if isinstance(answer, str) and answer.lstrip().startswith("{"):
        try:
            answer = ast.literal_eval(answer)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    return {str(mask): str(name) for mask, name in answer.items()} if isinstance(answer, dict) else {}


def _question(question_id: str, name: str, pair: dict[str, Any], context: Context) -> tuple[Question, int]:
    answer = pair["A"] if pair.get("A") is not None else pair["answers"]
    labels: dict[str, Any] = {"type": pair.get("type") or "", "max_gen": _MAX_GEN[name]}
    if name == "shortdep_cloze":
        masks = _masks(answer)
        text = (
            "Fill in the masks of this passage with the names that belong there. Reply with JSON such as "
            '{"<mask-0>": "name"}.\n' + str(pair.get("Q", pair.get("passage", "")))
        )
        golds: tuple[str, ...] = tuple(masks.values()) or (str(answer),)
        named = ("loogle_cloze", "loogle_cloze_partial") if masks else ()
        metrics: tuple[str, ...] = (*named, "ruler_match_all")  # the latter: share of the names in the reply
        labels["masks"] = masks
    else:
        text, golds = str(pair["Q"]), (", ".join(map(str, answer)) if isinstance(answer, list) else str(answer),)
        reorder = _REORDER if _ORDER.fullmatch(golds[0]) else ()
        metrics = (*reorder, *_METRICS) if name != "summarization" else (*_METRICS[:-1], "rouge_l")
    told = pair.get("S") or ()
    told = [told] if isinstance(told, str) else list(told)
    document = context.documents[0]
    spans: list[Chunk] = [span for sentence in told if (span := found_in(document, str(sentence)))]
    question = Question(question_id, text, context.context_id, golds, (), tuple(spans), name, metrics, labels)
    return question, len(told) - len(spans)
