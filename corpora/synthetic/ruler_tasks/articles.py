"""RULER's qa tasks: the articles that a question needs among many others."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from corpora.synthetic.fictional_world.book import make_book
from corpora.synthetic.sheet import Asked, Span
from corpora.synthetic.sizing import Counter
from workbench.errors import InputError

ANSWER_TOKENS = 32
_QUESTION = (
    "Answer the question based on the given documents. Only give me the answer and do not output any other words.\n\n"
    "Question: {query} Answer:"
)


@dataclass(frozen=True)
class Problem:
    """A question, its answers, and (article, start, end) of each piece of evidence."""

    query: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[int, int, int], ...]
    hops: int


@dataclass(frozen=True)
class Pool:
    """Articles and the questions about them."""

    articles: tuple[str, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=4)
def generated(hops: int, tokens: int, questions: int, seed: int) -> Pool:
    """Paragraphs of a generated world as articles, with questions that need one (`hops` 1) or two (`hops` 2) facts."""
    wanted = {"single_fact": questions} if hops == 1 else {"multi_hop": 4 * questions}
    _, telling, asked = make_book(seed, hops, max(8_000, tokens), wanted)
    articles: dict[str, int] = {}  # equal paragraphs, which short filler may be, become one article, as in SQuAD
    places: dict[str, list[Span]] = {}  # document → (start of a paragraph, number of its article)
    for document in telling.context.documents:
        at = 0
        for paragraph in document.text.split("\n\n"):
            article = articles.setdefault(paragraph, len(articles))
            places.setdefault(document.document_id, []).append((at, article))
            at += len(paragraph) + 2
    problems = []
    for question in asked:
        if len(question.evidence) != hops:
            continue
        evidence = []
        for chunk in question.evidence:
            start, article = max(place for place in places[chunk.document_id] if place[0] <= chunk.start)
            evidence.append((article, chunk.start - start, chunk.end - start))
        problems.append(Problem(question.text, question.answers, tuple(evidence), hops))
    return Pool(tuple(articles), tuple(problems))


def published(file: str) -> Pool:
    """The pool of a SQuAD (v1 or v2) or HotpotQA (distractor) file, RULER's own sources. Raises InputError."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise InputError("no such file", file=path, fix="give SQuAD's or HotpotQA's JSON file")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, changed_at: int) -> Pool:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _squad(data["data"]) if isinstance(data, dict) else _hotpotqa(data)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"is neither SQuAD nor HotpotQA: {error!r}", file=path, fix="give its JSON file") from error


def _squad(articles: Sequence[Any]) -> Pool:
    texts: dict[str, int] = {}
    problems = []
    for article in articles:
        for paragraph in article["paragraphs"]:
            number = texts.setdefault(paragraph["context"], len(texts))
            for qa in paragraph["qas"]:
                if not qa.get("is_impossible") and qa["answers"]:
                    answers = tuple(dict.fromkeys(answer["text"] for answer in qa["answers"]))
                    start, first = qa["answers"][0]["answer_start"], qa["answers"][0]["text"]
                    if not paragraph["context"].startswith(first, start):
                        raise ValueError(f"answer {first!r} does not stand at {start}")
                    problems.append(Problem(qa["question"], answers, ((number, start, start + len(first)),), 1))
    return Pool(tuple(texts), tuple(problems))


def _hotpotqa(rows: Sequence[Any]) -> Pool:
    texts: dict[str, int] = {}
    problems = []
    for row in rows:
        numbers = {}
        for title, sentences in row["context"]:
            numbers[title] = (texts.setdefault(f"{title}\n{''.join(sentences)}", len(texts)), sentences)
        evidence = []
        for title, number in row["supporting_facts"]:
            if title in numbers and number < len(numbers[title][1]):
                article, sentences = numbers[title]
                start = len(title) + 1 + sum(map(len, sentences[:number]))
                evidence.append((article, start, start + len(sentences[number])))
        problems.append(Problem(row["question"], (str(row["answer"]),), tuple(evidence), 2))
    return Pool(tuple(texts), tuple(problems))


def world_tokens(length: int, count: Counter) -> int:
    """How many tokens a generated world needs so that its articles fill a text of `length` in the counter's unit."""
    return {"words": 2 * length, "characters": length // 3}.get(count.unit, length)


def make(task: str, draw: random.Random, length: int, count: Counter, pool: Pool, number: int) -> tuple[str, Asked]:
    """Question `number` of the pool, and its articles among as many others as fit, in random order."""
    problem = pool.problems[number % len(pool.problems)]
    question = _QUESTION.format(query=problem.query)
    room = length - ANSWER_TOKENS - count(question)
    gold = list(dict.fromkeys(article for article, _, _ in problem.evidence))
    chosen = list(gold)
    heading = _heading(len(pool.articles), count)
    used = sum(count(pool.articles[article]) + heading for article in gold)
    others = [article for article in range(len(pool.articles)) if article not in set(gold)]
    draw.shuffle(others)
    for article in others:
        size = count(pool.articles[article]) + heading
        if used + size <= room:
            chosen.append(article)
            used += size
        elif room - used < 40:
            break
    draw.shuffle(chosen)
    text, starts = "", {}
    parts = []
    at = 0
    for position, article in enumerate(chosen, 1):
        head = f"Document {position}:\n"
        starts[article] = at + len(head)
        parts.append(head + pool.articles[article])
        at += len(parts[-1]) + 2
    text = "\n\n".join(parts)
    if count(text) > room:
        raise InputError(f"the articles of a {task} question alone are too long", field="tokens", fix="use more")
    spans = [(starts[article] + start, starts[article] + end) for article, start, end in problem.evidence]
    labels = {"hops": problem.hops, "articles": len(chosen)}
    return text, Asked(question, problem.answers, spans, task, ("ruler", "contains"), labels=labels)


def _heading(articles: int, count: Counter) -> int:
    """The tokens of an article's heading and the blank line after the article."""
    counted = count(f"Document {articles}:\n") + count("\n\n")
    return max(6, counted) if count.unit == "tokens" else counted
