"""The records that all layers share: frozen dataclasses, most of them slotted.

Offsets are characters of `Document.text`, times are seconds, money is USD, ranks start at 1. Optional numbers are None
when they do not apply; NaN never stands for "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from workbench.text import combined_hash, text_hash

Phase = Literal["build", "answer", "score", "probe"]
REASK = ":reask"  # suffix of the step when a structured reply is asked for again
Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `text` never changes after loading, so that offsets stay valid."""

    document_id: str
    text: str
    title: str = ""
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`."""

    document_id: str
    start: int
    end: int
    text: str

    @classmethod
    def of(cls, document: Document, start: int, end: int) -> Chunk:
        """The chunk that spans `start:end` of `document`."""
        return cls(document.document_id, start, end, document.text[start:end])

    @property
    def chunk_id(self) -> str:
        """`document:start-end`, unique within a context."""
        return f"{self.document_id}:{self.start}-{self.end}"

    def overlap(self, other: Chunk) -> int:
        """Number of characters that both chunks cover.

        >>> Chunk("d", 0, 5, "abcde").overlap(Chunk("d", 3, 6, "def"))
        2
        """
        if self.document_id != other.document_id:
            return 0
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True)
class Context:
    """The ordered documents that questions are about. Not slotted, so that id and lookup are computed only once."""

    documents: tuple[Document, ...]

    @cached_property
    def context_id(self) -> str:
        """Hash of the documents' ids, titles and texts, in order (32 hexadecimal characters)."""
        return combined_hash(*(part for d in self.documents for part in (d.document_id, d.title, text_hash(d.text))))

    @cached_property
    def _by_id(self) -> dict[str, Document]:
        return {document.document_id: document for document in self.documents}

    def document(self, document_id: str) -> Document:
        """The document of that id. Raises KeyError when the context has none."""
        return self._by_id[document_id]

    def __contains__(self, document_id: object) -> bool:
        return document_id in self._by_id

    @property
    def characters(self) -> int:
        """Total length of the documents' texts."""
        return sum(len(document.text) for document in self.documents)

    def holds(self, chunk: Chunk) -> bool:
        """True when the chunk's text stands at its offsets in one of the context's documents."""
        if chunk.document_id not in self:
            return False
        return self.document(chunk.document_id).text[chunk.start : chunk.end] == chunk.text


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one context. Any one of `answers` is right; `evidence` is the gold spans that answer it.

    `metadata` holds the difficulty labels: `diffusion` and `scope` (numbers, larger is harder), `hops`, `depth` (0 to
    1, where in the context the evidence stands), `context_tokens`, and `unanswerable` (True when the right answer is
    that there is none). `prompt` is the benchmark's own prompt with `{context}` in place of the text, for methods that
    read the whole text.
    """

    question_id: str
    text: str
    context_id: str
    answers: tuple[str, ...]
    options: tuple[str, ...] = ()
    evidence: tuple[Chunk, ...] = ()
    task: str = ""
    metrics: tuple[str, ...] = ("token_f1",)
    metadata: Metadata = field(default_factory=dict)
    prompt: str = ""

    def blind(self, *, keep_evidence: bool = False) -> Question:
        """The question as a method may see it: without gold answers and labels, and without evidence unless
        `keep_evidence`."""
        return replace(
            self, answers=(), metrics=(), metadata={}, task="", evidence=self.evidence if keep_evidence else ()
        )


@dataclass(frozen=True)
class Corpus:
    """Named and versioned contexts and questions, with their origin and licence."""

    name: str
    version: str
    contexts: Mapping[str, Context]
    questions: tuple[Question, ...]
    provenance: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        contexts: Sequence[Context],
        questions: Sequence[Question],
        *,
        version: str = "1",
        provenance: str = "",
        licence: str = "",
        notes: Sequence[str] = (),
    ) -> Corpus:
        """Build a corpus from lists.

        Raises InputError that names the question when an id appears twice or a question's context is missing.
        """
        from workbench.errors import InputError

        by_id = {context.context_id: context for context in contexts}
        seen: set[str] = set()
        for question in questions:
            if question.question_id in seen:
                raise InputError("appears twice", file=name, field=f"question {question.question_id}")
            seen.add(question.question_id)
            if question.context_id not in by_id:
                raise InputError("has no context", file=name, field=f"question {question.question_id}")
        return cls(name, version, by_id, tuple(questions), provenance, licence, tuple(notes))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that the outcome of a run can depend on: context ids, and questions with their gold answers."""
        parts = [self.name, self.version, *sorted(self.contexts)]
        for q in self.questions:
            spans = ",".join(f"{c.document_id}:{c.start}:{c.end}" for c in q.evidence)
            parts += [q.question_id, q.text, q.context_id, "\x1f".join(q.answers), "\x1f".join(q.options)]
            parts += [spans, q.task, ",".join(q.metrics), *((q.prompt,) if q.prompt else ())]
        return combined_hash(*parts)


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk with its score and rank (from 1)."""

    chunk: Chunk
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pipeline returns for a question. `hits` are the chunks that the last call read, or those that its reply
    named; `dropped_tokens` counts the context tokens that the method itself left out because they did not fit; `notes`
    are recorded facts such as `("map_unparsable", 2)`."""

    text: str
    hits: tuple[Hit, ...] = ()
    citations: tuple[Chunk, ...] = ()
    dropped_tokens: int = 0
    abstained: bool = False
    notes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is system, user or assistant. `shared` is the number of characters at its beginning that
    other calls begin with too, so that a provider may be asked to keep them; it is no part of what the model reads."""

    role: str
    content: str
    shared: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply as a method sees it, without the thinking that some servers leave in the text (the log keeps it).
    `parsed` is the validated object when a schema was asked for, or None when the reply could not be parsed even after
    repair and asking again, which is recorded. `first_token_logprobs` are the likeliest first tokens with their log
    probabilities (nats), if the method asked for them; `prompt_logprobs` are those of the last tokens of the prompt."""

    text: str
    call_id: str
    parsed: Any = None
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_logprobs: Mapping[str, float] | None = None
    prompt_logprobs: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One complete model call. `token_source` says where its token counts come from: `server`, or the tokenizer that
    counted.

    `prompt_tokens` includes `cached_tokens` and `cache_write_tokens`; `completion_tokens` includes `reasoning_tokens`.
    `queue_s` is the time until the last attempt was sent (waiting here, failed attempts and their backoff) and not part
    of `total_s`. A call that is replayed from the cache has `from_cache`, and the tokens, cost, times and attempts of
    the original. The `retry_` figures are what failed attempts used before they failed, as far as known; they are in no
    other figure of the call, but an answer's `cost_usd` includes them. `cost_usd` is None without a known price.
    `left_out` names the parameters without which the call was sent because the server had refused them.

    `ended` says how the reply ended: `answered`, `empty` (no visible text), `cut` (at its limit), `withheld` (by a
    filter), `refused` or `broken`. `thoughts` are what the model thought, as far as the server shows it; no method
    reads them. `reasoning_source` says who counted `reasoning_tokens`: `server`, or `estimated` by us. `served_model`
    is the model that the server says has replied, `service_tier` its tier, `told_cost_usd` what it says it takes, and
    `contradiction` what cannot be true of its figures. `cost_cold_usd` is the cost if nothing had been cached.
    `shared_characters` is the length of the prompt's beginning that other calls share.
    """

    call_id: str
    run_id: str
    question_id: str | None
    context_id: str | None
    phase: Phase
    step: str
    parents: tuple[str, ...]
    model: str
    prompt_hash: str
    reply_hash: str | None
    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    token_source: str
    cost_usd: float | None
    queue_s: float
    first_token_s: float | None
    total_s: float
    attempts: int
    from_cache: bool
    in_flight: int
    finish_reason: str
    error: str | None
    started_at: float
    retry_prompt_tokens: int = 0
    retry_completion_tokens: int = 0
    retry_cost_usd: float = 0.0
    left_out: tuple[str, ...] = ()
    ended: str = "answered"
    thoughts: str = ""
    reasoning_source: str = ""
    cache_write_hour_tokens: int = 0
    served_model: str = ""
    service_tier: str = ""
    told_cost_usd: float | None = None
    contradiction: str = ""
    cost_cold_usd: float | None = None
    shared_characters: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """The value of one metric for one answer, 0 to 1; None when it does not apply, with the reason."""

    metric: str
    value: float | None
    reason: str = ""
