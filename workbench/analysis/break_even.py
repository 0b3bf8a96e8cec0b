"""Amortised cost: what a question costs when an index is paid once per context and shared by all its questions.

A method with an expensive index and cheap questions is cheaper than one without an index only from some number of
questions per context on: the break-even. The index cost is the recorded cost of the index stage; embedding on your own
machine counts as free.
"""

from __future__ import annotations

import math

import pandas as pd

QUESTIONS_PER_CONTEXT = (1, 10, 100, 1_000)


def amortised(table: pd.DataFrame, questions_per_context: tuple[int, ...] = QUESTIONS_PER_CONTEXT) -> pd.DataFrame:
    """Cost of a question (USD) with its share of the index, one row per pipeline and number of questions per context.

    `table`: rows of `Comparison.table` of one corpus and model; rows with an unknown cost are left out. Columns of the
    result: `pipeline`, `method`, `questions_per_context`, `usd_per_question`, `n` (questions measured).
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
    """From how many questions per context on a method costs less than another; costs in USD per question and context.

    1 where it is cheaper from the first question on, infinity where it never is. A method with more expensive questions
    but a cheaper index is cheaper *up to* some number, which this does not give: the result is infinity, too.

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
    # strictly cheaper, since equal cost is no saving; the 1e-9 guards against a quotient such as 9.9999999999
    return float(max(1, math.floor(extra / saved + 1e-9) + 1))
