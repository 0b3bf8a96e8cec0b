"""The Bench that methods see: every call goes to the gateway, tagged with what it had to wait for.

Parents are structural. A bench keeps a *frontier*, the calls that any next call depends on: `ask` moves it to its own
call, `ask_many` to all of its calls, and each branch of `parallel` starts from the frontier it was opened at. What an
embedding or reranking server is asked in between moves it as `ask` does. The critical path of an answer is the longest
chain of call times through these parents.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context as ContextVars
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.engine.billing import call_of
from workbench.engine.portions import portions
from workbench.engine.shared_prefixes import SharedPrefixes
from workbench.errors import InputError, ModelError
from workbench.experiment.server_prices import NO_PRICES, ServerPrices
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest
from workbench.llm.structured import with_instruction
from workbench.method.prompts import Messages
from workbench.method.protocol import Portion
from workbench.records import Answer, Call, Context, Hit, Phase, Reply
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.llm.model import Model
    from workbench.retrieval.embedders.embedder import Embedder
    from workbench.retrieval.indexes.chunk_index import ChunkIndex
    from workbench.retrieval.indexes.text_index import TextIndex
    from workbench.retrieval.spending import Bill

T = TypeVar("T")


@dataclass(frozen=True)
class Equipment:
    """What all benches of a run share. `sharing`: the context has several questions, so that it may pay to have
    providers keep the beginning that their prompts share; `prefixes` learns whether it does."""

    run_id: str
    gateway: Gateway
    seed: int
    answer_tokens: int
    temperature: float
    embedder: Embedder
    index_directory: Path | None
    prices: ServerPrices = NO_PRICES
    sharing: bool = True
    prefixes: SharedPrefixes | None = None


@dataclass
class _Path:
    """Where a thread of calls stands: what the next call waits for, and a stable name for it."""

    frontier: tuple[str, ...] = ()
    prefix: str = ""
    calls: int = 0
    bills: int = 0

    def next_name(self) -> str:
        self.calls += 1
        return f"{self.prefix}{self.calls}"

    def next_bill(self, step: str) -> str:
        self.bills += 1  # not counted among the calls: what was kept of them by a rerun moves no other call's name
        return f"{self.prefix}{step}{self.bills}"


class ExperimentBench:
    """One bench serves one `build` (no question) or one `answer`. Implements `workbench.method.protocol.Bench`."""

    def __init__(self, equipment: Equipment, context: Context, *, phase: Phase, question_id: str | None = None) -> None:
        self._equipment = equipment
        self._context = context
        self._phase = phase
        self._question_id = question_id
        self._root = _Path()
        self._local = threading.local()
        self._lock = threading.Lock()
        self.notes: list[tuple[str, Any]] = []

    # what a method may know

    @property
    def window(self) -> int:
        return self._equipment.gateway.model.window

    @property
    def answer_tokens(self) -> int:
        model = self._equipment.gateway.model
        tokens = min(self._equipment.answer_tokens, model.max_output_tokens)  # no call asks for more than that
        if tokens >= model.window:
            raise InputError(
                f"answer_tokens: {tokens:,} leave nothing of the {model.window:,} tokens of {model.name}",
                fix="lower answer_tokens",
            )
        return tokens

    @property
    def seed(self) -> int:
        return self._equipment.seed

    @property
    def context(self) -> Context:
        return self._context

    def count(self, text: str | Messages) -> int:
        gateway = self._equipment.gateway
        return gateway.count(text) if isinstance(text, str) else gateway.count_messages(text)

    def room(self, prompt: Messages, *, reply_tokens: int, schema: type | None = None) -> int:
        whole = with_instruction(prompt, schema) if schema is not None else prompt
        return self.window - self.count(whole) - reply_tokens

    def note(self, name: str, value: Any) -> None:
        with self._lock:
            self.notes.append((name, value))

    def begin_again(self) -> None:
        """Forget what was noted; the calls to come have names of their own, so that those made stay in the log."""
        self.notes = []
        self._root = _Path(prefix="again.")
        self._local = threading.local()

    # calls

    def ask(
        self,
        prompt: Messages,
        *,
        step: str,
        max_tokens: int | None = None,
        schema: type | None = None,
        temperature: float | None = None,
        sample: int = 0,
    ) -> Reply:
        path = self._path()
        request = replace(self._request(prompt, max_tokens, step), sample=sample)
        if temperature is not None:
            # a server repeats itself on the same seed, so each draw has its own
            request = replace(request, temperature=temperature, seed=self.seed + sample)
        tag = self._tag(step, path, path.next_name())
        reply = self._equipment.gateway.complete(request, tag, schema=schema)
        path.frontier = (reply.call_id,)
        return reply

    def ask_many(
        self,
        prompts: Sequence[Messages],
        *,
        step: str,
        max_tokens: int | None = None,
        schema: type | None = None,
        top_logprobs: int = 0,
        prompt_logprobs: int = 0,
    ) -> list[Reply]:
        model = self._equipment.gateway.model
        for asked, attribute, what, example in (
            (top_logprobs, "gives_logprobs", "token probabilities", "vllm/NAME@URL or openai/NAME"),
            (prompt_logprobs, "gives_prompt_logprobs", "the probabilities of a prompt's tokens", "vllm/NAME@URL"),
        ):
            if asked and not getattr(model, attribute, False):
                raise InputError(
                    f"{model.name} cannot tell {what}, which this method needs",
                    field="model",
                    fix=f"use a server that sends them, such as {example}",
                )
        if not prompts:
            return []
        path = self._path()
        requests = [
            replace(self._request(prompt, max_tokens, step), top_logprobs=top_logprobs, prompt_logprobs=prompt_logprobs)
            for prompt in prompts
        ]
        tags = [self._tag(step, path, path.next_name()) for _ in prompts]
        outcomes = self._equipment.gateway.complete_many(requests, tags, schema=schema)
        for outcome in outcomes:  # the others are recorded and cached by now, so a rerun pays only for this one
            if isinstance(outcome, BaseException):
                raise outcome
        replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
        path.frontier = tuple(reply.call_id for reply in replies)
        if (top_logprobs and not all(reply.first_token_logprobs for reply in replies)) or (
            prompt_logprobs and not all(reply.prompt_logprobs for reply in replies)
        ):
            raise ModelError(f"{model.name} was asked for logprobs and sent none; this method needs a server that does")
        return replies

    def reply(
        self,
        prompt: Messages,
        *,
        step: str,
        max_tokens: int | None = None,
        hits: Sequence[Hit] = (),
        dropped_tokens: int = 0,
    ) -> Answer:
        if dropped_tokens:  # what is left of a text beside one question is not what is left beside the next
            prompt = _unshared(prompt)
        reply = self.ask(prompt, step=step, max_tokens=max_tokens)
        return Answer(reply.text.strip(), hits=tuple(hits), dropped_tokens=dropped_tokens)

    def parallel(self, branches: Sequence[Callable[[], T]]) -> list[T]:
        if not branches:
            return []
        parent = self._path()
        name = parent.next_name()
        paths = [_Path(parent.frontier, f"{name}.{number}.") for number in range(len(branches))]

        def walk(branch: Callable[[], T], path: _Path, seen: ContextVars) -> T:
            self._local.path = path
            return seen.run(branch)

        with ThreadPoolExecutor(max_workers=min(len(branches), 32)) as pool:
            # who watches the spending of this thread watches its branches
            results = list(pool.map(walk, branches, paths, [copy_context() for _ in branches]))
        parent.frontier = tuple(dict.fromkeys(call for path in paths for call in path.frontier))
        return results

    def _path(self) -> _Path:
        path: _Path = getattr(self._local, "path", self._root)
        return path

    def _request(self, prompt: Messages, max_tokens: int | None, step: str) -> ChatRequest:
        equipment = self._equipment
        shared = next((message for message in prompt if message.shared), None) if equipment.sharing else None
        marks = True
        if shared is not None and equipment.prefixes is not None:
            owner = self._question_id or self._context.context_id
            marks = equipment.prefixes.worth(step, shared.content[: shared.shared], owner)
        return ChatRequest(
            messages=prompt if equipment.sharing else _unshared(prompt),
            max_tokens=min(max_tokens or equipment.answer_tokens, equipment.gateway.model.max_output_tokens),
            temperature=equipment.temperature,
            seed=equipment.seed,
            marks=marks,
        )

    def paid(self, bill: Bill) -> Call:
        """The call to an embedding or reranking server that this thread has just waited for: what it asks next comes
        after it."""
        path = self._path()
        tag = self._tag(bill.step, path, path.next_bill(bill.step))
        path.frontier = (tag.call_id,)
        return call_of(bill, tag, self._equipment.prices)

    def _tag(self, step: str, path: _Path, name: str) -> CallTag:
        equipment, context_id = self._equipment, self._context.context_id
        # a stable id: the same call of a resumed run overwrites its own record instead of adding one
        call_id = combined_hash(equipment.run_id, self._question_id or "", context_id, self._phase, name)
        return CallTag(
            run_id=equipment.run_id,
            question_id=self._question_id,
            context_id=context_id,
            phase=self._phase,
            step=step,
            parents=path.frontier,
            call_id=call_id,
        )

    # the context, cut and indexed

    def split(self, *, room: int, overlap: int = 0) -> list[Portion]:
        return portions(self._context, self._equipment.gateway.count, room=room, overlap=overlap)

    def index(self, *, chunk_tokens: int = 512, overlap: int = 0, splitter: str = "sentence") -> ChunkIndex:
        from workbench.retrieval.indexes.building import build_index

        equipment = self._equipment
        return build_index(
            self._context,
            chunk_tokens=chunk_tokens,
            overlap=overlap,
            splitter=splitter,
            embedder=equipment.embedder,
            count=equipment.gateway.count,
            tokenizer=_tokenizer(equipment.gateway.model),
            directory=equipment.index_directory,
        )

    def text_index(self, texts: Sequence[str]) -> TextIndex:
        from workbench.retrieval.embedders.embedder import kept_in
        from workbench.retrieval.indexes.text_index import TextIndex

        return TextIndex(texts, kept_in(self._equipment.embedder, self._equipment.index_directory))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.index().embedder.embed(texts)


def _unshared(prompt: Messages) -> Messages:
    """The same messages, of which no provider is asked to keep a part."""
    return tuple(replace(message, shared=0) if message.shared else message for message in prompt)


def _tokenizer(model: Model) -> str:
    """A name that two models have in common only if they count alike: a server's tokenizer is known by its model."""
    source = model.token_source
    return source if source.startswith("tiktoken:") else f"{source} of {model.name}"
