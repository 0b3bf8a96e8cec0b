"""Text functions that all layers share: hashes, sentences with offsets, and the default token count."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

DEFAULT_ENCODING = "o200k_base"

# A sentence ends at . ! ? (with closing quotes or brackets) before white space, at CJK full stops, or at a blank line.
_SENTENCE_END = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]?[A-Z0-9À-Þ])|(?<=[。！？])|\n\s*\n""")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Sr|Jr|vs|No|Vol|Fig|etc|e\.g|i\.e|cf|Inc|Ltd|Co)|\b[A-Z])\.$")
# Where a block may end: after the white space that follows a sentence or a line.
_BLOCK_END = re.compile(r"(?:[.!?。！？][\"'”’)\]]*|\n)\s+")


def text_hash(text: str) -> str:
    """BLAKE2b-128 of the UTF-8 text, as 32 hexadecimal characters: the key under which texts are stored once."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def combined_hash(*parts: str) -> str:
    """Hash of several strings. Their lengths are hashed too, so that ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) character offsets of the sentences of `text`, in order, without surrounding white space."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        end = match.start()
        if "\n" not in match.group() and _ABBREVIATION.search(text, max(start, end - 8), end):
            continue
        # closing quotes belong to the sentence they close
        stop = end + len(match.group()) - len(match.group().lstrip("\"'”’)]"))
        yield from _stripped(text, start, stop)
        start = match.end()
    yield from _stripped(text, start, len(text))


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def sentences(text: str) -> list[str]:
    """The sentences of `text` as strings.

    >>> sentences("Dr. Hale left. Was it late? Yes.")
    ['Dr. Hale left.', 'Was it late?', 'Yes.']
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_tiles(text: str) -> list[str]:
    """Sentences together with the white space that follows them; joined, they are the text exactly.

    >>> sentence_tiles(" One.  Two!")
    [' One.  ', 'Two!']
    """
    starts = [start for start, _ in sentence_spans(text)]
    if not starts:
        return [text] if text else []
    bounds = [0, *starts[1:], len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


def text_blocks(text: str) -> list[str]:
    """Cut a text into blocks that other texts are likely to share; joined, they are the text exactly.

    A cut falls after a sentence or line whose last characters hash to a chosen value, so that two prompts over the same
    context cut it alike, wherever it stands in them. Blocks have about 4,000 characters, at most 32,768. In the last
    2,000 characters each blank line is a cut, because there the question follows the shared part.

    >>> text_blocks("The context.\\n\\nWho was it?")
    ['The context.\\n\\n', 'Who was it?']
    """
    blocks = []
    start, tail = 0, len(text) - 2_000
    for match in _BLOCK_END.finditer(text):
        end = match.end()
        while end - start > 32_768:
            blocks.append(text[start : start + 32_768])
            start += 32_768
        if end >= tail:
            cut = match.group().count("\n") > 1
        else:
            cut = end - start >= 1_024 and crc32(text[end - 16 : end].encode("utf-8", "surrogatepass")) % 32 == 0
        if cut and start < end < len(text):
            blocks.append(text[start:end])
            start = end
    blocks += [text[at : at + 32_768] for at in range(start, len(text), 32_768)]
    return blocks


@lru_cache(maxsize=4)
def encoding(name: str = DEFAULT_ENCODING) -> Any:
    """The tiktoken encoding `name`, from the copy that llama-index-core ships, so that no network is needed."""
    if "TIKTOKEN_CACHE_DIR" not in os.environ:
        from importlib.util import find_spec

        spec = find_spec("llama_index.core") if find_spec("llama_index") else None
        if spec and spec.origin:
            shipped = Path(spec.origin).parent / "_static" / "tiktoken_cache"
            if shipped.is_dir():
                os.environ["TIKTOKEN_CACHE_DIR"] = str(shipped)
    import tiktoken

    return tiktoken.get_encoding(name)


# tiktoken's regular expression overflows its stack on a run of about 500,000 blanks. Matched at the run's start only.
_MANY_BLANKS = re.compile(r"(?<![^\S\r\n])[^\S\r\n]{100000}")


def token_ids(text: str, name: str = DEFAULT_ENCODING) -> list[int]:
    """The tokens of `text` in the tiktoken encoding `name`; special tokens are treated as ordinary text. A text with a
    run of a hundred thousand blanks is encoded in parts."""
    if len(text) > 100_000 and _MANY_BLANKS.search(text):
        middle = len(text) // 2
        return [*token_ids(text[:middle], name), *token_ids(text[middle:], name)]
    ids: list[int] = encoding(name).encode_ordinary(text)
    return ids


_LONG_TEXT = 2_000  # characters; longer texts are counted repeatedly, and hashing them costs less
_COUNTS: dict[tuple[str, str], int] = {}


def count_tokens(text: str, name: str = DEFAULT_ENCODING) -> int:
    """The number of tokens of `text` in the tiktoken encoding `name`; special tokens count as ordinary text. The counts
    of long texts are remembered by hash."""
    if len(text) < _LONG_TEXT:
        return len(token_ids(text, name))
    key = (text_hash(text), name)
    known = _COUNTS.get(key)
    if known is None:
        known = len(token_ids(text, name))
        if len(_COUNTS) > 50_000:
            _COUNTS.clear()
        _COUNTS[key] = known
    return known


def says_only(reply: str, mark: str) -> bool:
    """True when a reply is the mark and nothing else, apart from case and surrounding punctuation. A reply that only
    quotes the mark says more.

    >>> says_only("[not mentioned].", "[NOT MENTIONED]"), says_only("It is [NOT MENTIONED] here.", "[NOT MENTIONED]")
    (True, False)
    """
    return _bare(reply) == _bare(mark)


def _bare(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", " ".join(text.casefold().split()))
