"""Needle Threading (Roberts et al. 2024, arXiv 2411.05000): looking up keys and following threads in a JSON object.

Six tasks over pairs of UUIDs: one needle, several, those with a marked key, a thread (each value is the next key),
several threads, and branched threads. The official data are published without their code, so these details are ours:
the mark of conditional needles is a `*` at a random place in the key; and in a branched thread each value belongs to
several keys, so that threads run together. The question follows it from its first key to its end.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpora.options import chosen_of
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = (
    "single_needle", "multiple_needles", "conditional_needles", "single_thread", "multi_threads", "branched_threads"
)  # fmt: skip
DIRECTIONS = ("forward", "backward", "random")
_MARK = "*"
_LIST = "Only write the list of corresponding values in square brackets, nothing else."
_QUESTIONS = {
    "single_needle": (
        "Extract the value corresponding to the specified key in the JSON object. Only write the corresponding value, "
        "nothing else. Key: {keys}\nCorresponding value:"
    ),
    "multiple_needles": (
        f"Extract the values corresponding to the specified keys in the JSON object. {_LIST} Keys: {{keys}}\n"
        "Corresponding values:"
    ),
    "conditional_needles": (
        f"Extract the values corresponding to the keys that contain the character '{_MARK}' in the JSON object. {_LIST}"
        "\nCorresponding values:"
    ),
    "single_thread": (
        "The specified key corresponds to a value in the JSON object. That value may itself be a key of the object, "
        "whose value may again be a key, and so on. Follow the thread to its end: the value that is no key. Only write "
        "that value, nothing else. Key: {keys}\nCorresponding final value:"
    ),
    "multi_threads": (
        "Each specified key corresponds to a value in the JSON object. A value may itself be a key of the object, "
        "whose value may again be a key, and so on. Follow each thread to its end: the value that is no key. Only "
        "write the list of these values in square brackets, nothing else. Keys: {keys}\nCorresponding final values:"
    ),
    "branched_threads": (
        "The specified key corresponds to a value in the JSON object. That value may itself be a key of the object, "
        "and so on; some values are the value of several keys, so that several threads run together. Follow the thread "
        "of the specified key to its end: the value that is no key. Only write that value, nothing else. Key: {keys}\n"
        "Corresponding final value:"
    ),
}


@dataclass(frozen=True)
class _Form:
    """What is hidden: numbers of needles and threads, length and direction of threads, depth of a single needle."""

    needles: int
    threads: int
    thread_length: int
    branching: int
    direction: str
    depth: float


def load(
    *,
    tokens: int | Sequence[int] = 8_000,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    needles: int = 4,
    threads: int = 3,
    thread_length: int = 4,
    branching: int = 2,
    direction: str = "random",
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Needle Threading: looking up keys, marked keys and threads of keys in a long JSON object.

    `samples` objects for each task and length, one question each. `needles`: number of keys asked for or marked;
    `threads`, `thread_length`: number of threads, and of pairs in each; `branching`: number of keys with the same value
    in branched threads; `direction`: forward (each pair comes after the previous one of its thread), backward or
    random. Single needles are spread evenly over depths. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=2_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    chosen_of(direction, DIRECTIONS, "direction")
    numbers = {"samples": samples, "needles": needles, "threads": threads, "branching": branching}
    for name, number in (*numbers.items(), ("thread_length", thread_length - 1)):
        if not 1 <= number <= 20:
            raise InputError(f"{name} is out of range", field=name, fix="use 1 to 20 (thread_length from 2)")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                depth = number / (samples - 1) if samples > 1 else 0.5
                form = _Form(needles, threads, thread_length, branching, direction, depth)
                text, asked = _make(task, random.Random(f"{seed}:{name}"), form, length, count)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "needle_threading", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


def _make(task: str, draw: random.Random, form: _Form, length: int, count: Count) -> tuple[str, Asked]:
    """An object as large as fits, with the task's pairs at random places, and its question."""
    hidden, keys, golds, path = _hidden(task, draw, form)
    others: list[tuple[str, str]] = []
    places = [draw.random() for _ in hidden] if task != "single_needle" else [form.depth]
    if "thread" in task and form.direction != "random":
        for first in range(0, len(path), form.thread_length):  # each thread separately
            links = slice(first, first + form.thread_length)
            places[links] = sorted(places[links], reverse=form.direction == "backward")

    def made(number: int) -> tuple[str, list[Span]]:
        while len(others) < number:
            others.append((_uuid(draw), _uuid(draw)))
        return _object(others[:number], hidden, places)

    text, spans = largest(made, lambda text: count(text[0]), length, guess=length // 60)
    shown = f'"{keys[0]}"' if len(keys) == 1 else json.dumps(keys)
    metrics = (
        ("thread_exact", "thread_share") if len(golds) == 1 and task != "conditional_needles" else ("thread_share",)
    )
    labels = {
        "hops": form.thread_length if "thread" in task else 1, "needles": len(golds), "pairs": len(others),
        "direction": form.direction,
    }  # fmt: skip
    evidence = [spans[number] for number in path]
    return text, Asked(_QUESTIONS[task].format(keys=shown), golds, evidence, task, metrics, labels=labels)


def _hidden(
    task: str, draw: random.Random, form: _Form
) -> tuple[list[tuple[str, str]], list[str], list[str], list[int]]:
    """The task's pairs, the keys to ask for, the gold values, and the numbers of the pairs that are evidence."""
    if task in ("single_needle", "multiple_needles"):
        pairs = [(_uuid(draw), _uuid(draw)) for _ in range(1 if task == "single_needle" else form.needles)]
        return pairs, [key for key, _ in pairs], [value for _, value in pairs], list(range(len(pairs)))
    if task == "conditional_needles":
        pairs = [(_marked(draw), _uuid(draw)) for _ in range(form.needles)]
        return pairs, [key for key, _ in pairs], [value for _, value in pairs], list(range(len(pairs)))
    pairs, keys, golds = [], [], []
    for _ in range(form.threads if task == "multi_threads" else 1):
        nodes = [_uuid(draw) for _ in range(form.thread_length + 1)]
        pairs += list(pairwise(nodes))
        keys.append(nodes[0])
        golds.append(nodes[-1])
    path = list(range(len(pairs)))
    if task == "branched_threads":  # adds further keys with the same values
        for _, value in pairs[:]:
            pairs += [(_uuid(draw), value) for _ in range(form.branching - 1)]
    return pairs, keys, golds, path


def _object(
    others: Sequence[tuple[str, str]], hidden: Sequence[tuple[str, str]], places: Sequence[float]
) -> tuple[str, list[Span]]:
    """The JSON object with the hidden pairs at their places (0 to 1), and the spans of these pairs."""
    order = sorted(range(len(hidden)), key=lambda number: places[number])
    rows: list[tuple[str, int | None]] = []
    at = 0
    for number in order:
        place = round(places[number] * len(others))
        rows += [(_row(pair), None) for pair in others[at:place]]
        rows.append((_row(hidden[number]), number))
        at = place
    rows += [(_row(pair), None) for pair in others[at:]]
    spans = [(0, 0)] * len(hidden)
    offset = 1
    for row, found in rows:
        if found is not None:
            spans[found] = (offset, offset + len(row))
        offset += len(row) + 2
    return "{" + ", ".join(row for row, _ in rows) + "}", spans


def _row(pair: tuple[str, str]) -> str:
    return f'"{pair[0]}": "{pair[1]}"'


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _marked(draw: random.Random) -> str:
    key = _uuid(draw)
    at = draw.randrange(len(key) + 1)
    return key[:at] + _MARK + key[at:]
