"""The protocol of a method: its card, and the `Bench` through which it sees everything else.

A method is a frozen dataclass in one file of `pipelines/<family>/`, and its fields are its configuration. `build` runs
once per context, `answer` once per question. A method sees only the `Bench`: no gold answer, no database, no network.
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
    """A method's entry in the catalogue and on pages. `cost` is the formula of its calls. `sees_evidence` is for the
    oracle, which gets the gold evidence. `family` is for methods outside `pipelines/`; the others have their folder's
    name."""

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
    """All that a method sees of its surroundings. One bench serves one `build` or one `answer`."""

    @property
    def window(self) -> int:
        """The model's context window in tokens, for prompt and reply together."""

    @property
    def answer_tokens(self) -> int:
        """The tokens that each method gets for the reply of its last call."""

    @property
    def seed(self) -> int:
        """The seed of the run, for methods that draw at random."""

    @property
    def context(self) -> Context:
        """The context that is being built or asked about."""

    def count(self, text: str | Messages) -> int:
        """Tokens of a text, or of messages with the chat format's overhead, by the model's own tokenizer."""

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
        """One call, recorded. With `schema`, a pydantic model, the reply's `parsed` is an instance of it, or None.

        `temperature` overrides the experiment's, for methods that sample; `sample` numbers the samples of one prompt.
        Raises ContextOverflow (before sending), ModelError or RunStopped.
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
        """Parallel calls that do not depend on each other; replies in the order of the prompts.

        With `top_logprobs`, each reply has that many of the likeliest first tokens in `first_token_logprobs`; with
        `prompt_logprobs`, the log probabilities of that many tokens at the end of its prompt. Raises InputError, before
        any call, when the model cannot tell these probabilities, and ModelError when its server does not send them.
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
        """The last call of a method. Its reply's text becomes the Answer."""

    def parallel(self, branches: Sequence[Callable[[], T]]) -> list[T]:
        """Run chains of calls in parallel, such as the paths of agents. All of them wait for the calls made before."""

    def split(self, *, room: int, overlap: int = 0) -> list[Portion]:
        """The context in order, in portions of at most `room` tokens as rendered. Each document is packed into chunks
        of whole sentences, a sentence longer than the room is cut, and consecutive chunks share a portion while they
        fit. Each chunk repeats up to `overlap` tokens of the one before; without overlap, the chunks join to the
        documents' texts. An empty context gives []."""

    def index(self, *, chunk_tokens: int = 512, overlap: int = 0, splitter: str = "sentence") -> ChunkIndex:
        """The chunk index of the context for this configuration, for dense and sparse search; shared and kept on disk.

        Among the splitters: `sentence` is llama-index's SentenceSplitter; the chunks of `packed` are as many whole
        sentences as fit, and join to the documents; `single` makes each sentence a chunk, whatever `chunk_tokens` is.
        """

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the texts, shape (n, d), by the experiment's embedder, which is fitted on the context if it
        needs that."""

    def text_index(self, texts: Sequence[str]) -> TextIndex:
        """An index for dense and sparse search of texts that the method made (summaries, entities, facts); not kept."""

    def note(self, name: str, value: Any) -> None:
        """Record a fact with this answer, such as a fallback that was taken or the number of dropped replies."""


@runtime_checkable
class Pipeline(Protocol):
    """A method: a frozen dataclass with a `card`, `build` and `answer`.

    A method that needs more than the default install may also have `check()`, which raises InputError. It is called
    before an experiment's first call.
    """

    card: ClassVar[MethodCard]

    def build(self, context: Context, bench: Bench) -> Any:
        """The index stage, once per context. Returns the state that `answer` gets; nothing changes it later."""

    def answer(self, question: Question, state: Any, bench: Bench) -> Answer:
        """The query stage, once per question."""
