"""Oolong (abertsch72/oolong at adbf1cb): how answers about many records are read, with partial credit for counts."""

from __future__ import annotations

import ast
import re
from datetime import date, datetime

from workbench.evaluation.metrics._registry import metric_function

_COMPARISONS = ("more common", "less common", "same frequency")
_DECAY = 0.75  # a count that is off by n scores 0.75 ** n


def oolong_answer(reply: str) -> str:
    """What follows the last colon, without *, [ and ]; without colon a short reply as it is, else its last word.

    >>> oolong_answer("Label: **spam**"), oolong_answer("There are about 12 of them in the data")
    ('spam', 'data')
    """
    if ":" not in reply:
        return reply if len(reply) < 20 else (reply.split() or [""])[-1]  # blanks alone have no last word
    said = reply.split(":")[-1].strip().translate(str.maketrans("", "", "*[]"))
    if len(said) >= 20:
        said = next((phrase for phrase in _COMPARISONS if phrase in said), said)
    return said


@metric_function(2, reads=("answer_type",), own_rule=True)
def oolong_synth(prediction: str, references: list[str], *, answer_type: str = "", official: bool = True) -> float:
    """Score of an Oolong-synth answer. `answer_type` holds NUMERIC (0.75 ** |difference|) or DATE (equal dates).

    A gold may be a list in Python's notation (its first item counts) or `[datetime.date(Y, M, D)]`. Officially case and
    a full stop matter; without `official` they do not.
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
    """The answer in `\\boxed{...}`: an integer, a list where there are commas, else a text; without box, the reply."""
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
    """Score of an Oolong-real answer; gold is an integer, a text, or a list with commas.

    Integers: 0.75 ** |difference|; lists: the share of the gold items that were said (surplus items cost nothing);
    different types: 0, so a reply without box never meets an integer. Without `official`, a reply without box is read
    as if it stood in one, and a single item counts as a list of one.
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
