"""LV-Eval (Yuan et al. 2024, arXiv 2402.05136; infinigence/LVEval): eleven sets, 16k to 256k words."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.benchmarks.fields import FILLED, GOLDS, INDEX, NOT_NULL, TEXT, Fields
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, found_in, read_table
from corpora.options import chosen_of
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("lv_eval", "Infinigence/LVEval", ("*.zip", "*/*.jsonl"))
SETS = (
    "hotpotwikiqa_mixup", "loogle_SD_mixup", "loogle_CR_mixup", "loogle_MIR_mixup", "multifieldqa_en_mixup",
    "multifieldqa_zh_mixup", "factrecall_en", "factrecall_zh", "cmrc_mixup", "lic_mixup", "dureader_mixup",
)  # fmt: skip
LENGTHS = ("16k", "32k", "64k", "128k", "256k")
_ASK = {"zh": "请根据以上文字回答问题，只给出答案。\n", "en": "Answer from the text, with the answer alone.\n"}
_CHINESE = frozenset({"multifieldqa_zh_mixup", "factrecall_zh", "cmrc_mixup", "lic_mixup", "dureader_mixup"})

_FIELDS: Fields = {
    "input": FILLED, "context": TEXT, "answers": GOLDS, "length": INDEX, "answer_keywords?": TEXT,
    "confusing_facts?": NOT_NULL,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    lengths: Sequence[str] | str = ("16k",),
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """LV-Eval: each row is a context with one question, scored by the official keyword-gated F1 on its first answer.

    `tasks`: sets by their official names; `lengths`: 16k to 256k. `path`: a folder with `SET_LENGTH.jsonl`. The number
    of confusing facts that a row plants is a label. Raises InputError.
    """
    wanted, sizes = chosen_of(tasks, SETS, "tasks"), chosen_of(lengths, LENGTHS, "lengths")
    folder = files_of(SOURCE, path, revision)
    if tasks is None and folder.is_dir():
        there = {file.stem for file in folder.rglob("*.jsonl")}
        wanted = [name for name in SETS if any(f"{name}_{size}" in there for size in sizes)] or wanted
    contexts, questions = [], []
    for name in wanted:
        for size in sizes:
            file = file_of(folder, f"{name}_{size}")
            for number, row in enumerate(read_table(file, _FIELDS)):
                document = Document(f"{name}_{size}-{number}", row["context"])
                context = Context((document,))
                contexts.append(context)
                chinese = name in _CHINESE
                ask = _ASK["zh" if chinese else "en"]
                confusing = row.get("confusing_facts") or []
                planted = found_in(document, str(row["answers"][0])) if name.startswith("factrecall") else None
                labels = {
                    "length": size, "length_unit": "characters" if chinese else "words", "words": row["length"],
                    "answer_keywords": row.get("answer_keywords") or "",
                    "confusing_facts": len(confusing) if isinstance(confusing, list) else 1,
                    "max_gen": 16 if name.startswith("factrecall") else 64,
                }  # fmt: skip
                questions.append(
                    Question(
                        f"{name}_{size}-{number}", f"{ask}Question: {row['input']}", context.context_id,
                        (str(row["answers"][0]),), (), (planted,) if planted else (), f"{name}_{size}",
                        ("lv_eval", "token_f1_zh" if chinese else "token_f1"), labels,
                    )
                )  # fmt: skip
    return assembled(
        "lv-eval", contexts, questions, limit=limit, version="63e7ae9",
        provenance=f"{SOURCE.page}; {', '.join(wanted)} at {', '.join(sizes)}",
        licence="MIT (code); the data sets' own terms apply, some of them non-commercial",
    )  # fmt: skip
