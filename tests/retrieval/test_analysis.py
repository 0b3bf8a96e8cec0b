"""Words of all scripts, in the form in which both sides of a search compare them."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.retrieval.analysis import _IGNORED, count_terms, folded, terms, words
from workbench.retrieval.indexes.bm25 import Bm25Index, Bm25Options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),  # vowel signs and the virama are marks: they are part of the word
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("한국어 문서는", ["한국어", "문서는"]),
        ("snake_case C++ 3.14", ["snake", "case", "c", "3", "14"]),
        ("don’t DON'T donʼt", ["don't"] * 3),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ﬁnance ＡＢＣ １２３", ["finance", "abc", "123"]),
        ("İstanbul", ["istanbul"]),
        ("co\u00adoperate \u200fword\u200d", ["cooperate", "word"]),
        ("مُحَمَّد كِتَاب", ["محمد", "كتاب"]),
        ("שָׁלוֹם", ["שלום"]),
        ("1️⃣ x_y", ["1", "x", "y"]),
        ("东京塔 中", ["东京", "京塔", "中"]),
        ("東京tower2号", ["東京", "tower2", "号"]),
        ("ភាសាខ្មែរ។", ["ភាសា", "សាខ្", "ខ្មែ", "មែរ"]),  # pairs of letters with their marks, without the full stop
        ("မြန်မာ", ["မြန်", "န်မာ"]),
        ("ลก\u200bโล", ["ลก", "โล"]),  # a zero-width space parts words
        ("\u0301 ... _ ", []),
    ],
)
def test_words_of_every_script_are_whole(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert words(unicodedata.normalize("NFD", text)) == expected
    assert words(text.upper()) == words(text.lower()) or "İ" in text


@pytest.mark.parametrize(
    ("language", "written", "asked"),
    [
        ("english", unicodedata.normalize("NFD", "The café closed."), "café"),
        ("english", "A ﬁnancial statement.", "financial"),
        ("german", "Die große Straße.", "GROSSE STRASSE"),
        ("arabic", "كِتَاب", "كتاب"),
        ("none", "किताब नदी में है", "किताब"),
        ("none", "ទឹកទន្លេ", "ទន្លេ"),
    ],
)
def test_a_question_finds_the_same_word_written_otherwise(language: str, written: str, asked: str) -> None:
    index = Bm25Index(["xyz", written, "abc"], Bm25Options(language=language))
    assert [position for position, _ in index.search(asked, 3)] == [1]


def test_a_word_of_another_meaning_is_not_found_by_its_letters() -> None:
    index = Bm25Index(["विश्वविद्यालय दिल्ली", "नदी पानी किताब", "लड़का मकान"], Bm25Options(language="none"))
    assert index.search("दवा", 3) == []


def test_all_that_unicode_calls_a_format_character_is_dropped() -> None:
    found = {chr(c) for c in range(0x10000) if unicodedata.category(chr(c)) == "Cf"}
    assert {c for c in found if not _IGNORED.match(c)} == {"\u200b"}  # that one parts words
    assert folded("a\u200bb") == "a b"


def test_a_matrix_counts_the_words_that_a_query_has() -> None:
    text = "Le café d'été – naïve ﬁn हिन्दी 东京塔"
    counts = count_terms([text], "none")
    assert sorted(set(terms(text, "none"))) == list(counts.vocabulary)


@given(st.text(st.characters(max_codepoint=127)) | st.text("aZ9'_ \n"))
def test_words_of_plain_text_are_runs_of_letters_and_digits_with_one_apostrophe_at_most(text: str) -> None:
    assert words(text) == re.findall("[a-z0-9]+(?:'[a-z0-9]+)?", text.lower())
