"""Metrics of long and structured output: LongProc, ETHIC, KG-QAGen, MathHay, HoloBench."""

from __future__ import annotations

import csv
import math
import re
import string
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.evaluation.metrics.citations import set_precision_recall_f1
from workbench.evaluation.metrics.rouge import lcs_length
from workbench.evaluation.metrics.string_distance import levenshtein

# LongProc (princeton-pli/LongProc at 78e873a)


def tsv_rows(text: str) -> list[tuple[str, ...]] | None:
    """The rows of the table in a reply, cells normalised and without spaces. The table is what a `tsv` fence encloses
    (up to the reply's last fence), what follows an unclosed one, or the whole reply.

    An incomplete last row is dropped; in other rows of the wrong length every cell becomes `na`. None when there are no
    rows, two columns have the same name, or the table cannot be parsed.
    """
    fenced = re.search(r"```tsv([\s\S]*)```", text)
    inside = fenced.group(1) if fenced else text.split("```tsv")[1] if "```tsv" in text else text
    try:
        rows = list(csv.reader(inside.strip().split("\n"), delimiter="\t"))
    except csv.Error:  # e.g. a cell beyond csv's limit or a lone carriage return
        return None
    if len(rows) < 2 or len(set(rows[0])) < len(rows[0]):
        return None
    width = len(rows[0])
    if len(rows[-1]) != width:
        rows.pop()
    body = [row if len(row) == width else ["N/A"] * width for row in rows[1:]]
    return [tuple(normalize_answer(cell).replace(" ", "") for cell in row) for row in body]


@metric_function(2, own_rule=True)
def longproc_table(prediction: str, references: list[str], *, official: bool = True) -> float:
    """F1 of table rows (html_to_tsv); officially a repeated row counts each time, without `official` once."""

    def score(gold_text: str) -> float:
        said, gold = tsv_rows(prediction), tsv_rows(gold_text)
        if not said or not gold:
            return 0.0
        if not official:
            return set_precision_recall_f1(set(said), set(gold))[2]
        precision = sum(row in gold for row in said) / len(said)
        recall = sum(row in said for row in gold) / len(gold)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    return max(map(score, references), default=0.0)


def _route(text: str, *, official: bool = True) -> list[str]:
    """The lines inside `<Route>`; without the tags, none if `official`, else all lines."""
    inside = re.search(r"<Route>(.*?)</Route>", text, re.DOTALL)
    if inside is None and official:
        return []
    return [line.strip() for line in (inside.group(1) if inside else text).strip().split("\n")]


