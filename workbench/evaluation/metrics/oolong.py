"""Oolong (abertsch72/oolong at adbf1cb): questions about many records, with partial credit for counts."""

from __future__ import annotations

import ast
import re
from datetime import date, datetime

from workbench.evaluation.metrics._registry import metric_function

_COMPARISONS = ("more common", "less common", "same frequency")
_DECAY = 0.75  # a count that is wrong by n scores 0.75 ** n


def oolong_answer(reply: str) -> str:
    """The answer in a reply: the text after the last colon, without *, [ and ], or the comparison that a long one
    contains; without a colon, a reply of less than 20 characters as it is, else its last word.

    >>> oolong_answer("Label: **spam**"), oolong_answer("There are about 12 of them in the data")
    ('spam', 'data')
    """
    if ":" not in reply:
        return reply if len(reply) < 20 else (reply.split() or [""])[-1]  # only white space: there is no last word
    said = reply.split(":")[-1].strip().translate(str.maketrans("", "", "*[]"))
    if len(said) >= 20:
        said = next((phrase for phrase in _COMPARISONS if phrase in said), said)
    return said


@metric_function(2, reads=("answer_type",), own_rule=True)
def oolong_synth(prediction: str, references: list[str], *, answer_type: str = "", official: bool = True) -> float:
    """The score of an Oolong-synth answer: 1 when it equals the gold one; a count that is wrong by n gets 0.75 ** n.

    `answer_type` contains NUMERIC for counts and DATE for dates, which are compared as dates. The gold answer may be a
    Python list (its first item counts) or `[datetime.date(Y, M, D)]`. Officially case and a final full stop matter;
    without `official` they do not.
    """
    return max((_synth(prediction, gold, answer_type, official) for gold in references), default=0.0)


def _synth(prediction: str, gold: str, kind: str, official: bool) -> float:
    said = oolong_answer(prediction)
    day = re.search(r"datetime\.date\((\d+), (\d+), (\d+)\)", gold)
    wanted = _first(gold) if day is None else ""
    if not official:
        said, wanted = said.strip().rstrip(".").lower(), wanted.lower()
    if day is None and said == wanted:
        return 1.0
    if said in _COMPARISONS:
        return float(said in wanted)
    if "NUMERIC" in kind:
        try:
            return float(_DECAY ** abs(int(wanted) - int(said)))
        except ValueError:
            return 0.0
    if "DATE" in kind:
        meant = date(*map(int, day.groups())) if day else _date(wanted)
        return float(meant is not None and _date(said) == meant)
    return 0.0


def _first(gold: str) -> str:
    try:
        value = ast.literal_eval(gold)
    except (ValueError, SyntaxError):
        return gold
    return str(value[0]) if isinstance(value, list) and value else gold


def _date(text: str) -> date | None:
    from dateutil import parser

    try:
        found: datetime = parser.parse(text, default=datetime(1900, 1, 1))
    except (ValueError, OverflowError):
        return None
    return found.date()


def oolong_boxed(reply: str) -> int | str | list[str]:
    """The answer in `\\boxed{...}`: an integer, a list if it contains commas, else a text; without a box, the reply."""
    found = re.search(r"\\boxed\{\\text\{([^}]*)\}\}", reply) or re.search(r"\\boxed\{+([^}]*)\}+", reply)
    if found is None:
        return reply
    inside = found.group(1).strip()
    try:
        return int(inside)
    except ValueError:
        pass
    return [part.strip() for part in inside.split(",")] if "," in inside else inside


@metric_function(1, own_rule=True)
def oolong_real(prediction: str, references: list[str], *, official: bool = True) -> float:
    """The score of an Oolong-real answer; the gold answer is an integer, a text, or a comma-separated list.

    Integers: 0.75 ** |difference|. Texts: equal or not, ignoring case. Lists: the share of the gold items that are
    named (extra items cost nothing). Different types: 0, so a reply without `\\boxed{}` never matches an integer.
    Without `official`, a reply without a box is read as if it were in one, and a single item counts as a list of one.
    """

    def score(gold_text: str) -> float:
        gold = oolong_boxed(f"\\boxed{{{gold_text}}}")
        said = oolong_boxed(prediction)
        if not official and "boxed{" not in prediction:
            said = oolong_boxed(f"\\boxed{{{oolong_answer(prediction)}}}")
        if not official and isinstance(gold, list) and not isinstance(said, list):
            said = [str(said)]
        if isinstance(gold, int) and isinstance(said, int):
            return float(_DECAY ** abs(gold - said))
        if isinstance(gold, str) and isinstance(said, str):
            return float(gold.strip().lower() == said.strip().lower())
        if isinstance(gold, list) and isinstance(said, list):
            return len(set(gold) & set(said)) / len(gold)
        return 0.0

    return max(map(score, references), default=0.0)
