"""Judging an answer part by part: each statement with its citations, each insight, each row.

A judgement asks for many verdicts and puts them together by the benchmark's formula. Each verdict is one call of its
own; one that cannot be read leaves the figures that it belongs to without value, it is never guessed. What is judged
stands in the log: the answer, the question's labels and the documents of its context.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.evaluation.metrics._registry import NotApplicable
from workbench.evaluation.metrics.citations import (
    InsightVerdict,
    necessary_citations,
    statement_citations,
    summhay_score,
    without_citations,
)
from workbench.evaluation.metrics.longcite import (
    longcite_f1,
    longcite_precision,
    longcite_recall,
    longcite_statements,
    without_longcite_marks,
)
from workbench.evaluation.metrics.structured_output import holobench_score
from workbench.judging.judge import Ask, Verdict, judge_said
from workbench.judging.prompts import judge_prompt
from workbench.records import Score
from workbench.text import sentences

Asker = Callable[[str], Ask]  # a prompt's id → what asks the judge with it
_MOST_CITED = 3  # citations of a sentence that count (ALCE)
_MOST_ROWS = 50  # gold rows of a question that are judged (HoloBench)
_SENTENCE_MARK = re.compile(r"<C(\d+)>")


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what it is judged by: `documents` are the texts of its context, in order, each below its title."""

    question: str
    answer: str
    references: Sequence[str]
    documents: Sequence[str]
    task: str
    labels: Mapping[str, Any]


@dataclass
class _Parts:
    """The verdicts of one answer, by the figure that they belong to; the same is asked once."""

    asker: Asker
    told: dict[str, list[tuple[str, Verdict]]] = field(default_factory=dict)
    known: dict[tuple[str, ...], Verdict] = field(default_factory=dict)

    def ask(self, figure: str, part: str, prompt_id: str, said: str, data: Mapping[str, str]) -> Verdict:
        """The verdict on `data`, of which `said` comes from the answer; noted under `figure` and the `part`'s name."""
        prompt = judge_prompt(prompt_id)
        key = (prompt.prompt_id, *(data[name] for name in prompt.parts))
        if key not in self.known:
            self.known[key] = judge_said(self.asker(prompt.prompt_id), prompt, data, said)
        self.told.setdefault(figure, []).append((part, self.known[key]))
        return self.known[key]

    def unread(self, *figures: str) -> list[str]:
        """The parts of these figures that have no verdict."""
        return [part for figure in figures for part, verdict in self.told.get(figure, ()) if verdict.value is None]

    def scores(self, name: str, values: Mapping[str, tuple[float | None, Sequence[str]]]) -> list[Score]:
        """The figures as scores; each is given with the figures whose verdicts it needs. Reasons hold the raw verdicts
        of a figure's own."""
        scores = []
        for figure, (value, needed) in values.items():
            unread = list(dict.fromkeys(self.unread(*needed)))
            reason: dict[str, Any] = {"reason": f"no verdict on {', '.join(unread)}"} if unread else {}
            verdicts = [
                {"part": part, "prompt": v.prompt_id, "label": v.label, "raw": list(v.raw)}
                | ({"reason": v.reason} if v.reason else {})
                for part, v in self.told.get(figure, ())
            ]
            reason |= {"verdicts": verdicts} if verdicts else {"of": list(needed)}
            told = json.dumps(reason, ensure_ascii=False)
            scores.append(Score(f"judge:{name}_{figure}", None if unread else value, told))
        return scores


def alce_citations(asker: Asker, judged: Judged) -> list[Score]:
    """ALCE's citation recall and precision (Gao et al., EMNLP 2023; HELMET): per sentence, or per item of a list.

    A sentence is recalled when the documents that it cites entail it, at most three; it is not when it cites none, or
    one that does not exist. A citation counts when its sentence is entailed and would not be as well without it.
    Differs in who decides: a judge instead of the TRUE model, and sentences by our rule instead of nltk's.
    """
    if not any(text.strip() for text in judged.documents):
        raise NotApplicable("the log has no text of the documents")
    parts = _Parts(asker)
    supported, counted = [], []
    for number, (claim, cited) in enumerate(_claims(judged), 1):
        holds, flags = False, list[bool]()
        if cited and all(0 < source <= len(judged.documents) for source in cited):
            holds, flags = _entailed(parts, judged, f"sentence {number}", claim, cited[:_MOST_CITED])
        supported.append(holds)
        counted.append(flags)
    recall, precision, f1 = statement_citations(supported, counted)
    both = ("recall", "precision")
    return parts.scores("alce", {"recall": (recall, both[:1]), "precision": (precision, both), "f1": (f1, both)})


