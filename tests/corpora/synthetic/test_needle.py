"""A needle stands where it should, in a text as long as it should be, and only the text is needed to find it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.haystack import insert
from corpora.synthetic.needle import load
from tests.corpora.synthetic.marking import headline, nothing_for_nothing
from workbench.errors import InputError
from workbench.text import count_tokens

SOLVED = {  # an independent reading: question → where its answer stands in the text
    r"What is the number of the locker of (.+)\?": r"The number of the locker of {} is (\d+)\.",
    r"What is the password of (.+)\?": r"The password of {} is (\w+)\.",
    r"What did (.+) hide in the bell tower\?": r"{} hid (.+?) in the bell tower\.",
}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(200, 900), st.integers(1, 4))
def test_an_independent_reader_finds_every_gold_answer(seed: int, tokens: int, depths: int) -> None:
    corpus = load(tokens=tokens, depths=depths, seed=seed)
    assert len(corpus.questions) == depths
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        pattern, wording = next((p, w) for p, w in SOLVED.items() if re.fullmatch(p, question.text))
        name = re.fullmatch(pattern, question.text).group(1)  # type: ignore[union-attr]
        found = re.findall(wording.format(re.escape(name)), document.text)
        assert found == list(question.answers)
        assert corpus.contexts[question.context_id].holds(question.evidence[0])
        assert question.answers[0] in question.evidence[0].text
        assert 0.85 * tokens <= count_tokens(document.text) <= tokens  # a sentence may be a tenth of so short a text


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(800, 2_500), st.integers(2, 9), st.integers(1, 3))
def test_several_needles_are_found_one_by_one(seed: int, tokens: int, needles: int, depths: int) -> None:
    corpus = load(tokens=tokens, depths=depths, needles=needles, seed=seed)
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        found = []
        for line in question.text.split("\n")[1:]:
            pattern, wording = next((p, w) for p, w in SOLVED.items() if re.fullmatch(p, line))
            name = re.fullmatch(pattern, line).group(1)  # type: ignore[union-attr]
            found += re.findall(wording.format(re.escape(name)), document.text)
        assert tuple(found) == question.answers and len(set(found)) == needles
        assert [answer in chunk.text for answer, chunk in zip(found, question.evidence, strict=True)] == [
            True
        ] * needles
        starts = [chunk.start for chunk in question.evidence]
        assert starts == sorted(starts)
        assert headline(question, "\n".join(found)) == 1.0
        assert headline(question, found[0]) == pytest.approx(1 / needles)
        assert nothing_for_nothing(question)
        assert count_tokens(document.text) <= tokens


def test_several_needles_stand_evenly_between_the_depth_and_the_end() -> None:
    for question in load(tokens=20_000, depths=3, needles=4, seed=1).questions:
        (document,) = load(tokens=20_000, depths=3, needles=4, seed=1).contexts[question.context_id].documents
        depth = question.metadata["depth"]
        stands = [chunk.start / len(document.text) for chunk in question.evidence]
        assert stands == pytest.approx([depth + at * (1 - depth) / 4 for at in range(4)], abs=0.02)


def test_depth_and_length_of_the_grid() -> None:
    corpus = load(tokens=[2_000, 8_000], depths=5, seed=3)
    assert [(q.metadata["length"], q.metadata["depth"]) for q in corpus.questions] == [
        (length, depth) for length in (2_000, 8_000) for depth in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        stands = question.evidence[0].start / len(document.text)
        assert stands == pytest.approx(question.metadata["depth"], abs=0.03)
        assert 0.98 * question.metadata["length"] <= question.metadata["context_tokens"] <= question.metadata["length"]


def test_the_same_seed_gives_the_same_corpus_and_another_another() -> None:
    assert load(tokens=500, seed=1).fingerprint == load(tokens=500, seed=1).fingerprint
    assert load(tokens=500, seed=1).fingerprint != load(tokens=500, seed=2).fingerprint


def test_a_haystack_of_your_own(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("The sea was calm. Nobody spoke.")
    (question,) = load(tokens=300, depths=1, haystack=str(file)).questions
    assert question.metadata["context_tokens"] > 270
    with pytest.raises(InputError, match="no such file, folder or corpus"):
        load(haystack=str(tmp_path / "none.txt"))


@pytest.mark.parametrize(
    "wrong", [{"tokens": 10}, {"depths": 0}, {"kinds": ["colour"]}, {"needles": 0}, {"needles": 90, "tokens": 4_000}]
)
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]


def test_needles_of_one_depth_keep_their_order() -> None:
    text, spans = insert(["One. Two. Three."], [(0.5, "A."), (0.0, "B."), (0.5, "C."), (1.0, "D.")])
    assert text == "B. One. A. C. Two. Three. D." or text == "B. One. Two. A. C. Three. D."
    assert [text[start:end] for start, end in spans] == ["A.", "B.", "C.", "D."]
