"""How an answer ended, and stopping a run whose first answers all end in a way that is none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.llm.endings import is_same_model
from workbench.records import Answer, Call

Ended = Literal["answered", "declined", "empty", "cut", "withheld", "refused", "broken", "failed"]
ENDS: tuple[Ended, ...] = ("answered", "declined", "empty", "cut", "withheld", "refused", "broken", "failed")
FIRST = 10  # answers after which a run that has brought nothing is stopped
_NONE: frozenset[str] = frozenset({"empty", "cut", "withheld", "refused", "broken"})
_SILENT = "NoText: the model has said nothing in the calls that this answer rests on"
_SAID = {
    "empty": "are empty",
    "cut": "are cut at their limit",
    "withheld": "are withheld by the provider's filter",
    "refused": "are refused by the model",
    "broken": "break off",
    "failed": "have failed",
}
_MORE = 4  # times the answer budget that was too short


def ended_of(answer: Answer, calls: Sequence[Call], model: str, *, abstained: bool) -> Ended:
    """How a question that a method has answered ended. What counts are the calls that no other call waits for: an
    answer that rests on silence is empty, whatever the method makes of it."""
    mine = [call for call in calls if call.model == model]
    waited_for = {parent for call in mine for parent in call.parents}
    last = [call.ended for call in mine if call.call_id not in waited_for]
    if not answer.text.strip() or (last and all(end == "empty" for end in last)):
        return "empty"
    if "cut" in last:
        return "cut"
    return "declined" if abstained else "answered"


def other_model(calls: Sequence[Call], model: Any) -> str | None:
    """The model that has served the last of these calls, where it is not the one that was asked for. A deployment of
    Azure's is called what its owner likes, so nothing follows from its name."""
    asked: str | None = getattr(model, "asked", None)
    aliases: frozenset[str] = getattr(model, "aliases", frozenset())
    served = next((call.served_model for call in reversed(calls) if call.model == model.name and call.served_model), "")
    named_freely = getattr(model, "names_deployments", False)
    return None if asked is None or named_freely or is_same_model(asked, served, aliases) else served


def silence(ended: Ended) -> str | None:
    """The error of an answer that says nothing; None for any other."""
    return _SILENT if ended == "empty" else None


@dataclass
class FirstAnswers:
    """Watches the first answers of each run of a session. Thread-safe. `keep_going` watches nothing."""

    keep_going: bool = False
    _ends: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    _good: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seen_before(self, run_id: str) -> None:
        """A run that an earlier session has got answers from needs no watching."""
        self._good.add(run_id)

    def see(self, run_id: str, ended: str, error: str, advice: str) -> Sequence[tuple[str, str, str]] | None:
        """Note how an answer ended; returns the first ends of the run when they are to stop it."""
        if self.keep_going or run_id in self._good:
            return None
        with self._lock:
            ends = self._ends.setdefault(run_id, [])
            if ended in ("answered", "declined"):
                self._good.add(run_id)
                return None
            ends.append((ended, error, advice))
            if len(ends) < FIRST or not any(end in _NONE for end, _, _ in ends):
                return None
            return ends


def reason_to_stop(
    ends: Sequence[tuple[str, str, str]], pipeline: str, spec: str, options: Mapping[str, Any], answer_tokens: Any
) -> tuple[str, bool]:
    """Why a run is stopped, with the line of the experiment that mends it where there is one; and whether the reason is
    the model's, so that its other runs would fare no better."""
    counts = Counter(end for end, _, _ in ends)
    kind = next(end for end, _ in counts.most_common() if end in _NONE)
    told = ", ".join(f"{number} {_SAID.get(end, end)}" for end, number in counts.most_common())
    said = f"{pipeline} on {spec}: of the first {len(ends)} answers {told}; stopped before the rest is paid"
    error = next((error for end, error, _ in ends if end == kind and error), "")
    if error:
        said += f" ({error[:300]})"
    advice = next((advice for end, _, advice in ends if end == kind and advice), "")
    if advice:
        return f"{said} — write under models: {model_line(spec, options, advice)}", True
    if kind == "cut" and isinstance(answer_tokens, int):
        return f"{said} — write in the experiment: answer_tokens: {answer_tokens * _MORE}", False
    return f"{said} — to go on all the same: run --keep-going", False


def model_line(spec: str, options: Mapping[str, Any], advice: str) -> str:
    """A model's line in an experiment with one option more, or changed."""
    import yaml

    changed = yaml.safe_load(advice)
    merged = {**options, **changed}
    flow = yaml.safe_dump(merged, default_flow_style=True, sort_keys=False, width=10_000).strip()
    name = f'"{spec}"' if spec[:1] in "@`\"'" else spec
    return f"- {name}: {flow}"