def _entailed(parts: _Parts, judged: Judged, part: str, claim: str, cited: Sequence[int]) -> tuple[bool, list[bool]]:
    """Whether the cited documents together entail a claim, and which of the citations count."""

    def entails(sources: Sequence[int], figure: str = "precision") -> bool:
        passages = "\n\n".join(judged.documents[source - 1] for source in sources)
        data = {"statement": claim, "passages": passages}
        return bool(parts.ask(figure, f"{part} by {list(sources)}", "entailment", "statement", data).value)

    if not entails(cited, "recall"):
        return False, [False] * len(cited)
    if len(cited) == 1:
        return True, [True]
    return True, necessary_citations(entails, cited)


def _claims(judged: Judged) -> list[tuple[str, list[int]]]:
    """The sentences of an answer without their citations, and the documents that each cites; of a list of answers, each
    item behind the question."""
    text = re.sub(r"\s+", " ", judged.answer).strip()
    if "qampari" in judged.task:
        question = judged.question.rpartition("Question: ")[2].strip()
        pieces = text.rstrip(".").rstrip(",").split(",")
        return [(f"{question} {without_citations(piece).strip()}", _cited(piece)) for piece in pieces]
    pieces = []
    for piece in sentences(text):
        if pieces and not without_citations(piece).strip(" ."):  # citations behind a full stop are its sentence's
            pieces[-1] += f" {piece}"
        else:
            pieces.append(piece)
    return [(without_citations(piece).strip(), _cited(piece)) for piece in pieces]


