"""Amortised cost: what a question costs when an index is paid once per context and shared by all its questions.

A method with a dear index and cheap questions beats one without only from some number of questions per context on:
the break-even. Index cost is that of model calls in the index stage, as recorded; embedding by a machine of your own
costs nothing here.
"""

from __future__ import annotations

import math

import pandas as pd

QUESTIONS_PER_CONTEXT = (1, 10, 100, 1_000)


def amortised(table: pd.DataFrame, questions_per_context: tuple[int, ...] = QUESTIONS_PER_CONTEXT) -> pd.DataFrame:
    """Cost of a question (USD) with its share of the index, one row a pipeline × number of questions per context.

    `table`: rows of `Comparison.table` of one corpus and model; rows whose cost is not known are left out. Columns:
    `pipeline`, `method`, `questions_per_context`, `usd_per_question`, `n` (questions measured).
    """
    known = table.dropna(subset=["usd_per_question", "index_usd_per_context"])
    rows = [
        {
            "pipeline": row["pipeline"],
            "method": row["method"],
            "questions_per_context": number,
            "usd_per_question": row["usd_per_question"] + row["index_usd_per_context"] / number,
            "n": row["n"],
        }
        for _, row in known.iterrows()
        for number in questions_per_context
    ]
    return pd.DataFrame(rows, columns=["pipeline", "method", "questions_per_context", "usd_per_question", "n"])


def break_even(question: float, index: float, other_question: float, other_index: float) -> float:
    """From how many questions per context on a method costs less than another; costs in USD a question and a context.

    1 where it is cheaper from the first question, infinity where it never is. A method that is dearer by the question
    but has the cheaper index is cheaper *up to* a number, which this does not give: infinity, too.

    >>> break_even(question=0.01, index=1.0, other_question=0.11, other_index=0.0)
    11.0
    >>> break_even(question=0.2, index=1.0, other_question=0.11, other_index=0.0)
    inf
    """
    saved = other_question - question
    extra = index - other_index
    if saved <= 0:
        return math.inf
    if extra < 0:
        return 1.0
    # strictly cheaper, so that equal costs are not called a saving; a tiny share guards against 9.999999
    return float(max(1, math.floor(extra / saved + 1e-9) + 1))
