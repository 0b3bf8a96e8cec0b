"""The built-in corpus: a generated world, told as long prose, with questions of known difficulty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from corpora.synthetic.fictional_world.book import make_book
from corpora.synthetic.fictional_world.questions import TASKS
from workbench.errors import InputError
from workbench.records import Context, Corpus, Question

VERSION = "3"


def load(
    tokens: int = 32_000, contexts: int = 4, questions: int = 40, seed: int = 7, tasks: Sequence[str] | None = None
) -> Corpus:
    """A generated world: people, places, organisations, dated events, in `contexts` books of `tokens` tokens each.

    `questions` is their total number, spread evenly over contexts and `tasks` (all seven by default). Labels:
    `diffusion` is 0 when the evidence contains all the question's words and 1 when it contains none; `scope` is the
    number of sentences needed; `depth` is the place of the last of them (0 to 1). A short world does not have many
    questions; a note says how many are missing. `tokens`: 4,000 to 1,000,000 (o200k). The same arguments give exactly
    the same corpus.

    Raises InputError for an unknown task or a length out of range.
    """
    if not 4_000 <= tokens <= 1_000_000:
        raise InputError("must be 4,000 to 1,000,000", field="corpus world: tokens", fix="e.g. tokens: 32000")
    if contexts < 1 or questions < 1:
        raise InputError("needs at least one context and one question", field="corpus world")
    chosen = tuple(tasks or TASKS)
    for task in chosen:
        if task not in TASKS:
            raise InputError(f"unknown task {task!r}", field="corpus world: tasks", fix=f"known: {', '.join(TASKS)}")
    made: list[Context] = []
    asked: list[Question] = []
    # questions are dealt out in turn to contexts and to tasks
    wanted: list[dict[str, int]] = [dict.fromkeys(chosen, 0) for _ in range(contexts)]
    for number in range(questions):
        wanted[number % contexts][chosen[(number // contexts + number % contexts) % len(chosen)]] += 1
    short: Counter[str] = Counter()
    for number in range(contexts):
        _, telling, questions_of_it = make_book(seed, number, tokens, wanted[number])
        made.append(telling.context)
        asked += questions_of_it
        short += Counter(wanted[number]) - Counter(question.task for question in questions_of_it)
    return Corpus.of(
        f"world-{tokens // 1000}k",
        made,
        asked,
        version=VERSION,
        provenance=f"generated: seed {seed}, {contexts} contexts of {tokens:,} tokens (o200k)",
        licence="CC0-1.0",
        notes=_told_short(len(asked), questions, short),
    )


def _told_short(made: int, wanted: int, short: Mapping[str, int]) -> tuple[str, ...]:
    """A note when a small world had fewer questions than wanted."""
    if not short:
        return ()
    tasks = ", ".join(f"{number} of {task}" for task, number in short.items())
    return (f"{made} of the {wanted} questions wanted: a world of this length has no more ({tasks} are missing)",)
