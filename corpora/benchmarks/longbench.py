"""LongBench v1 and LongBench-E (Bai et al., ACL 2024, arXiv 2308.14508; THUDM/LongBench): 21 data sets, two languages.

The methods decide the order of instruction, context and question, the same for all data sets; the instructions of the
official prompts, in our words, are part of the question. With `prompts`, `full_context` uses the official prompts word
for word, truncated in the middle as a whole; methods that retrieve keep the shared wording. The official answer lengths
are the label `max_gen`. The label `chat_template` is false where the official script sends the prompt without a chat
template (few-shot and code sets); chat servers always apply theirs, so this is not reproduced here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import GOLD, GOLDS, INDEX, TEXT, TEXTS, Fields, Kind
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_json, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("longbench", "THUDM/LongBench", ("data.zip", "*.jsonl"))
_ONLY = "Only give the answer and do not output any other words."
_BRIEF = f"Answer the question based on the text. {_ONLY}"
_ZH = "请根据以上文字回答问题，只给出答案，不要输出任何其他字词。"
# data set → longest answer (tokens), instruction, which the row's own input follows
_SETS: dict[str, tuple[int, str]] = {
    "narrativeqa": (128, "Answer the question about the story as concisely as you can, in one phrase if possible."),
    "qasper": (
        128,
        "Answer the question about the article as concisely as you can. If it cannot be answered from the article, "
        'write "unanswerable"; if it is a yes/no question, answer "yes", "no" or "unanswerable".',
    ),
    "multifieldqa_en": (64, _BRIEF),
    "multifieldqa_zh": (64, _ZH),
    "hotpotqa": (32, f"Answer the question based on the given passages. {_ONLY}"),
    "2wikimqa": (32, f"Answer the question based on the given passages. {_ONLY}"),
    "musique": (32, f"Answer the question based on the given passages. {_ONLY}"),
    "dureader": (128, "请根据以上文章回答问题。"),
    "gov_report": (512, "Write a one-page summary of the report."),
    "qmsum": (512, "Answer the query about the meeting's transcript in one or more sentences."),
    "multi_news": (512, "Write a one-page summary of all the news."),
    "vcsum": (512, "请总结以上会议记录的内容。"),
    "trec": (64, "Give the type of the question below; the text holds examples of questions with their types."),
    "triviaqa": (32, f"Answer the question below based on its passage; the text holds examples. {_ONLY}"),
    "samsum": (128, "Summarize the dialogue below into a few short sentences; the text holds examples."),
    "lsht": (64, "请判断下面新闻的类别；上文是一些例子。"),
    "passage_count": (
        32,
        "Some of the paragraphs of the text may be repeated. How many different paragraphs are there? Answer with the "
        "number alone.",
    ),
    "passage_retrieval_en": (
        32, 'Which paragraph of the text does this abstract belong to? Answer as in "Paragraph 1", "Paragraph 2".\n'
    ),
    "passage_retrieval_zh": (32, '以下摘要出自上文哪一段？请按照"段落1"、"段落2"的格式回答。\n'),
    "lcc": (64, "Complete the code: write its next line."),
    "repobench-p": (64, "Complete the code: write its next line.\n"),
}  # fmt: skip
SETS = tuple(_SETS)
_PROMPTS = "dataset2prompt.json"
_ONLY_IN_V1 = frozenset(
    {"narrativeqa", "multifieldqa_zh", "musique", "dureader", "qmsum", "vcsum", "lsht", "passage_retrieval_zh"}
)
_BARE = frozenset({"trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p"})
_LENIENT = {"zh": ("token_f1_zh",), "en": ("token_f1",)}

_FIELDS: Fields = {
    "input": TEXT, "context": TEXT, "answers": GOLDS, "length": INDEX, "all_classes?": TEXTS, "language?": TEXT,
    "_id?": GOLD,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    extended: bool = False,
    prompts: str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """LongBench v1: each row is a context with one question, scored by its data set's official rule.

    `tasks`: data sets by their official names, by default all that the folder contains; `extended` reads LongBench-E
    (`NAME_e`, evenly distributed lengths). `path`: a folder with the files of `data.zip`, else the hub. `prompts`: the
    path of the repository's `config/dataset2prompt.json`, or `official` if it is in the folder. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    known = [name for name in SETS if not (extended and name in _ONLY_IN_V1)]
    ending = "_e" if extended else ""
    wanted = chosen_of(tasks, known, "tasks")
    if tasks is None and folder.is_dir():
        wanted = [name for name in known if list(folder.rglob(f"{name}{ending}.jsonl"))] or wanted
    templates = _templates(prompts, folder, wanted) if prompts else {}
    contexts, questions, lost = [], list[Question](), 0
    for name in wanted:
        file = file_of(folder, f"{name}{ending}")
        for number, row in enumerate(read_table(file, _FIELDS)):
            document = Document(f"{name}-{number}", row["context"])
            context = Context((document,))
            contexts.append(context)
            asked = _question(name, number, row, document, context)
            if templates:  # split first, so that "{context}" in a row's input is not mistaken for the placeholder
                parts = [part.replace("{input}", row["input"]) for part in templates[name].split("{context}")]
                asked = replace(asked, prompt="{context}".join(parts))
            questions.append(asked)
            lost += name == "passage_retrieval_en" and not questions[-1].evidence
    official = ", official prompts" if templates else ""
    return assembled(
        "longbench-e" if extended else "longbench", contexts, questions, limit=limit, version=f"2e00731{official}",
        provenance=f"{SOURCE.page}; {', '.join(wanted)}", licence="MIT (the data sets' own licences apply)",
        notes=(f"{lost} retrieval answers name paragraphs that do not exist",) if lost else (),
    )  # fmt: skip


