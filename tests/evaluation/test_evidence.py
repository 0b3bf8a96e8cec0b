"""Retrieved and cited spans against gold evidence, as arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UnknownName
from workbench.evaluation.metrics import NotApplicable, metric, score_answer
from workbench.evaluation.metrics import evidence as ev
from workbench.evaluation.metrics.citations import (
    InsightVerdict,
    cited_numbers,
    necessary_citations,
    span_citations,
    statement_citations,
    summhay_score,
)
from workbench.evaluation.metrics.longcite import (
    Statement,
    longcite_f1,
    longcite_precision,
    longcite_recall,
    longcite_statements,
)
from workbench.records import Answer, Chunk, Hit, Question

TEXT = "0123456789" * 10


def span(start: int, end: int, document: str = "d") -> Chunk:
    return Chunk(document, start, end, TEXT[start:end])


def hits(*chunks: Chunk) -> tuple[Hit, ...]:
    return tuple(Hit(chunk, 1.0 / rank, rank) for rank, chunk in enumerate(chunks, 1))


GOLD = (span(10, 20), span(50, 60))
RANKING = hits(span(0, 5), span(15, 30), span(12, 14), span(55, 70))


def test_ranks_and_shares() -> None:
    assert ev.reciprocal_rank(RANKING, GOLD) == 1 / 2
    assert [ev.recall_at_k(RANKING, GOLD, k) for k in (1, 2, 3, 4)] == [0.0, 0.5, 0.5, 1.0]
    assert [ev.hit_at_k(RANKING, GOLD, k) for k in (1, 2)] == [0.0, 1.0]
    assert [ev.precision_at_k(RANKING, GOLD, k) for k in (2, 4)] == [0.5, 0.75]
    # the first span is found at rank 2, the second at rank 4; the third hit repeats the first span
    assert ev.ndcg_at_k(RANKING, GOLD, 4) == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    )
    assert ev.average_precision(RANKING, GOLD, 4) == pytest.approx((1 / 2 + 2 / 4) / 2)
    # characters 15-19, 12-13 of the first span and 55-59 of the second, of twenty
    assert ev.evidence_recall(RANKING, GOLD) == pytest.approx((5 + 2 + 5) / 20)
    assert ev.evidence_recall(RANKING, GOLD, 2) == pytest.approx(5 / 20)


def test_without_evidence_nothing_is_claimed() -> None:
    for function in (ev.recall_at_k, ev.hit_at_k, ev.precision_at_k, ev.ndcg_at_k, ev.average_precision):
        assert function(RANKING, (), 3) is None
    assert ev.reciprocal_rank(RANKING, ()) is None
    assert ev.evidence_recall(RANKING, ()) is None
    assert ev.recall_at_k((), GOLD, 3) == 0.0
    assert span_citations((), ()) is None


SPANS = st.lists(
    st.tuples(st.sampled_from("de"), st.integers(0, 30), st.integers(0, 12)).map(
        lambda t: span(t[1], t[1] + t[2], t[0])
    ),
    max_size=6,
)


@given(SPANS, SPANS)
def test_covered_characters_are_counted_once(found: list[Chunk], gold: list[Chunk]) -> None:
    def characters(chunks: list[Chunk]) -> set[tuple[str, int]]:
        return {(chunk.document_id, i) for chunk in chunks for i in range(chunk.start, chunk.end)}

    wanted = characters(gold)
    expected = len(wanted & characters(found)) / len(wanted) if wanted else None
    assert ev.evidence_recall(hits(*found), gold) == (pytest.approx(expected) if wanted else None)


@given(SPANS, SPANS, st.integers(1, 6))
def test_everything_stays_between_0_and_1(found: list[Chunk], gold: list[Chunk], k: int) -> None:
    ranking = hits(*found)
    for function in (ev.recall_at_k, ev.hit_at_k, ev.precision_at_k, ev.ndcg_at_k, ev.average_precision):
        value = function(ranking, gold, k)
        assert value is None or 0.0 <= value <= 1.0


def test_spans_are_scored_by_name_and_of_themselves() -> None:
    question = Question("q", "?", "c", ("x",), evidence=GOLD, metrics=("exact_match", "recall@2"))
    answer = Answer("x", hits=RANKING, citations=(span(10, 12), span(0, 3)))
    scores = {score.metric: score.value for score in score_answer(question, answer)}
    assert list(scores)[:2] == ["exact_match", "recall@2"]
    assert scores["recall@2"] == 0.5
    assert scores["mrr"] == 0.5
    assert (scores["citation_precision"], scores["citation_recall"], scores["citation_f1"]) == (0.5, 0.5, 0.5)
    assert set(scores) == {"exact_match", "recall@2", "evidence_recall", "recall@5", "ndcg@10", "mrr"} | {
        f"citation_{part}" for part in ("precision", "recall", "f1")
    }
    bare = Question("q", "?", "c", ("x",), metrics=("exact_match", "mrr"))
    without = score_answer(bare, answer)
    assert [(score.metric, score.value) for score in without] == [("exact_match", 1.0), ("mrr", None)]
    with pytest.raises(NotApplicable):
        metric("recall@2")("x", ["x"])
    with pytest.raises(UnknownName):
        metric("recall@0")


def test_ids_in_a_ranking() -> None:
    assert ev.ranked_ids([], ["a"]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "mrr": 0.0}
    assert ev.ranked_ids(["x", "a", "b"], ["a", "b"])["mrr"] == 0.5


def test_summhay_scores_coverage_citations_and_both() -> None:
    bullets = ["# Heading", "- Rain [1][2].", "- Snow [3, 4]."]
    verdicts = [
        InsightVerdict("rain", "FULL_COVERAGE", 2),
        InsightVerdict("snow", "PARTIAL_COVERAGE", 3),
        InsightVerdict("sun", "NO_COVERAGE", None),
    ]
    sources = {"rain": {1, 2}, "snow": {4, 5}, "sun": {9}}
    score = summhay_score(bullets, verdicts, sources.__getitem__)
    # citations: F1 of {1,2} against {1,2} is 1, of {3,4} against {4,5} is 0.5
    assert (score.coverage, score.citation, score.joint) == pytest.approx((0.5, 0.75, (1 * 1 + 0.5 * 0.5) / 3))
    lost = [InsightVerdict("rain", "FULL_COVERAGE", None)]
    assert summhay_score(bullets, lost, sources.__getitem__).citation == 1.0  # the last but one, which is the rain
    assert summhay_score(bullets, lost, sources.__getitem__, official=False).citation == 0.0
    assert summhay_score(bullets, verdicts[2:], sources.__getitem__).citation is None
    assert cited_numbers("[1][2, 1] and [note]") == [1, 2]


def test_statements_and_their_citations() -> None:
    assert statement_citations([True, False], [[True, False], [False]]) == pytest.approx((0.5, 1 / 3, 0.4))
    assert longcite_recall(["full", "partial", "none"], []) == 0.5
    assert longcite_recall([], []) == longcite_precision([]) == longcite_f1(0.0, 0.0) == 0.0
    assert longcite_f1(longcite_recall(["full"], [True]), longcite_precision([True, False])) == 0.5
    facts = {1, 2}

    def entails(sources: object) -> bool:
        return 1 in sources  # type: ignore[operator]

    assert necessary_citations(entails, [1, 2]) == [True, False]  # 2 fails alone, and 1 does without it
    assert necessary_citations(entails, [2]) == [False]
    assert necessary_citations(lambda sources: facts <= set(sources), [1, 2]) == [True, True]


def test_longcite_statements_as_the_official_parser_cuts_them() -> None:
    reply = (
        "Yes. It is long: <statement>One.<cite>[1-1][2-2][5-6][8-8][9-12][20-20]</cite></statement>\n"
        "<statement>Two.</statement> ok"
    )
    assert longcite_statements(reply) == [
        Statement("Yes. It is long:", ()),
        Statement("One.", ((1, 2), (5, 6), (8, 12))),  # what follows on is one citation; three count
        Statement("Two.", ()),
    ]
    assert len(longcite_statements("<statement>x</statement>" * 50)) == 40


def test_documents_are_ranked_as_longmemeval_ranks_sessions() -> None:
    question = Question("q", "?", "c", ("x",), evidence=(span(0, 5, "s1"), span(0, 5, "s3")))
    found = Answer(
        "x", hits=hits(span(0, 5, "s2"), span(9, 12, "s2"), span(8, 9, "s1"), span(0, 5, "s4"), span(0, 1, "s3"))
    )

    def value(name: str) -> float | None:
        return score_answer(question, found, [name])[0].value

    assert [value(f"recall_any@{k}") for k in (1, 2)] == [0.0, 1.0]  # s2 counts once, however many chunks it has
    assert [value(f"recall_all@{k}") for k in (3, 4)] == [0.0, 1.0]
    assert value("ndcg_any@4") == pytest.approx((1 / math.log2(2) + 1 / math.log2(4)) / (1 + 1 / math.log2(2)))
    nothing = Question("q", "?", "c", ("x",))
    assert score_answer(nothing, found, ["recall_any@5"])[0].value is None


def test_multihop_rag_s_own_retrieval_figures() -> None:
    evidence = (span(0, 5), span(5, 9))
    question = Question("q", "?", "c", ("x",), evidence=evidence)
    found = Answer("x", hits=hits(Chunk("d", 50, 53, "xyz"), Chunk("d", 0, 9, TEXT[0:9])))
    names = ["multihop_rag_hits@4", "multihop_rag_map@10", "multihop_rag_mrr@10"]
    values = {score.metric: score.value for score in score_answer(question, found, names)}
    assert [values[name] for name in names] == [1.0, pytest.approx((2 / 2) / 2), 0.5]  # both facts at the second rank
