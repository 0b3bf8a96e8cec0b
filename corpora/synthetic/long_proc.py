"""LongProc (Ye et al. 2025, arXiv 2501.05414; princeton-pli/LongProc): long inputs turned into long, exact outputs.

Tasks: `html_to_tsv` (extract the rows that fit from a page), `path_traversal` (the only route between two cities),
`tom_tracking` (where somebody thinks a thing is, step by step), `countdown` (reach a number from four others),
`travel_planning` (a trip over cities that fits stays, dates and flights). Answer forms and scores are LongProc's.
Deviations: pages, stories and trips are generated; a page's length is filled with items that do not fit; stories are
scattered in prose; countdown's puzzle is one of a long list of puzzles, a trip's flights stand in a long timetable;
countdown and travel_planning ask for the search itself, LongProc's long output, with `procedure` alone. LongProc's
sixth task, pseudo_to_code, is left out: its score runs the reply as a program, and no reply is ever run here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

from corpora.options import chosen_of
from corpora.synthetic.long_proc_tasks.countdown import puzzles
from corpora.synthetic.long_proc_tasks.html_to_tsv import page
from corpora.synthetic.long_proc_tasks.path_traversal import cities
from corpora.synthetic.long_proc_tasks.tom_tracking import house
from corpora.synthetic.long_proc_tasks.travel_planning import trip
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "2"
TASKS = ("html_to_tsv", "path_traversal", "tom_tracking", "countdown", "travel_planning")


def load(
    *,
    tokens: int | Sequence[int] = 4_000,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    steps: int = 8,
    procedure: bool = False,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """LongProc: `samples` texts for each task and length, one question each.

    `steps`: rows of the table, legs of the route, events of the story (2 to 200; output grows with it, LongProc's 0.5k,
    2k and 8k outputs are about 20, 80 and 300), towns of the trip (3 to 8). `procedure`: countdown and travel_planning
    ask for the search, too, as LongProc does, and score how far a reply follows it; countdown's has up to 10 lines a
    step, where a puzzle of the text has so short a one. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=1_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1 or not 2 <= steps <= 200:
        raise InputError(f"steps {steps}", field="steps", fix="use 2 to 200, and samples from 1")
    if steps * 60 > min(lengths):
        raise InputError(f"{steps} steps need {steps * 60} tokens", field="steps", fix="use fewer, or more tokens")
    count = counter(tokenizer)
    makers: dict[str, Callable[[random.Random, int, int, Count], tuple[str, Asked]]] = {
        "html_to_tsv": page, "path_traversal": cities, "tom_tracking": house,
        "countdown": partial(puzzles, procedure), "travel_planning": partial(trip, procedure),
    }  # fmt: skip
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                text, asked = makers[task](random.Random(f"{seed}:{name}"), length, steps, count)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "long_proc", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {steps} steps{', procedures' if procedure else ''}, "
        f"{', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip
