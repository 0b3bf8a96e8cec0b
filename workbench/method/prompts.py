"""Prompt templates, the answer rule that all methods share, and the rendering of documents and questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.records import Chunk, Context, Message, Question
from workbench.text import combined_hash, says_only, sentences

# The last prompt of a method contains these words, so that none is helped or hurt by its wording.
ANSWER_RULE = (
    "Answer the question from the text above, as briefly as possible: only the name, number, date, list or phrase that "
    "is asked for, without an explanation. For several items, separate them with commas. If the text does not hold the "
    "answer, reply with the single word: unanswerable"
)

REFUSAL = "unanswerable"  # the rule's word when there is no answer

Messages = tuple[Message, ...]
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt template. `{field}` stands for a keyword argument; all other braces are text, also those in documents.

    A call with its fields returns the messages. Where the method allows it, the context comes first and the question
    last, so that a server's prefix cache can serve several questions. `shared` names the fields whose texts are the
    same for all questions of a context: the beginning of the user's message up to the first other field is its shared
    part, which a provider may be asked to keep. It is no part of the template's hash, since the model reads the same.

    >>> Prompt("greet", user="Hello {name}")(name="{world}")
    (Message(role='user', content='Hello {world}'),)
    >>> Prompt("read", user="{text} Q: {question}", shared=("text",))(text="It rains.", question="Does it?")[0].shared
    13
    """

    name: str
    user: str
    system: str = ""
    shared: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """The names of the template's fields."""
        return frozenset(_FIELD.findall(self.system + self.user))

    @property
    def prompt_hash(self) -> str:
        """Hash of the template. It is part of a run's identity, so that a changed prompt is another run."""
        return combined_hash(self.name, self.system, self.user)

    @property
    def _shared_part(self) -> str:
        """The template up to the first field that is not shared; nothing where no field is."""
        if not self.shared or not _FIELD.search(self.user) or set(_FIELD.findall(self.system)) - set(self.shared):
            return ""
        for field in _FIELD.finditer(self.user):
            if field.group(1) not in self.shared:
                return self.user[: field.start()]
        return self.user

    def __call__(self, **fields: object) -> Messages:
        """The rendered messages. Raises TypeError when a field is missing or unknown."""
        if fields.keys() != self.fields:
            odd = sorted(fields.keys() ^ self.fields)
            raise TypeError(f"prompt {self.name!r}: missing or unknown fields {odd}")

        def fill(template: str) -> str:
            return _FIELD.sub(lambda match: str(fields[match.group(1)]), template)

        user = Message("user", fill(self.user), len(fill(self._shared_part)))
        return (Message("system", fill(self.system)), user) if self.system else (user,)


def render_documents(chunks: Sequence[Chunk], context: Context) -> str:
    """Chunks as prompt text. Each stands under its document's title, if it has one, when the context has several
    documents."""
    titled = len(context.documents) > 1
    parts = []
    for chunk in chunks:
        title = context.document(chunk.document_id).title if titled else ""
        parts.append(f"[{title}]\n{chunk.text}" if title else chunk.text)
    return "\n\n".join(parts)


def render_question(question: Question) -> str:
    """The question, followed by its options under letters if it has any."""
    if not question.options:
        return question.text
    letters = (f"{chr(ord('A') + i)}. {option}" for i, option in enumerate(question.options))
    return "\n".join((question.text, *letters))


def refuses(reply: str) -> bool:
    """True when a reply to `ANSWER_RULE` says that there is no answer: the reply, or its first sentence, is that word
    alone.

    >>> refuses("Unanswerable."), refuses("Unanswerable. The text names nobody."), refuses("The unanswerable letter")
    (True, True, False)
    """
    return says_only(reply, REFUSAL) or says_only(next(iter(sentences(reply.strip())), ""), REFUSAL)
