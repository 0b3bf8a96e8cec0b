"""All judgements part by part, by the name of their prompt, and the scores that each gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.judging.answer_judges import helmet_long_qa, holobench
from workbench.judging.citation_judges import alce_citations, longcite_citations
from workbench.judging.parts import Asker, Judged
from workbench.judging.summary_judges import ethic_summary, helmet_summary, summhay
from workbench.records import Score

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
