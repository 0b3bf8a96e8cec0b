"""The only module that imports llama-index, and only inside functions: it takes 1.5 s and 1,300 modules to load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.records import Message


def chat_messages(messages: Sequence[Message]) -> list[Any]:
    """Our messages as llama-index ChatMessages."""
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role=message.role, content=message.content) for message in messages]


@lru_cache(maxsize=32)
def _sentence_splitter(chunk_tokens: int, overlap: int) -> Any:
    """llama-index's SentenceSplitter, counting with our default encoding."""
    from llama_index.core.node_parser import SentenceSplitter

    from workbench.text import sentence_tiles, token_ids

    return SentenceSplitter(
        chunk_size=chunk_tokens,
        chunk_overlap=overlap,
        tokenizer=token_ids,
        chunking_tokenizer_fn=sentence_tiles,  # the default would download a model for nltk
        # keeps a run of punctuation marks together; the default cuts "wait..." after its first dot
        secondary_chunking_regex=r"[^,.;。？！]+[,.;。？！]*|[,.;。？！]+",
    )


def sentence_split(text: str, chunk_tokens: int, overlap: int) -> list[str]:
    """The texts of SentenceSplitter's chunks, in order."""
    return list(_sentence_splitter(chunk_tokens, overlap).split_text(text))


def sentence_split_spans(text: str, chunk_tokens: int, overlap: int) -> list[tuple[int, int]]:
    """(start, end) of SentenceSplitter's chunks in `text`, exact even where the text repeats itself.

    The splitter first cuts the text into splits that cover it without gaps and then merges them without reading their
    content, so each split's text is replaced by its offsets before the merge. Raises ValueError when one character has
    more than `chunk_tokens` tokens.
    """
    if not text.strip():
        return []
    splitter = _sentence_splitter(chunk_tokens, overlap)
    splits = splitter._split(text, chunk_tokens)
    at = 0
    for split in splits:
        end = at + len(split.text)
        split.text = f"{at}:{end} "
        at = end
    spans = []
    for merged in splitter._merge(splits, chunk_tokens):
        tiles = merged.split()
        start, end = int(tiles[0].partition(":")[0]), int(tiles[-1].partition(":")[2])
        body = text[start:end]
        start, end = start + len(body) - len(body.lstrip()), start + len(body.rstrip())
        if start < end:
            spans.append((start, end))
    return spans


def embed_with(embedding: Any, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
    """Vectors of texts, or of queries, by a llama-index embedding object."""
    if query:
        return [embedding.get_query_embedding(text) for text in texts]
    return list(embedding.get_text_embedding_batch(list(texts)))


def read_pdf(path: Path) -> list[str]:
    """The text of each page of a PDF. Raises ValueError for a file that is damaged or locked with a password."""
    with _logging_unchanged():
        from llama_index.readers.file import PDFReader

    return [document.text for document in _read(PDFReader(), path)]


def read_docx(path: Path) -> str:
    """The text of a Word document. Raises ValueError for a file that is not one."""
    with _logging_unchanged():
        from llama_index.readers.file import DocxReader

    return "\n\n".join(document.text for document in _read(DocxReader(), path))


@contextmanager
def _logging_unchanged() -> Iterator[None]:
    """Restore the root logger afterwards: importing llama-index's readers makes it print every library's INFO lines."""
    import logging

    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def _read(reader: Any, path: Path) -> list[Any]:
    import logging

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings would tear the progress bar
    try:
        documents: list[Any] = reader.load_data(path)
    except Exception as error:  # each parser raises its own errors, and the PDF reader wraps them in a RetryError
        cause = error.last_attempt.exception() if hasattr(error, "last_attempt") else error
        locked = "decrypted" in str(cause) or "password" in str(cause).lower()
        reason = "is locked with a password" if locked else f"cannot be read: {type(cause).__name__}: {cause}"
        raise ValueError(reason) from error
    return documents
