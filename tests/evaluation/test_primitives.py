"""The shared primitives against independent implementations and laws."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluation.metrics import metric
from workbench.evaluation.metrics.answer_match import bag_f1, normalize_answer
from workbench.evaluation.metrics.boxed import clean_boxed, last_boxed
from workbench.evaluation.metrics.chinese import normalize_zh_answer
from workbench.evaluation.metrics.rouge import lcs_length, pltrdy
from workbench.evaluation.metrics.string_distance import fuzz_ratio

WORDS = st.lists(st.sampled_from(["a", "b", "c", "the", "d.", "e", "A"]), min_size=0, max_size=14).map(" ".join)


def distinct_rouge_l(hypothesis: str, reference: str) -> float:
    """The package's documented algorithm, written anew: distinct words, united over pairs of sentences."""

    def split(text: str) -> list[list[str]]:
        return [" ".join(part.split()).split(" ") for part in text.split(".") if part]

    def lcs(a: list[str], b: list[str]) -> set[str]:
        table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, x in enumerate(a, 1):
            for j, y in enumerate(b, 1):
                table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
        found, i, j = set(), len(a), len(b)
        while i and j:
            if a[i - 1] == b[j - 1]:
                found.add(a[i - 1])
                i, j = i - 1, j - 1
            elif table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
        return found

    said, gold = split(hypothesis), split(reference)
    if not said or not gold:
        return 0.0
    union: set[str] = set()
    for sentence in gold:
        for other in said:
            union |= lcs(sentence, other)
    recall = len(union) / len({word for sentence in gold for word in sentence})
    precision = len(union) / len({word for sentence in said for word in sentence})
    return 2 * precision * recall / (precision + recall + 1e-8)


@given(WORDS, WORDS)
@settings(max_examples=200, deadline=None)
def test_the_packages_rouge_l_is_the_documented_one(hypothesis: str, reference: str) -> None:
    if not hypothesis.replace(".", "").strip() or not reference.replace(".", "").strip():
        return
    assert pltrdy(hypothesis, reference) == pytest.approx(distinct_rouge_l(hypothesis, reference), abs=1e-7)


def test_what_the_package_cannot_do_scores_0() -> None:
    assert pltrdy("", "the cat") == 0.0
    long = " ".join(f"w{i}" for i in range(1_100))
    assert pltrdy(f"w0 {long}", "w0 x") == 0.0  # it recurses once a word
    assert pltrdy(f"w0. {long}.", "w0 x") == 0.0  # in any sentence
    assert pltrdy(f"w0 {long[:1000]}", "w0 x") > 0.0


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_the_fuzz_ratio_is_the_rounded_share_of_common_characters(a: str, b: str) -> None:
    expected = 200 * lcs_length(a, b) / (len(a) + len(b)) if a or b else 100
    assert abs(fuzz_ratio(a, b) - expected) <= 0.5 + 1e-9


@given(st.text(max_size=60))
def test_normalising_twice_is_normalising_once_and_leaves_no_punctuation(text: str) -> None:
    for normal in (normalize_answer(text), normalize_zh_answer(text)):
        assert not set(normal) & set(string.punctuation)
    assert " " not in normalize_zh_answer(text)
    assert normalize_answer(normalize_answer(text)) == normalize_answer(text)


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_bag_f1_is_symmetric_and_counts_words_as_often_as_both_have_them(a: list[str], b: list[str]) -> None:
    assert bag_f1(a, b) == pytest.approx(bag_f1(b, a))
    common = sum(min(a.count(word), b.count(word)) for word in set(a))
    assert bag_f1(a, b) == pytest.approx(2 * common / (len(a) + len(b)) if common else 0)


@pytest.mark.parametrize(
    "name", ["rouge_1_google", "rouge_l_google", "rouge_lsum_google", "rouge_l_stemmed", "rouge_l"]
)
def test_the_same_text_has_full_rouge_and_the_best_reference_counts(name: str) -> None:
    assert metric(name)("The mill burned down in 1907.", ["Nothing.", "The mill burned down in 1907."]) == 1.0


def test_google_rouge_counts_words_without_case_and_stems_when_told() -> None:
    # "killed the gunman" of four words on each side; with stemming all four
    assert metric("rouge_l_google")("Police killed the gunman", ["police kill the gunman"]) == 0.75
    assert metric("rouge_l_stemmed")("Police killed the gunman", ["police kill the gunman"]) == 1.0
    assert metric("rouge_2_google")("a b c", ["a b d"]) == 0.5


@given(st.text(alphabet="{}ab\\", max_size=20))
def test_a_box_is_closed_by_its_own_brace(inside: str) -> None:
    depth, balanced = 0, True
    for character in inside:
        depth += {"{": 1, "}": -1}.get(character, 0)
        balanced &= depth >= 0
    if balanced and depth == 0 and "boxed" not in inside:
        assert last_boxed(f"\\boxed{{no}} then \\boxed{{{inside}}} done", strip_braces=False) == inside
    assert last_boxed("no box") is None
    assert last_boxed("\\boxed{open") is None


def test_boxed_answers_are_cleaned_of_tex() -> None:
    assert clean_boxed("\\text{Ada  Hale}~") == "Ada Hale"
    assert metric("ancestral_trace")("So \\boxed{{\\text{Ada Hale}}}.", ["Ada Hale"]) == 1.0
    assert metric("ancestral_trace")("Ada Hale", ["Ada Hale"]) == 0.0
    assert metric("ancestral_trace_lenient")("It is Ada Hale.", ["Ada Hale"]) == 1.0
