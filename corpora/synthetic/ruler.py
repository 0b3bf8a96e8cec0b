"""RULER (Hsieh et al., COLM 2024, arXiv 2404.06654; NVIDIA/RULER): thirteen tasks in texts of any length.

Tasks, their parameters, answer lengths and the definition of length (text, question and answer together) are RULER's.
Deviations: the haystack of "essay" tasks is generated prose unless `haystack` names another; words of keys and lists
are from our own lists or invented; the qa tasks ask about a generated world unless `squad` and `hotpotqa` name RULER's
files; every sample is shuffled anew, where RULER repeats one permutation; the beginning of the answer is put at the end
of the question, as RULER does for models behind an API; instructions are part of the question, since methods decide
where context and question are placed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from corpora.options import chosen_of
from corpora.synthetic.haystack import source_of
from corpora.synthetic.ruler_tasks import articles, niah, variable_tracking, word_counts
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "4"
TASKS = (*niah.TASKS, "vt", "cwe", "fwe", "qa_1", "qa_2")
SHORTEST = 1_500  # tokens; the solved example of cwe alone takes 700


def load(
    *,
    tokens: int | Sequence[int] = 4_096,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    haystack: str | None = None,
    squad: str | None = None,
    hotpotqa: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 42,
) -> Corpus:
    """RULER: thirteen tasks in generated texts of any length: needles, variable tracking, word counts, questions.

    `samples` texts for each task and length, one question each. `tokens` counts text, question and answer in
    `tokenizer`; `haystack`: a text file, folder or corpus for the essay tasks; `squad`, `hotpotqa`: the files that
    RULER takes its qa tasks from. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=SHORTEST)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1:
        raise InputError(f"samples {samples}", field="samples", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                draw = random.Random(f"{seed}:{task}:{length}:{number}")
                if task in ("qa_1", "qa_2"):
                    file = squad if task == "qa_1" else hotpotqa
                    hops = int(task[-1])
                    told = articles.world_tokens(length, count)
                    pool = articles.published(file) if file else articles.generated(hops, told, samples, seed)
                    text, asked = articles.make(task, draw, length, count, pool, number)
                else:
                    text, asked = _made(task, draw, length, count, haystack, f"{seed}:{task}:{length}:{number}")
                sheets.append(Sheet(f"{task}-{length}-{number}", text, (asked,), length))
    return corpus_of(
        "ruler", sheets, count,
        version=VERSION,
        provenance=f"generated: seed {seed}, {samples} samples of {', '.join(map(str, lengths))} tokens ({tokenizer})",
        licence="CC0-1.0" if not (haystack or squad or hotpotqa) else "that of the haystack and of the articles",
    )  # fmt: skip


def _made(
    task: str, draw: random.Random, length: int, count: Count, haystack: str | None, name: str
) -> tuple[str, Asked]:
    if task in niah.TASKS:
        return niah.make(task, draw, length, count, source_of(haystack, name))
    if task == "vt":
        return variable_tracking.make(draw, length, count)
    if task == "cwe":
        return word_counts.common_words(draw, length, count)
    return word_counts.frequent_words(draw, length, count)
