"""Cutting documents into chunks of whole sentences, each with its document and character span."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from re import compile as pattern

from workbench.errors import MethodError
from workbench.records import Chunk, Document
from workbench.text import sentence_spans

Count = Callable[[str], int]
_WORD_START = pattern(r"(?<=\s)\S")
_CHARACTERS_PER_TOKEN = 4.0  # first guess, corrected as tokens are counted


def sentence_chunks(document: Document, chunk_tokens: int, overlap: int) -> list[Chunk]:
    """Chunks of llama-index's SentenceSplitter: at most `chunk_tokens` long, `overlap` tokens shared.

    The same texts as `SentenceSplitter.split_text` gives (white space at chunk borders stripped), with their exact
    offsets, even where the document repeats itself. Tokens are counted in `workbench.text.DEFAULT_ENCODING`. Raises
    MethodError when a single character has more than `chunk_tokens` tokens.
    """
    from workbench.llama import sentence_split_spans

    try:
        spans = sentence_split_spans(document.text, chunk_tokens, overlap)
    except ValueError as error:  # llama-index's "Single token exceeded chunk size"
        raise MethodError(f"document {document.document_id}: chunk_tokens {chunk_tokens} is too small") from error
    return [Chunk.of(document, start, end) for start, end in spans]


def pack(document: Document, room: int, count: Count, *, overlap: int = 0) -> list[Chunk]:
    """Greedy sentence packing: chunks of at most `room` tokens that join to the whole document when `overlap` is 0.

    Each chunk holds as many whole sentences as fit and runs to the start of the next sentence, so white space is kept.
    A sentence longer than the room is cut at words, and a word longer than the room at characters; a single character
    longer than the room becomes a chunk. With `overlap`, a chunk begins with the last sentences of the one before, at
    most `overlap` tokens of them and never with all of that chunk.
    """
    starts = [start for start, _ in sentence_spans(document.text)]
    return [Chunk.of(document, *span) for span in pack_spans(document.text, starts, room, count, overlap)]


def pack_spans(text: str, starts: Sequence[int], room: int, count: Count, overlap: int = 0) -> list[tuple[int, int]]:
    """Greedy packing of the units that begin at `starts` (ascending); spans as (start, end), see `pack`.

    Calls `count` two to four times per chunk, however many units there are: it may be a server's tokenizer.
    """
    if room < 1:
        raise MethodError(f"a chunk needs room for at least one token, not {room}")
    if not text:
        return []
    bounds = [0, *(start for start in starts if 0 < start < len(text)), len(text)]
    ruler = _Ruler(text, count)
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(bounds) - 1:
        stop = ruler.longest(bounds, at, room)
        while stop == at and bounds[at + 1] - bounds[at] > 1:  # the unit is too long: cut at words, then characters
            bounds[at : at + 2] = _finer(text, bounds[at], bounds[at + 1])
            stop = ruler.longest(bounds, at, room)
        stop = max(stop, at + 1)
        spans.append((bounds[at], bounds[stop]))
        if stop == len(bounds) - 1:
            break
        at = ruler.overlap_from(bounds, at, stop, overlap, room) if overlap else stop
    return spans


def _finer(text: str, start: int, end: int) -> list[int]:
    """Bounds of the words from `start` to `end`, or of the characters of a single word. Includes both ends."""
    words = [match.start() for match in _WORD_START.finditer(text, start, end) if match.start() > start]
    return [start, *words, end] if words else list(range(start, end + 1))


class _Ruler:
    """Finds how many units fit in a number of tokens, guessing from the characters per token seen so far."""

    def __init__(self, text: str, count: Count) -> None:
        self._text = text
        self._count = count
        self._ratio = _CHARACTERS_PER_TOKEN

    def _tokens(self, start: int, end: int) -> int:
        tokens = self._count(self._text[start:end])
        if tokens > 0 and end - start > 16:
            self._ratio = (end - start) / tokens
        return tokens

    def longest(self, bounds: Sequence[int], at: int, room: int) -> int:
        """The largest `stop` for which the units `at:stop` fit in `room` tokens; `at` when not even one does."""
        fits, over = at, len(bounds)  # bounds[over] is beyond the text, which never "fits"
        start = bounds[at]
        while over - fits > 1:
            guess = bisect_right(bounds, start + int(room * self._ratio), at + 1, len(bounds)) - 1
            stop = min(max(guess, fits + 1), over - 1)
            if self._tokens(start, bounds[stop]) <= room:
                fits = stop
                if over < len(bounds) and over - fits > 1:  # the guess was short: bisect instead of unit by unit
                    stop = self._between(start, bounds, fits, over, room)
                    fits, over = stop, stop + 1
            else:
                over = stop
        return fits

    def _between(self, start: int, bounds: Sequence[int], fits: int, over: int, room: int) -> int:
        while over - fits > 1:
            middle = (fits + over) // 2
            if self._tokens(start, bounds[middle]) <= room:
                fits = middle
            else:
                over = middle
        return fits

    def overlap_from(self, bounds: Sequence[int], at: int, stop: int, overlap: int, room: int) -> int:
        """Where the next chunk begins: the earliest unit after `at` whose text up to `stop` has at most `overlap`
        tokens and leaves room for one more unit, else `stop`."""
        begin = stop
        while begin - 1 > at and self._tokens(bounds[begin - 1], bounds[stop]) <= overlap:
            begin -= 1
        while begin < stop and self._tokens(bounds[begin], bounds[stop + 1]) > room:
            begin += 1
        return begin
