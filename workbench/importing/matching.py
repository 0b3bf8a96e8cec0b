"""Rows of predictions and the questions that they answer: those of a known corpus, or questions made of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importing.rows import Fields, gold_of, plain
from workbench.records import Context, Corpus, Document, Question
from workbench.text import combined_hash

METHOD = "imported"
_LONG = 2_000  # characters: a longer field is no label of a question


def known_corpus(name: str, options: Mapping[str, Any]) -> Corpus | None:
    """The corpus of that name, as experiment files write it; None for a new name."""
    from workbench import catalogue
    from workbench.experiment.schema import Entry
    from workbench.experiment.setup import load_corpus

    plain, at, _ = name.partition("@")
    if plain not in catalogue.corpora():
        if at or options:
            catalogue.corpus(plain)  # raises, naming the known ones
        return None
    return load_corpus(Entry(name=name, options=dict(options)))


def own_questions(
    rows: Sequence[Mapping[str, Any]], named: Fields, corpus: str, metrics: Sequence[str], file: Path
) -> tuple[Corpus, list[tuple[Question, Mapping[str, Any]]]]:
    """The rows of an unknown corpus as its questions, each with its row. Raises InputError when no row has a gold."""
    if not any(named.gold in row for row in rows):
        have = ", ".join(sorted({name for row in rows for name in row}))
        raise InputError(f"no row has a field {named.gold!r}", file=file, field="--gold", fix=f"they have {have}")
    pairs: list[tuple[Question, Mapping[str, Any]]] = []
    contexts: dict[str, Context] = {}
    seen: Counter[str] = Counter()
    for number, row in enumerate(rows, 1):
        gold = gold_of(row.get(named.gold))
        shown = plain(row[named.question]) if named.question and row.get(named.question) else ""
        own = str(row[named.question_id]) if named.question_id and named.question_id in row else ""
        if not shown and not own:
            own = str(number)
        task = str(row.get(named.task, named.task)) if named.task else ""
        place = str(row[named.context]) if named.context and row.get(named.context) else ""
        # by content, without the row's id when the text is there: systems number their rows differently; a question
        # that is asked of several unpublished contexts is told apart by its turn
        content = combined_hash(corpus, task, shown or own, place, *gold)
        seen[content] += 1
        context = Context((Document(place or f"question {content[:12]}.{seen[content]}", ""),))
        contexts[context.context_id] = context
        question = Question(
            question_id=combined_hash(content, str(seen[content]))[:20],
            text=shown or f"(question {own}; its text is not published with the predictions)",
            context_id=context.context_id,
            answers=gold,
            task=task,
            metrics=tuple(metrics) or ("token_f1",),
            metadata=_labels(row, named),
        )
        pairs.append((question, row))
    unique = {question.question_id: question for question, _ in pairs}
    made = _NamedCorpus(
        corpus, "imported", contexts, tuple(unique.values()), provenance=f"rows of {file.name}, imported"
    )
    return made, pairs


class _NamedCorpus(Corpus):
    """A corpus that grows with every import under its name; its questions are identified by their own hashes."""

    @property
    def fingerprint(self) -> str:
        """Hash of the name alone, so that files with some questions each belong to one corpus."""
        return combined_hash(METHOD, self.name)


def _labels(row: Mapping[str, Any], named: Fields) -> dict[str, Any]:
    used = {named.prediction, named.gold, named.question, named.question_id}
    return {
        name: value
        for name, value in row.items()
        if name not in used and not name.endswith("_pred") and value is not None and len(str(value)) <= _LONG
    }


def matched(
    rows: Sequence[Mapping[str, Any]], named: Fields, corpus: Corpus, file: Path
) -> tuple[list[tuple[Question, Mapping[str, Any]]], int]:
    """Rows with their questions, and how many have none: by id, else by text and, where it is asked twice, by gold."""
    by_id = {question.question_id: question for question in corpus.questions}
    by_text: dict[str, list[Question]] = {}
    for question in corpus.questions:
        # a loader may add words to the benchmark's question; predictions are published with the question alone
        for shown in dict.fromkeys((plain(question.text), plain(question.metadata.get("asked") or question.text))):
            by_text.setdefault(shown.lower(), []).append(question)
    pairs: list[tuple[Question, Mapping[str, Any]]] = []
    used: set[str] = set()
    lost = 0
    for row in rows:
        found = by_id.get(str(row.get(named.question_id))) if named.question_id else None
        candidates = [found] if found else by_text.get(plain(row.get(named.question or "")).lower(), [])
        if len(candidates) > 1:
            gold = {plain(answer).lower() for answer in gold_of(row.get(named.gold))}
            candidates = [q for q in candidates if gold & {plain(answer).lower() for answer in q.answers}]
            candidates = [q for q in candidates if q.question_id not in used][:1] or candidates[-1:]
        if len(candidates) == 1:
            pairs.append((candidates[0], row))
            used.add(candidates[0].question_id)
        else:
            lost += 1
    if not pairs:
        raise InputError(
            f"none of its {len(rows)} rows is a question of {corpus.name}",
            file=file,
            field="--corpus",
            fix="name the fields of the question's id or text with --id and --question, or give the corpus a new name",
        )
    return pairs, lost
