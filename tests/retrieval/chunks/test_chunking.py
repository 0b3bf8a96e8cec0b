"""Chunks: exact offsets, rooms kept, documents re-joined."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import MethodError
from workbench.llama import sentence_split
from workbench.records import Document
from workbench.retrieval.chunks.chunking import pack, sentence_chunks
from workbench.text import count_tokens

WORDS = st.sampled_from(
    ["Yes.", "yes", "No!", "wait...", "what,,", "\n\n\n", "\n", "  ", "日本。", "🙂", "Dr. A", "x" * 40]
)
TEXTS = st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=80)


def words(text: str) -> int:
    return len(text.split())


def test_sentence_chunks_are_the_texts_of_llama_index_at_their_offsets() -> None:
    text = "".join(f"Sentence number {i} says something, and then more. " for i in range(60))
    document = Document("d", text)
    chunks = sentence_chunks(document, 50, 10)
    assert [c.text for c in chunks] == sentence_split(text, 50, 10)
    assert all(text[c.start : c.end] == c.text for c in chunks)


def test_repeated_text_gets_its_own_offsets() -> None:
    chunks = sentence_chunks(Document("d", "Yes it is. " * 30), 12, 0)
    assert [c.start for c in chunks[1:]] == [c.end + 1 for c in chunks[:-1]]


def test_punctuation_runs_in_an_overlong_sentence_are_kept() -> None:
    text = "wait... " * 40 + "what"
    chunks = sentence_chunks(Document("d", text), 20, 0)
    assert "".join(c.text for c in chunks).replace(" ", "") == text.replace(" ", "")


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(8, 40), st.integers(0, 7))
def test_sentence_chunks_equal_the_splitter_and_leave_out_only_white_space(text: str, size: int, overlap: int) -> None:
    chunks = sentence_chunks(Document("d", text), size, overlap)
    assert [c.text for c in chunks] == [t for t in sentence_split(text, size, overlap) if t]
    covered = 0
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert not text[covered : max(covered, chunk.start)].strip()
        covered = chunk.end
    assert not text[covered:].strip()


def test_a_character_over_the_chunk_size_is_an_error_that_says_so() -> None:
    with pytest.raises(MethodError, match="chunk_tokens 1 is too small"):
        sentence_chunks(Document("d", "👩‍👩‍👧‍👦𓀀𓀁"), 1, 0)


def test_pack_fills_the_room_with_whole_sentences() -> None:
    chunks = pack(Document("d", "One two. Three four. Five six. Seven."), 4, words)
    assert [c.text for c in chunks] == ["One two. Three four. ", "Five six. Seven."]


def test_pack_cuts_a_long_sentence_at_words_and_a_long_word_at_characters() -> None:
    chunks = pack(Document("d", "Short one. Word " + "word " * 6 + "end."), 3, words)
    assert [c.text.split() for c in chunks] == [
        ["Short", "one."],
        ["Word", "word", "word"],
        ["word"] * 3,
        ["word", "end."],
    ]
    assert [c.text for c in pack(Document("d", "abcdefg"), 3, len)] == ["abc", "def", "g"]


def test_pack_repeats_the_last_sentences_up_to_the_overlap() -> None:
    chunks = pack(Document("d", "A a. B b. C c. D d. E e."), 6, words, overlap=2)
    assert [c.text for c in chunks] == ["A a. B b. C c. ", "C c. D d. E e."]


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.integers(1, 30))
def test_packed_chunks_rejoin_and_keep_to_the_room(text: str, room: int) -> None:
    chunks = pack(Document("d", text), room, count_tokens)
    assert "".join(c.text for c in chunks) == text
    assert all(count_tokens(c.text) <= room or len(c.text) == 1 for c in chunks)


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(2, 30), st.integers(1, 12))
def test_overlapping_chunks_advance_and_cover(text: str, room: int, overlap: int) -> None:
    chunks = pack(Document("d", text), room, words, overlap=min(overlap, room - 1))
    end = 0
    for before, after in pairwise(chunks):
        assert before.start < after.start <= before.end < after.end
        assert words(text[after.start : before.end]) <= overlap
    for chunk in chunks:
        assert chunk.start <= end
        end = chunk.end
    assert end == len(text)


def test_pack_asks_for_few_counts_however_many_sentences() -> None:
    asked = 0

    def count(text: str) -> int:
        nonlocal asked
        asked += 1
        return words(text)

    chunks = pack(Document("d", "Here are five words now. " * 4_000), 1_000, count)
    assert len(chunks) == 20
    assert asked <= 6 * len(chunks)
