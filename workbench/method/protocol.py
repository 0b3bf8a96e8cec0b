"""What a method is written against: its card and the `Bench`.

A method is a frozen dataclass in one file of `pipelines/<family>/`. Its fields are its configuration; `build` runs once
per context, `answer` once per question, and the `Bench` is all that it sees: no gold answer, no database, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from workbench.method.prompts import Messages
from workbench.records import Answer, Chunk, Context, Hit, Question, Reply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.retrieval.indexes.chunk_index import ChunkIndex
    from workbench.retrieval.indexes.text_index import TextIndex

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MethodCard:
    """What a method is, for catalogues and pages. `cost` is the closed formula of its calls; `sees_evidence` is for the
    oracle. `family` is for methods that do not stand in a folder of `pipelines/`, whose name is their family."""

    title: str
    cost: str
    url: str = ""
    year: int | None = None
    stages: str = ""
    requires: tuple[str, ...] = ()
    sees_evidence: bool = False
    family: str = ""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one call of a divide-and-conquer method reads: consecutive chunks, and their text as rendered."""

    chunks: tuple[Chunk, ...]
    text: str


Retriever = Literal["dense", "sparse", "hybrid"]


class Bench(Protocol):
    """All that a method sees of the world. One bench serves one `build` or one `answer`."""

    @property
    def window(self) -> int:
        """The model's window: tokens of prompt and reply together."""

    @property
    def answer_tokens(self) -> int:
        """The answer budget that every pipeline gets for its last call."""

    @property
    def seed(self) -> int:
        """The run's seed, for methods that draw."""

    @property
    def context(self) -> Context:
        """The context of this build or question."""

    def count(self, text: str | Messages) -> int:
        """Tokens of a text or of rendered messages (chat overhead included), by the model's own tokenizer."""

    def room(self, prompt: Messages, *, reply_tokens: int, schema: type | None = None) -> int:
        """Tokens left in the window beside `prompt` and a reply of `reply_tokens`; may be negative. With `schema`, the
        instruction that a structured call adds to its prompt is counted too."""

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
        """One recorded call. With `schema`, a pydantic model, the reply's `parsed` is an instance or None.

        `temperature` overrides the experiment's, for methods that sample; `sample` numbers the draws of one prompt.
        Raises ContextOverflow (nothing sent), ModelError, RunStopped.
        """

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
        """Concurrent calls that do not depend on each other; replies in the order of the prompts.

        With `top_logprobs`, every reply has that many likeliest first tokens in `first_token_logprobs`; with
        `prompt_logprobs`, the log probabilities of that many last tokens of its prompt. Raises InputError, before any
        call, when the model cannot tell them, and ModelError when its server does not.
        """

    def reply(
        self,
        prompt: Messages,
        *,
        step: str,
        max_tokens: int | None = None,
        hits: Sequence[Hit] = (),
        dropped_tokens: int = 0,
    ) -> Answer:
        """The last call of a method: asks and wraps the reply's text as the Answer."""

    def parallel(self, branches: Sequence[Callable[[], T]]) -> list[T]:
        """Run chains of calls side by side (several paths of agents); each branch starts from the same parents."""

    def split(self, *, room: int, overlap: int = 0) -> list[Portion]:
        """The context cut, in order, into portions of at most `room` tokens as rendered: sentences packed greedily, a
        sentence longer than the room cut hard, short documents packed together. The portions' chunks re-join to the
        documents' texts when `overlap` (tokens repeated from the previous chunk) is 0. An empty context gives []."""

    def index(self, *, chunk_tokens: int = 512, overlap: int = 0, splitter: str = "sentence") -> ChunkIndex:
        """The shared, persisted chunk index of the context for this configuration (dense and sparse).

        Splitters: `sentence`, llama-index's SentenceSplitter; `packed`, greedy packs that re-join to the documents;
        `single`, one sentence a chunk, whatever `chunk_tokens`.
        """

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the texts, shape (n, d), by the experiment's embedder, fitted on the context if it fits."""

    def text_index(self, texts: Sequence[str]) -> TextIndex:
        """An index, dense and sparse, of texts that the method made (summaries, entities, facts); not persisted."""

    def note(self, name: str, value: Any) -> None:
        """Record a fact about this answer (a fallback taken, replies dropped); stored with the answer."""


@runtime_checkable
class Pipeline(Protocol):
    """A method: a frozen dataclass with a `card`, `build` and `answer`.

    A method that needs more than the default install may have `check()`, which raises InputError; it is asked before
    an experiment's first call.
    """

    card: ClassVar[MethodCard]

    def build(self, context: Context, bench: Bench) -> Any:
        """Index stage, once per context; returns the state that `answer` gets (never mutated afterwards)."""

    def answer(self, question: Question, state: Any, bench: Bench) -> Answer:
        """Query stage."""