@metric_function(1, own_rule=True)
def longproc_route(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the lines inside `<Route>` are the gold ones (path_traversal); without `official`, no tags are needed."""
    said = _route(prediction, official=official)
    return float(any(said == _route(reference, official=False) for reference in references))


@metric_function(1, own_rule=True)
def longproc_route_partial(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Share of the gold lines before the first difference (path_traversal); officially a wrong line is counted too."""

    def score(reference: str) -> float:
        said, gold = _route(prediction, official=official), _route(reference, official=False)
        for i, line in enumerate(gold):
            if i >= len(said) or said[i] != line:
                return min(1.0, (i + (1 if official and i < len(said) else 0)) / len(gold))
        return 1.0

    return max(map(score, references), default=0.0)


_TOM_DROPPED = "a an the on in at step thinks think believes believe is are of location knows know belief"
_TOM_WORDS = frozenset(_TOM_DROPPED.split())


_TOM_MARKS = str.maketrans("", "", string.punctuation + "’")


def _steps(text: str) -> list[str]:
    """The normalised lines `- Step k: ...` from the last `- Step 0:` on; anything before it is reasoning."""
    trace = text[max(0, text.rfind("- Step 0:")) :]
    lines = re.findall(r"^- Step \d+:.*$", trace, re.MULTILINE)
    cleaned = [line.lower().translate(_TOM_MARKS).split() for line in lines]
    return [step for words in cleaned if (step := " ".join(word for word in words if word not in _TOM_WORDS))]


@metric_function(1, own_rule=True)
def longproc_steps(prediction: str, references: list[str]) -> float:
    """1 when all lines `- Step k: ...` equal the gold ones after normalisation (tom_tracking)."""
    return float(any(_steps(reference) and _steps(prediction) == _steps(reference) for reference in references))


@metric_function(1, own_rule=True)
def longproc_steps_partial(prediction: str, references: list[str]) -> float:
    """Share of the gold steps before the first that differs (tom_tracking)."""

    def score(reference: str) -> float:
        said, gold = _steps(prediction), _steps(reference)
        for i, (a, b) in enumerate(zip(said, gold, strict=False)):
            if a != b:
                return i / len(gold)
        return min(len(said), len(gold)) / len(gold) if gold else 0.0

    return max(map(score, references), default=0.0)


def countdown_solved(prediction: str, numbers: Sequence[int], target: int) -> bool:
    """Whether `<Solution>` contains three true lines `a op b = c` that use each available number at most once and end
    with the target. Results of earlier lines are available to later ones.

    >>> text = "<Solution>40 - 19 = 21\\n23 - 7 = 16\\n21 + 16 = 37</Solution>"
    >>> countdown_solved(text, [40, 19, 23, 7], 37), countdown_solved(text, [40, 19, 23, 7], 29)
    (True, False)
    """
    inside = re.search(r"<Solution>(.*?)</Solution>", prediction, re.DOTALL)
    lines = [line.strip() for line in inside.group(1).strip().split("\n")] if inside else []
    if len(lines) != 3:
        return False
    left = list(numbers)
    value = None
    for line in lines:
        found = re.fullmatch(r"(\d+)\s*([-+*/])\s*(\d+)\s*=\s*(\d+)", line)
        if found is None:
            return False
        a, b, value = int(found.group(1)), int(found.group(3)), int(found.group(4))
        if found.group(2) == "/":
            right = b != 0 and a == b * value
        else:
            right = {"+": a + b, "-": a - b, "*": a * b}[found.group(2)] == value
        for operand in (a, b):
            if operand not in left:
                return False
            left.remove(operand)
        if not right:
            return False
        left.append(value)
    return value == target


@metric_function(1, needs=("numbers", "target"), own_rule=True)
def longproc_countdown(prediction: str, references: list[str], *, numbers: Sequence[int], target: int) -> float:
    """1 when `<Solution>` contains three true equations that reach the target from the numbers (countdown)."""
    return float(countdown_solved(prediction, numbers, target))


# ETHIC (dmis-lab/ETHIC at f1a30fe)


@metric_function(1, own_rule=True)
def ethic_recall_f1(prediction: str, references: list[str]) -> float:
    """F1 of the sets of items: split at commas and semicolons, lower-cased, without outer full stops (Recalling).

    References are the gold items, or one text that lists them. A separator at the end of the reply adds an empty item.
    """

    def items(text: str) -> set[str]:
        return {item.strip(".").strip() for item in re.split(r"[;,]\s*", text.lower())}

    gold = {r.lower().strip(".").strip() for r in references} if len(references) > 1 else items("".join(references))
    return set_precision_recall_f1(items(prediction), gold)[2]


@metric_function(2, own_rule=True)
def ethic_order(prediction: str, references: list[str]) -> float:
    """Longest common subsequence of the numbers, divided by the number of gold ones (Organizing)."""

    def score(reference: str) -> float:
        said, gold = _integers(prediction), _integers(reference)
        return lcs_length(said, gold) / len(gold) if gold else 0.0

    return max(map(score, references), default=0.0)


@metric_function(2, own_rule=True)
def ethic_attribution_f1(prediction: str, references: list[str]) -> float:
    """F1 of the numbers on the line after `Related Segments:` or `Core IDs:`, else of all numbers (Attributing).

    References are the gold numbers, or one text that lists them.
    """
    span = re.search(r"(?:Related Segments|Core IDs):\s*(.+)", prediction)
    said = set(_integers(span.group(1) if span else prediction))
    return set_precision_recall_f1(said, set(_integers(" ".join(references))))[2]


def _integers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d{1,4000}", text)]  # int() accepts at most 4,300 digits


# KG-QAGen (gtfintechlab/KG-QAGen at 56967eb) and MathHay (SalesforceAIResearch/MathHay at 7ac339c)


@metric_function(1, own_rule=True)
def kg_qa_f1(prediction: str, references: list[str]) -> float:
    """F1 of the sets of lower-cased words, with the characters . - ? % and , removed."""

    def words(text: str) -> set[str]:
        return set(re.sub(r"[.\-?%,]", "", text.lower()).split())

    return max((set_precision_recall_f1(words(prediction), words(r))[2] for r in references), default=0.0)


@metric_function(1, own_rule=True)
def kg_qa_edit_similarity(prediction: str, references: list[str]) -> float:
    """1 minus the Levenshtein distance divided by the longer length; the benchmark prints the distance itself."""

    def score(reference: str) -> float:
        longest = max(len(prediction), len(reference))
        return 1 - levenshtein(prediction, reference) / longest if longest else 1.0

    return max(map(score, references), default=0.0)


@metric_function(1, own_rule=True)
def kg_qa_cosine(prediction: str, references: list[str]) -> float:
    """Best cosine of the TF-IDF vectors of reply and reference, fitted on these two (scikit-learn's defaults)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def score(reference: str) -> float:
        try:
            vectors = TfidfVectorizer().fit_transform([prediction, reference])
        except ValueError:  # no words on either side
            return 0.0
        return min(1.0, float((vectors[0] @ vectors[1].T).toarray()[0, 0]))

    return max(map(score, references), default=0.0)


@metric_function(2, own_rule=True)
def mathhay(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the answer equals the gold number (to a relative 1e-9).

    The answer is the JSON field `answer`, else the reply itself if it is a number.

    Officially a reply whose answer cannot be parsed counts as right, since the comparison returns true for None; see
    `mathhay_parsed` for how many there are. Without `official` it is wrong.
    """
    said = mathhay_answer(prediction)
    if said is None:
        return float(official)
    golds = [float(reference.replace(",", "")) for reference in references]
    return float(any(math.isclose(said, gold, rel_tol=1e-9) for gold in golds))


def mathhay_answer(reply: str) -> float | None:
    """The number in the JSON field `answer`, else the reply itself if it is a number, else None.

    >>> mathhay_answer('{"reasoning": "...", "answer": 1.5e6}'), mathhay_answer("$1,200.50"), mathhay_answer("no idea")
    (1500000.0, 1200.5, None)
    """
    number = r"\$?(-?[\d,]*\.?\d+(?:[eE][-+]?\d+)?)"
    found = re.search(rf'"answer"\s*:\s*"?{number}', reply) or re.fullmatch(rf"\s*{number}\s*", reply)
    try:
        return float(found.group(1).replace(",", "")) if found else None
    except ValueError:
        return None


@metric_function(1, own_rule=True)
def mathhay_parsed(prediction: str, references: list[str]) -> float:
    """1 when the answer can be read as a number; MathHay counts an answer that cannot as right (see `mathhay`)."""
    return float(mathhay_answer(prediction) is not None)


def holobench_score(labels: Sequence[str]) -> float:
    """Mean over the gold rows of Exact Match 1, Partial Match 0.5, No Match 0; HoloBench itself only prints labels."""
    worth = {"exact": 1.0, "partial": 0.5, "none": 0.0, "no": 0.0}
    return sum(worth[label.split()[0].lower()] for label in labels) / len(labels) if labels else 0.0