def _cited(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\[(\d{1,9})", text)]


def longcite_citations(asker: Asker, judged: Judged) -> list[Score]:
    """LongBench-Cite's citation recall, precision and F1 (Zhang et al. 2024, THUDM/LongCite).

    The documents' sentences begin with `<C0>`, `<C1>`, ... Cited sentences support a statement fully, partially or not;
    a statement without citations is right when it needs none. Raises NotApplicable for documents without these marks.
    """
    pieces = _SENTENCE_MARK.split("\n".join(judged.documents))
    told = {int(number): text for number, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    if not told:
        raise NotApplicable("the documents have no sentence marks <C0>, <C1>, ...")
    parts = _Parts(asker)
    supports, uncited, relevant = [], [], []
    answer = without_longcite_marks(judged.answer)
    for number, statement in enumerate(longcite_statements(judged.answer, max(told) + 1), 1):
        part, asked = f"statement {number}", {"question": judged.question, "statement": statement.text}
        passages = ["".join(told.get(i, "") for i in range(first, last + 1)) for first, last in statement.citations]
        if not passages:
            data = {**asked, "answer": answer}
            uncited.append(parts.ask("recall", part, "need_citation", "statement", data).label == "yes")
            continue
        together = "\n\n".join(passages).strip()
        if together:
            verdict = parts.ask("recall", part, "support", "statement", {**asked, "passages": together})
            supports.append(verdict.label if verdict.value is not None else "none")
        else:
            supports.append("none")
        for cited, passage in zip(statement.citations, passages, strict=True):
            data = {**asked, "passage": passage}
            verdict = parts.ask("precision", f"{part} by {list(cited)}", "relevance", "statement", data)
            relevant.append(verdict.label == "relevant")
    recall, precision = longcite_recall(supports, uncited), longcite_precision(relevant)
    both = ("recall", "precision")
    values = {
        "recall": (recall, both[:1]),
        "precision": (precision, both[1:]),
        "f1": (longcite_f1(recall, precision), both),
    }
    return parts.scores("longcite", values)


def summhay(asker: Asker, judged: Judged) -> list[Score]:
    """SummHay's coverage, citation and joint score (Laban et al., EMNLP 2024): each insight against all bullets.

    Every line of the answer is a bullet. A verdict that finds an insight names the bullet by its number; without one
    the coverage stands, and citation and joint score have no value. Raises NotApplicable without the insights' texts.
    """
    texts, sources = judged.labels.get("insight_texts"), judged.labels.get("sources")
    if not texts or not sources:
        raise NotApplicable("the question has no labels insight_texts and sources")
    bullets = [line.strip() for line in judged.answer.split("\n") if line.strip()]
    shown = "\n".join(f"{number}. {bullet}" for number, bullet in enumerate(bullets, 1))
    parts = _Parts(asker)
    verdicts, nameless = [], []
    for insight, text in texts.items():
        if not bullets:
            verdicts.append(InsightVerdict(insight, "NO_COVERAGE", None))
            continue
        verdict = parts.ask(
            "coverage", f"insight {insight}", "coverage", "bullets", {"insight": text, "bullets": shown}
        )
        named = re.search(r"\d{1,9}", verdict.detail)
        bullet = int(named.group()) if named and 1 <= int(named.group()) <= len(bullets) else None
        if verdict.value and bullet is None:
            nameless.append(insight)
        label = {1.0: "FULL_COVERAGE", 0.5: "PARTIAL_COVERAGE"}.get(verdict.value or 0.0, "NO_COVERAGE")
        verdicts.append(InsightVerdict(insight, label, bullet))
    score = summhay_score(bullets, verdicts, lambda insight: set(sources[insight]), official=False)
    needed = ("coverage",)
    scores = parts.scores(
        "summhay",
        {"coverage": (score.coverage, needed), "citation": (score.citation, needed), "joint": (score.joint, needed)},
    )
    if nameless:
        why = json.dumps({"reason": f"the verdict names no bullet: {', '.join(nameless)}"}, ensure_ascii=False)
        scores[1:] = [Score(score.metric, None, why) for score in scores[1:]]
    elif score.citation is None and scores[0].value is not None:
        scores[1] = Score(scores[1].metric, None, json.dumps({"reason": "no insight is covered"}))
    return scores


def holobench(asker: Asker, judged: Judged) -> list[Score]:
    """HoloBench's match of the gold rows (Maekawa et al. 2024): 1 exact, 0.5 partial, 0 none; mean over at most 50.

    Gold rows are the items of the gold answer. Where nothing fits, the answer is right when it says so.
    """
    parts = _Parts(asker)
    gold = judged.references[0] if judged.references else ""
    if gold.strip().lower() in ("", "none"):
        data = {"question": judged.question, "reference answers": "nothing fits", "answer": judged.answer}
        verdict = parts.ask("rows", "no row", "correctness", "answer", data)
        return parts.scores("holobench", {"rows": (verdict.value, ("rows",))})
    labels = []
    for number, row in enumerate(gold.split(", ")[:_MOST_ROWS], 1):
        data = {"question": judged.question, "row": row, "answer": judged.answer}
        labels.append(parts.ask("rows", f"row {number}", "row", "answer", data).label or "none")
    unread = parts.unread("rows")
    return parts.scores("holobench", {"rows": (None if unread else holobench_score(labels), ("rows",))})


def helmet_summary(asker: Asker, judged: Judged) -> list[Score]:
    """HELMET's score of a summary (Yen et al., ICLR 2025): fluency times the F1 of key points told (recall) and
    sentences that the reference supports (precision). Raises NotApplicable without the label `key_points`."""
    points = judged.labels.get("key_points")
    if not points or not judged.references:
        raise NotApplicable("the question has no label key_points, or no reference summary")
    parts = _Parts(asker)
    fluent = parts.ask("fluency", "the answer", "helmet_fluency", "answer", {"answer": judged.answer}).value
    for number, point in enumerate(points, 1):
        data = {"key point": str(point), "answer": judged.answer}
        parts.ask("recall", f"key point {number}", "helmet_key_point", "answer", data)
    for number, sentence in enumerate(sentences(judged.answer), 1):
        data = {"reference answers": judged.references[0], "sentence": sentence}
        parts.ask("precision", f"sentence {number}", "helmet_sentence", "sentence", data)
    recall, precision = (
        sum(verdict.value or 0.0 for _, verdict in told) / len(told) if (told := parts.told.get(figure)) else 0.0
        for figure in ("recall", "precision")
    )
    f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    all_three = ("fluency", "recall", "precision")
    return parts.scores(
        "helmet_summary",
        {
            "f1": ((fluent or 0.0) * f1, all_three),
            "fluency": (fluent, all_three[:1]),
            "recall": (recall, all_three[1:2]),
            "precision": (precision, all_three[2:]),
        },
    )


def helmet_long_qa(asker: Asker, judged: Judged) -> list[Score]:
    """HELMET's score of a long answer: fluency (0 or 1) times correctness (0 to 3, over 3)."""
    if not judged.references:
        raise NotApplicable("the question has no gold answer")
    parts = _Parts(asker)
    fluent = parts.ask("fluency", "the answer", "helmet_fluency", "answer", {"answer": judged.answer}).value
    gold = "\n".join(f"- {reference}" for reference in judged.references)
    data = {"question": judged.question, "reference answers": gold, "answer": judged.answer}
    right = parts.ask("correctness", "the answer", "helmet_correctness", "answer", data).value
    both = ("fluency", "correctness")
    return parts.scores(
        "helmet_long_qa",
        {
            "score": ((fluent or 0.0) * (right or 0.0), both),
            "fluency": (fluent, both[:1]),
            "correctness": (right, both[1:]),
        },
    )


def ethic_summary(asker: Asker, judged: Judged) -> list[Score]:
    """ETHIC's score of a summary by sections (Lee et al., NAACL 2025): each section's consistency, faithfulness and
    relevance from 1 to 5, over 5; a section without summary is worth 0. Raises NotApplicable for a text without marks.
    """
    sections = _sections("\n".join(judged.documents))
    if not sections:
        raise NotApplicable("the text has no marks <Section 1> or <Segment 1>")
    parts, told = _Parts(asker), _sections(judged.answer)
    figures = ("consistency", "faithfulness", "relevance")
    means = []
    for figure in figures:
        total = 0.0
        for mark, section in sections.items():
            if summary := told.get(mark):
                data = {"section": section, "answer": summary}
                total += parts.ask(figure, mark, f"ethic_{figure}", "answer", data).value or 0.0
        means.append(total / len(sections))
    whole = {"score": (sum(means) / len(means), figures)}
    each = {figure: (mean, (figure,)) for figure, mean in zip(figures, means, strict=True)}
    return parts.scores("ethic", {**whole, **each})


def _sections(text: str) -> dict[str, str]:
    """The texts behind the marks of sections."""
    pieces = re.split(r"(<(?:Section|Segment) \d+>)", text)
    return {mark: body.strip() for mark, body in zip(pieces[1::2], pieces[2::2], strict=True)}


JUDGEMENTS: Mapping[str, Callable[[Asker, Judged], list[Score]]] = {
    judgement.__name__: judgement
    for judgement in (
        alce_citations,
        longcite_citations,
        summhay,
        holobench,
        helmet_summary,
        helmet_long_qa,
        ethic_summary,
    )
}
FIGURES: Mapping[str, tuple[str, ...]] = {  # the scores of each judgement; what cannot be judged lacks all of them
    "alce_citations": ("alce_recall", "alce_precision", "alce_f1"),
    "longcite_citations": ("longcite_recall", "longcite_precision", "longcite_f1"),
    "summhay": ("summhay_coverage", "summhay_citation", "summhay_joint"),
    "holobench": ("holobench_rows",),
    "helmet_summary": (
        "helmet_summary_f1", "helmet_summary_fluency", "helmet_summary_recall", "helmet_summary_precision",
    ),
    "ethic_summary": ("ethic_score", "ethic_consistency", "ethic_faithfulness", "ethic_relevance"),
    "helmet_long_qa": ("helmet_long_qa_score", "helmet_long_qa_fluency", "helmet_long_qa_correctness"),
}  # fmt: skip
