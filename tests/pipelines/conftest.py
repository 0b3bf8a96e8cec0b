"""A method on a bench whose model is scripted: `run_method` runs it and hands back every call it made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.critical_path import critical_path
from workbench.llm.accounting import render
from workbench.llm.cache import ResponseCache
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest, Model
from workbench.llm.scripted import ScriptedModel
from workbench.records import Answer, Call, Context, Document, Question, Reply
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.text import sentences

# What a step replies: always the same, one after the other (the last one again), or as a function of the prompt.
Line = str | Sequence[str] | Callable[[str], str]
Replies = Mapping[str, Line] | Sequence[str] | Callable[[str], str] | str


@dataclass(frozen=True)
class Made:
    """One call: its record, the prompt as sent (messages joined), and the reply."""

    call: Call
    prompt: str
    reply: str | None

    @property
    def step(self) -> str:
        return self.call.step

    @property
    def parents(self) -> tuple[str, ...]:
        return self.call.parents


@dataclass
class Ran:
    """What a run of a method was: the answer, its calls in order of completion, and the facts it noted."""

    answer: Answer
    made: list[Made]
    notes: list[tuple[str, Any]]
    model: Any
    state: Any = None

    def steps(self, phase: str = "answer") -> list[str]:
        """The steps of a phase, in order."""
        return [made.step for made in self.made if made.call.phase == phase]

    def prompts(self, step: str) -> list[str]:
        """The prompts of a step, in order."""
        return [made.prompt for made in self.made if made.step == step]

    def limits(self, step: str) -> set[int]:
        """The tokens that the replies of a step could have at most."""
        prompts = self.prompts(step)
        return {request.max_tokens for request in self.model.history if render(request.messages) in prompts}

    def noted(self, name: str) -> list[Any]:
        """The values noted under a name."""
        return [value for key, value in self.notes if key == name]

    def depth(self, phase: str = "answer") -> int:
        """Calls in the longest chain of a phase: every scripted call takes one second."""
        return round(critical_path([made.call for made in self.made if made.call.phase == phase]))


class _Script:
    """Finds out which step a request belongs to, and says that step's line."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._said: dict[str, int] = {}
        self._steps: dict[str, str] = {}
        self._lock = threading.Lock()  # chains side by side send while others are answered

    def sends(self, prompt: str, step: str) -> None:
        """Remember which step a prompt belongs to."""
        with self._lock:
            self._steps[prompt] = step

    def __call__(self, request: ChatRequest) -> str:
        prompt = request.messages[0].content
        with self._lock:
            step = next((step for sent, step in self._steps.items() if prompt.startswith(sent)), "")
        if isinstance(self._replies, Mapping):
            if step not in self._replies:
                raise AssertionError(f"the script has no line for step {step!r}; it has {sorted(self._replies)}")
            return self._line(step, self._replies[step], prompt)
        return self._line("", self._replies, prompt)

    def _line(self, name: str, line: Line, prompt: str) -> str:
        if isinstance(line, str):
            return line
        if callable(line):
            return line(prompt)
        turn = self._said.get(name, 0)
        self._said[name] = turn + 1
        return line[min(turn, len(line) - 1)]


class _Gateway(Gateway):
    """A gateway that tells the script the step of what it sends."""

    def __init__(self, model: ScriptedModel, script: _Script, **options: Any) -> None:
        super().__init__(model, **options)
        self._script = script

    def complete(self, request: ChatRequest, tag: CallTag, schema: Any = None) -> Reply:
        self._script.sends(request.messages[0].content, tag.step)
        return super().complete(request, tag, schema)

    def complete_many(self, requests: Any, tags: Any, schema: Any = None) -> list[Reply | Exception]:
        for request, tag in zip(requests, tags, strict=True):
            self._script.sends(request.messages[0].content, tag.step)
        return super().complete_many(requests, tags, schema)


@dataclass
class Rig:
    """A bench with its scripted model; `made` fills as calls are made."""

    bench: ExperimentBench
    model: Any
    equipment: Equipment
    made: list[Made] = field(default_factory=list)


def make_rig(
    context: Context,
    replies: Replies | Model,
    *,
    window: int = 8_192,
    answer_tokens: int = 64,
    phase: Any = "answer",
    seed: int = 0,
    concurrency: int = 1,
    cache: ResponseCache | None = None,
    index_directory: Path | None = None,
    logprobs: Callable[[str], Mapping[str, float] | None] | None = None,
    prompt_logprobs: Callable[[str], Sequence[float] | None] | None = None,
) -> Rig:
    """A real bench and gateway over a scripted model, whose calls all take one (recorded) second; or over a model."""
    made: list[Made] = []

    def record(call: Call, prompt: str, reply: str | None) -> None:
        made.append(Made(call, prompt, reply))

    model: Any
    gateway: Gateway
    if isinstance(replies, Mapping | Sequence) or not hasattr(replies, "complete"):
        script = _Script(replies)
        told = (lambda request: logprobs(request.messages[-1].content)) if logprobs else None
        scored = (lambda request: prompt_logprobs(request.messages[-1].content)) if prompt_logprobs else None
        model = ScriptedModel(script, window=window, seconds=1.0, logprobs=told, prompt_logprobs=scored)
        gateway = _Gateway(model, script, cache=cache, concurrency=concurrency, record=record)
    else:
        model = replies
        gateway = Gateway(model, cache=cache, concurrency=concurrency, record=record)
    equipment = Equipment("run", gateway, seed, answer_tokens, 0.0, LsaEmbedder(), index_directory)
    bench = ExperimentBench(equipment, context, phase=phase, question_id=None if phase == "build" else "q")
    return Rig(bench, model, equipment, made)


def make_context(*texts: str, titles: Sequence[str] = ()) -> Context:
    """A context of one document per text."""
    names = titles or [""] * len(texts)
    return Context(tuple(Document(f"d{i}", t, n) for i, (t, n) in enumerate(zip(texts, names, strict=True))))


def story(sentences: int, start: int = 0) -> str:
    """Sentences that differ, about 13 tokens each."""
    return " ".join(
        f"Person {i} keeps {i * 7} sheep in the village of Place {i}." for i in range(start, start + sentences)
    )


def spread(text: str, prompts: Sequence[str]) -> list[int]:
    """For each sentence of a story, how many of the prompts hold it."""
    return [sum(sentence in prompt for prompt in prompts) for sentence in sentences(text)]


def run(
    method: Any,
    context: Context | str,
    replies: Replies | Model,
    *,
    question: str = "How many sheep does Person 3 keep?",
    options: Sequence[str] = (),
    answers: Sequence[str] = ("GOLD-ANSWER",),
    **rig_options: Any,
) -> Ran:
    """Build and answer one question; build calls and answer calls both end up in `made`."""
    context = make_context(context) if isinstance(context, str) else context
    asked = Question("q", question, context.context_id, tuple(answers), options=tuple(options)).blind()
    rig = make_rig(context, replies, phase="build", **rig_options)
    state = method.build(context, rig.bench)
    bench = ExperimentBench(rig.equipment, context, phase="answer", question_id="q")
    answer = method.answer(asked, state, bench)
    rig.equipment.gateway.close()
    return Ran(answer, rig.made, [*rig.bench.notes, *bench.notes], rig.model, state)


@pytest.fixture
def run_method() -> Callable[..., Ran]:
    """`run_method(method, context_or_text, replies, window=…, question=…)` → `Ran`."""
    return run


@pytest.fixture
def make_bench() -> Callable[..., Rig]:
    """`make_bench(context, replies, window=…)` → `Rig` with `.bench`, `.model`, `.made`."""
    return make_rig
