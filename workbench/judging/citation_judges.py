"""Judges of citations, statement by statement: ALCE and LongBench-Cite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import NotApplicable
from workbench.evaluation.metrics.citations import (
    necessary_citations,
    statement_citations,
    without_citations,
)
from workbench.evaluation.metrics.longcite import (
    longcite_f1,
    longcite_precision,
    longcite_recall,
    longcite_statements,
    without_longcite_marks,
)
from workbench.judging.parts import Asker, Judged, Parts
from workbench.records import Score
from workbench.text import sentences

_MOST_CITED = 3  # citations of a sentence that count (ALCE)
_SENTENCE_MARK = re.compile(r"<C(\d+)>")


def alce_citations(asker: Asker, judged: Judged) -> list[Score]:
    """ALCE's citation recall and precision (Gao et al., EMNLP 2023; HELMET): per sentence, or per item of a list.

    A sentence is recalled when the documents that it cites entail it, at most three; it is not when it cites none, or
    one that does not exist. A citation counts when its sentence is entailed and would not be as well without it.
    Differs in who decides: a judge instead of the TRUE model, and sentences by our rule instead of nltk's.
    """
    if not any(text.strip() for text in judged.documents):
        raise NotApplicable("the log has no text of the documents")
    parts = Parts(asker)
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


def _entailed(parts: Parts, judged: Judged, part: str, claim: str, cited: Sequence[int]) -> tuple[bool, list[bool]]:
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
    parts = Parts(asker)
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
