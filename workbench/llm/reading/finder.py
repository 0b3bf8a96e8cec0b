"""How well the sentences of a prompt match a question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from workbench.llm.reading.passages import Sentence, content_terms, meaning
from workbench.llm.reading.query import Query


class Finder:
    """Scores the sentences of one prompt: inverse sentence frequency of matched terms, names above all."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.sentences = sentences
        self._frequency = Counter(term for sentence in sentences for term in sentence.terms)
        self._meaning_frequency = Counter(m for sentence in sentences for m in sentence.meanings)

    def weight(self, term: str) -> float:
        """Inverse sentence frequency of a term (or of its meaning, if that is more common)."""
        count = max(self._frequency[term], self._meaning_frequency[meaning(term)])
        return math.log(1 + (len(self.sentences) + 1) / (count + 0.5))

    def score(self, sentence: Sentence, query: Query) -> float:
        """Sum over matched terms; a whole name counts double, a synonym four fifths."""
        total = 0.0
        for name in query.names:
            parts = content_terms(name)
            matched = sum(self.weight(part) for part in parts if part in sentence.terms)
            total += matched * (2.0 if name in sentence.text else 1.0 if len(parts) == 1 else 0.5)
        for term in query.terms:
            if term in sentence.terms:
                total += self.weight(term)
            elif meaning(term) in sentence.meanings:
                total += 0.8 * self.weight(term)
        return total

    def ranked(self, query: Query) -> list[tuple[float, int]]:
        """(score, position) of all sentences with a positive score, best first, earlier first on ties."""
        scored = [(self.score(sentence, query), i) for i, sentence in enumerate(self.sentences)]
        return sorted((item for item in scored if item[0] > 0), key=lambda item: (-item[0], item[1]))


def hold_a_name(sentences: Sequence[Sentence], query: Query) -> bool:
    """Whether some sentence holds a name of the question, whole or in part; true for a question without names."""
    return not query.names or any(
        name in s.text or set(content_terms(name)) & s.terms for s in sentences for name in query.names
    )
