"""Judging an answer part by part: each statement with its citations, each insight, each row.

A judgement asks for many verdicts and puts them together by the benchmark's formula. Each verdict is one call of its
own; when one cannot be read, the figures that need it have no value; it is never guessed. All that is judged is
in the log: the answer, the question's labels and the documents of its context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.judging.judge import Ask, Verdict, judge_said
from workbench.judging.prompts import judge_prompt
from workbench.records import Score

Asker = Callable[[str], Ask]  # a prompt's id → what asks the judge with it


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what it is judged by: `documents` are the texts of its context, in order, each below its title."""

    question: str
    answer: str
    references: Sequence[str]
    documents: Sequence[str]
    task: str
    labels: Mapping[str, Any]


@dataclass
class Parts:
    """The verdicts of one answer, by the figure that they belong to; the same is asked once."""

    asker: Asker
    told: dict[str, list[tuple[str, Verdict]]] = field(default_factory=dict)
    known: dict[tuple[str, ...], Verdict] = field(default_factory=dict)

    def ask(self, figure: str, part: str, prompt_id: str, said: str, data: Mapping[str, str]) -> Verdict:
        """The verdict on `data`, of which `said` comes from the answer; noted under `figure` and the `part`'s name."""
        prompt = judge_prompt(prompt_id)
        key = (prompt.prompt_id, *(data[name] for name in prompt.parts))
        if key not in self.known:
            self.known[key] = judge_said(self.asker(prompt.prompt_id), prompt, data, said)
        self.told.setdefault(figure, []).append((part, self.known[key]))
        return self.known[key]

    def unread(self, *figures: str) -> list[str]:
        """The parts of these figures that have no verdict."""
        return [part for figure in figures for part, verdict in self.told.get(figure, ()) if verdict.value is None]

    def scores(self, name: str, values: Mapping[str, tuple[float | None, Sequence[str]]]) -> list[Score]:
        """The figures as scores; each is given with the figures whose verdicts it needs. Reasons hold the raw verdicts
        of a figure's own."""
        scores = []
        for figure, (value, needed) in values.items():
            unread = list(dict.fromkeys(self.unread(*needed)))
            reason: dict[str, Any] = {"reason": f"no verdict on {', '.join(unread)}"} if unread else {}
            verdicts = [
                {"part": part, "prompt": v.prompt_id, "label": v.label, "raw": list(v.raw)}
                | ({"reason": v.reason} if v.reason else {})
                for part, v in self.told.get(figure, ())
            ]
            reason |= {"verdicts": verdicts} if verdicts else {"of": list(needed)}
            told = json.dumps(reason, ensure_ascii=False)
            scores.append(Score(f"judge:{name}_{figure}", None if unread else value, told))
        return scores
