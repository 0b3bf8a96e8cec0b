"""Lengths of generated texts: counting in a chosen tokenizer, and finding the largest text that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from workbench.errors import InputError
from workbench.text import count_tokens

Count = Callable[[str], int]
Made = TypeVar("Made")
LONGEST = 1_000_000  # tokens
_ENCODINGS = ("o200k_base", "cl100k_base")


class Counter:
    """A function that measures a text, with its `tokenizer` and its `unit`: tokens, words or characters."""

    __slots__ = ("_count", "tokenizer", "unit")

    def __init__(self, tokenizer: str, count: Count) -> None:
        self.tokenizer, self._count = tokenizer, count
        self.unit = tokenizer if tokenizer in ("words", "characters") else "tokens"

    def __call__(self, text: str) -> int:
        return self._count(text)


@lru_cache(maxsize=8)
def counter(tokenizer: str = "o200k_base") -> Counter:
    """The counter for `tokenizer`: o200k_base, cl100k_base, words, characters, or the path of a model's
    `tokenizer.json` (needs the package `tokenizers`). Raises InputError."""
    return Counter(tokenizer, _counted(tokenizer))


def _counted(tokenizer: str) -> Count:
    if tokenizer in _ENCODINGS:
        return partial(count_tokens, name=tokenizer)
    if tokenizer == "words":
        return lambda text: len(text.split())
    if tokenizer == "characters":
        return len
    path = Path(tokenizer).expanduser()
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise InputError(
            f"tokenizer {tokenizer!r}", field="tokenizer",
            fix=f"use {', '.join(_ENCODINGS)}, words, characters or the path of a tokenizer.json",
        )  # fmt: skip
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise InputError("needs the package `tokenizers`", field="tokenizer", fix="pip install tokenizers") from error
    try:
        made = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises a plain Exception for every kind of bad file
        raise InputError("is no tokenizer.json", file=path, field="tokenizer") from error
    return lambda text: len(made.encode(text, add_special_tokens=False).ids)


def lengths_of(tokens: int | Sequence[int], *, shortest: int = 200) -> list[int]:
    """The wanted lengths as a list. Raises InputError for a length below `shortest` or above a million."""
    lengths = [tokens] if isinstance(tokens, int) else list(tokens)
    if not lengths or not all(isinstance(n, int) and shortest <= n <= LONGEST for n in lengths):
        raise InputError(f"lengths {lengths}", field="tokens", fix=f"use {shortest} to {LONGEST} tokens")
    return lengths


def largest(
    make: Callable[[int], Made], size: Callable[[Made], int], budget: int, *, guess: int, floor: int = 1
) -> Made:
    """`make(n)` for the largest n ≥ `floor` whose `size` is within `budget`, or nearly the largest. The size has to
    grow with n, nearly linearly.

    Interpolates between the last sizes instead of bisecting, so that a text is made and counted about four times,
    however long it is. Raises InputError when even `make(floor)` is too large.
    """
    low, low_size, best = floor - 1, 0, None
    high: int | None = None
    high_size = 0
    number = max(floor, guess)
    while high is None or high - low > 1:
        made = make(number)
        found = size(made)
        if found <= budget:
            unit = (found - low_size) / (number - low)
            sure = best is not None  # two sizes are known, so `unit` can be trusted
            low, low_size, best = number, found, made
            if sure and budget - found <= unit / 4:
                return made
        else:
            high, high_size = number, found
        if high is None:
            share = (budget - low_size) / max(1.0, unit)
            number = low + max(1, int(share) if sure else int(number * (budget / max(1, low_size) - 1)))
        else:
            share = (budget - low_size) / max(1, high_size - low_size)
            number = min(max(low + int((high - low) * share), low + 1), high - 1)
    if best is None:
        problem = f"what has to be told takes {high_size} tokens, and there is room for {max(0, budget)}"
        raise InputError(problem, field="tokens", fix=f"use {high_size - budget} more")
    return best
