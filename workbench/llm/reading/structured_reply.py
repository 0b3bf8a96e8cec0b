"""Filling the JSON replies that pipelines ask for, from the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from workbench.llm.reading.passages import Sentence
from workbench.llm.reading.query import names_in

_BETWEEN = re.compile(r"\s+")


def fill(
    schema: Mapping[str, Any], sentences: list[Sentence], answer: str | None, notes: list[str], name: str = ""
) -> Any:
    """An instance of a JSON schema: answers where an answer is asked for, evidence where evidence is, triples where
    subjects and objects are, names where a list of strings is; numbers say how much was found."""
    return _fill(schema, schema, sentences, answer, notes, name)


def _fill(
    part: Mapping[str, Any],
    root: Mapping[str, Any],
    sentences: list[Sentence],
    answer: str | None,
    notes: list[str],
    name: str,
) -> Any:
    def again(inner: Mapping[str, Any], inner_name: str) -> Any:
        return _fill(inner, root, sentences, answer, notes, inner_name)

    if "$ref" in part:
        return again(root["$defs"][part["$ref"].rpartition("/")[2]], name)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in part:
            return again(part[key][0], name)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][0] if answer or notes else part["enum"][-1]
    kind = part.get("type")
    if kind == "object":
        return {key: again(inner, key) for key, inner in part.get("properties", {}).items()}
    if kind == "array":
        return _array(part, root, sentences, notes, again, name)
    if kind == "boolean":
        return bool(answer or notes)
    if kind in ("integer", "number"):
        low, high = part.get("minimum", 0), part.get("maximum", 5)
        share = 1.0 if answer else 0.5 if notes else 0.0
        value = low + share * (high - low)
        return round(value) if kind == "integer" else value
    if re.search(r"answer|conclusion|response", name):
        return answer or "unanswerable"
    return " ".join(notes) if notes else (answer or "")


def _array(
    part: Mapping[str, Any],
    root: Mapping[str, Any],
    sentences: list[Sentence],
    notes: list[str],
    again: Callable[[Mapping[str, Any], str], Any],
    name: str,
) -> list[Any]:
    item = part.get("items", {})
    if "$ref" in item:
        item = root["$defs"][item["$ref"].rpartition("/")[2]]
    if {"subject", "object"} <= item.get("properties", {}).keys():
        return [t for sentence in sentences for t in triples(sentence.text)]
    if item.get("type") == "string":
        if re.search(r"entit|name|keyword|topic", name):
            return list(dict.fromkeys(n for sentence in sentences for n in names_in(sentence.text)))[:50]
        return notes
    return [again(item, name)]


def triples(sentence: str) -> list[dict[str, str]]:
    """Subject, relation and object for neighbouring names of a sentence: the words between them are the relation; a
    last name is also related to the number, date or noun that ends the sentence."""
    names = [(m.start(), m.end(), n) for n in names_in(sentence) for m in [re.search(re.escape(n), sentence)] if m]
    names.sort()
    found = []
    for (_, end, subject), (start, _, thing) in pairwise(names):
        relation = _BETWEEN.sub(" ", sentence[end:start]).strip(" ,;:")
        if 0 < len(relation) < 80:
            found.append({"subject": subject, "relation": relation, "object": thing})
    if names:
        _, end, subject = names[-1]
        rest = sentence[end:].strip(" .,;:!?")
        words = rest.split()
        if 2 <= len(words) <= 12:
            found.append({"subject": subject, "relation": " ".join(words[:-1]), "object": words[-1]})
    return found