def _templates(prompts: str, folder: Path, wanted: Sequence[str]) -> dict[str, str]:
    """The official prompts by data set. Raises InputError when the file is missing or lacks one."""
    beside = folder if folder.is_dir() else folder.parent
    found = sorted(beside.rglob(_PROMPTS)) if prompts == "official" else [Path(prompts).expanduser()]
    if not found or not found[0].is_file():
        fix = f"get config/{_PROMPTS} from https://github.com/THUDM/LongBench"
        raise InputError("no official prompts", file=found[0] if found else beside / _PROMPTS, field="prompts", fix=fix)
    template = Kind("a prompt with {context} once", lambda text: isinstance(text, str) and text.count("{context}") == 1)
    return checked(read_json(found[0]), dict.fromkeys(wanted, template), found[0], "prompts")


def _question(name: str, number: int, row: dict[str, Any], document: Document, context: Context) -> Question:
    longest, instruction = _SETS[name]
    own = row["input"] if name not in ("passage_count", "gov_report", "multi_news", "vcsum", "lcc") else ""
    language = row.get("language") or ("zh" if name.endswith("zh") or name in ("dureader", "vcsum", "lsht") else "en")
    evidence = _paragraph(document, row["answers"]) if name == "passage_retrieval_en" else ()
    labels = {
        "length": row["length"], "length_unit": "characters" if language == "zh" else "words", "language": language,
        "all_classes": row.get("all_classes") or [], "max_gen": longest,
        "chat_template": name not in _BARE, "bucket": _bucket(row["length"]),
    }  # fmt: skip
    return Question(
        str(row.get("_id") or f"{name}-{number}"), f"{instruction}\n{own}".strip(), context.context_id,
        tuple(map(str, row["answers"])), (), evidence, name, ("longbench", *_LENIENT.get(language, ())), labels,
    )  # fmt: skip


def _bucket(length: int) -> str:
    return "0-4k" if length < 4_000 else "4-8k" if length < 8_000 else "8k+"


def _paragraph(document: Document, answers: Sequence[str]) -> tuple[Chunk, ...]:
    """The text of `Paragraph 12` in the context of passage_retrieval_en."""
    start = re.search(rf"{re.escape(str(answers[0]))}: ", document.text)
    if start is None:
        return ()
    end = re.compile(r"\n+Paragraph \d+: ").search(document.text, start.end())
    return (Chunk.of(document, start.end(), end.start() if end else len(document.text.rstrip())),)
