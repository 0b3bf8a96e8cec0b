"""LongBench-Cite (Zhang et al. 2024, arXiv 2409.02897; THUDM/LongCite): answers that cite sentences of a long text.

Each sentence of a context begins with its mark, `<C0>`, `<C1>`, ...; a reply wraps each statement in `<statement>` and
names the ranges of sentences that support it in `<cite>`. Recall, precision and F1 of citations need a judge:
`workbench judge --prompt longcite_citations`; so does the correctness of an answer (`--prompt longcite`). The metrics
here compare the text of the reply with the gold answers. Deviations: sentences are split by our rule instead of nltk's,
and the instruction is in our words, without LongCite's one example.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpora.benchmarks.fields import FILLED, GOLD, GOLDS, TEXT, Fields, either
from corpora.benchmarks.raw import assembled, file_of, folder_of, read_table
from corpora.options import chosen_of
from workbench.records import Context, Corpus, Document, Question
from workbench.text import sentence_tiles

_SOURCE = "https://github.com/THUDM/LongCite (LongBench-Cite/LongBench-Cite.json)"
_FIELDS: Fields = {"idx": GOLD, "dataset": TEXT, "context": TEXT, "query": FILLED, "answer": either(GOLD, GOLDS)}
SETS = ("longbench-chat", "multifieldqa_en", "multifieldqa_zh", "hotpotqa", "dureader", "gov_report")
_CHINESE = frozenset({"multifieldqa_zh", "dureader"})
_ASK = (
    "{query}\nEvery sentence of the text begins with its mark, <C0>, <C1> and so on. Wrap each statement of your "
    "answer as in <statement>It rained for days.<cite>[3-4][9-9]</cite></statement>, with the first and the last "
    "number of each range of sentences that it comes from; leave <cite></cite> empty where a sentence only leads over, "
    "sums up or concludes. Answer in the language of the question."
)


def load(*, path: str | None = None, tasks: Sequence[str] | str | None = None, limit: int | None = None) -> Corpus:
    """LongBench-Cite: each row is a context with one question; its sentences are numbered for citations.

    `path`: a folder with `LongBench-Cite.json`, or the file. `tasks`: longbench-chat, multifieldqa_en, multifieldqa_zh,
    hotpotqa, dureader, gov_report; all by default. Raises InputError.
    """
    chosen = chosen_of(tasks, SETS, "tasks")
    contexts, questions = [], []
    for row in read_table(file_of(folder_of(path, "longbench_cite", _SOURCE), "LongBench-Cite"), _FIELDS):
        if row["dataset"] not in chosen:
            continue
        name = f"longbench-cite-{row['idx']}"
        pieces = sentences_of(row["context"])
        context = Context((Document(name, "".join(f"<C{number}>{piece}" for number, piece in enumerate(pieces))),))
        contexts.append(context)
        golds = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
        metrics = ("token_f1_zh",) if row["dataset"] in _CHINESE else ("token_f1",)
        questions.append(
            Question(
                name, _ASK.format(query=row["query"].strip()), context.context_id, tuple(map(str, golds)), (), (),
                row["dataset"], (*metrics, "rouge_l"), {"sentences": len(pieces), "max_gen": 1_024},
            )
        )  # fmt: skip
    return assembled(
        "longbench-cite", contexts, questions, limit=limit, version="d7d772e", provenance=_SOURCE,
        licence="not stated (the data sets' own licences apply)",
    )  # fmt: skip


def sentences_of(text: str) -> list[str]:
    """The sentences of a text with the white space after them, so that they join to the text. Also splits at `；`.

    >>> sentences_of("It rained. So? 下雨；下雪。")
    ['It rained. ', 'So? 下雨；', '下雪。']
    """
    return [piece for tile in sentence_tiles(text) for piece in re.split(r"(?<=；)", tile) if piece]
