"""How servers show thoughts beside a reply: in a field, in the text between marks, in parts, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Delta = dict[str, Any]
_SMALL, _LARGE = 5, 240  # characters of a piece: marks are cut apart, long thoughts do not take forever


class Carrier(Protocol):
    """How a wire shows thoughts."""

    @property
    def told(self) -> str:
        """How a reader is told of it."""

    @property
    def shows(self) -> bool:
        """Whether the thoughts' text can be read."""

    def message(self, thoughts: str, text: str) -> Delta:
        """A whole message."""

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """The same in pieces."""


def pieces(text: str, start: int = 0) -> Iterator[str]:
    """A text as it is streamed: small pieces first, larger ones later."""
    at = start
    while at < len(text):
        size = _SMALL if at < 40 or len(text) - at < 60 else _LARGE
        yield text[at : at + size]
        at += size


@dataclass(frozen=True)
class Hidden:
    """Thoughts stay with the provider."""

    told: str = "not shown"
    shows: bool = False

    def message(self, thoughts: str, text: str) -> Delta:
        """The text alone."""
        return {"content": text}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """The text alone."""
        return ({"content": piece} for piece in pieces(text))


@dataclass(frozen=True)
class Field:
    """A field of the message, beside its content. `empty` is what stands in the content until the text begins."""

    name: str
    empty: Any = None
    shows: bool = True

    @property
    def told(self) -> str:
        """The field's name."""
        return f"field `{self.name}`"

    def message(self, thoughts: str, text: str) -> Delta:
        """Both fields."""
        return {"content": text or self.empty, **({self.name: thoughts} if thoughts else {})}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """First the one field, then the other."""
        for piece in pieces(thoughts):
            yield {"content": self.empty, self.name: piece}
        for piece in pieces(text):
            yield {"content": piece}


@dataclass(frozen=True)
class Details:
    """OpenRouter: the text twice, in `reasoning` and, as a list of blocks, in `reasoning_details`."""

    told: str = "fields `reasoning` and `reasoning_details`"
    shows: bool = True

    def message(self, thoughts: str, text: str) -> Delta:
        """All of it."""
        return {"content": text, "refusal": None, **(self._shown(thoughts) if thoughts else {"reasoning": None})}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """Thoughts with an empty content, then the content."""
        for piece in pieces(thoughts):
            yield {"role": "assistant", "content": "", **self._shown(piece)}
        for piece in pieces(text):
            yield {"role": "assistant", "content": piece, "reasoning": None, "reasoning_details": []}

    def _shown(self, piece: str) -> Delta:
        block = {"type": "reasoning.text", "text": piece, "format": "unknown", "index": 0, "signature": "c2ln"}
        return {"reasoning": piece, "reasoning_details": [block]}


@dataclass(frozen=True)
class Marks:
    """Thoughts in the text itself, between marks. `opened`: the chat template has opened them in the prompt."""

    opens: str = "<think>\n"
    closes: str = "\n</think>\n\n"
    opened: bool = False
    shows: bool = True

    @property
    def told(self) -> str:
        """The marks."""
        return f"in the text, up to `{self.closes.strip()}`" if self.opened else f"in the text, `{self.opens.strip()}`"

    def _said(self, thoughts: str, text: str) -> str:
        if not thoughts:
            return text
        start = "" if self.opened else self.opens
        return f"{start}{thoughts}{self.closes}{text}" if text else f"{start}{thoughts}"

    def message(self, thoughts: str, text: str) -> Delta:
        """One text."""
        return {"content": self._said(thoughts, text)}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """One text in pieces."""
        return ({"content": piece} for piece in pieces(self._said(thoughts, text)))


@dataclass(frozen=True)
class Parts:
    """Mistral: the content is a list of parts while the model thinks, and a text afterwards."""

    told: str = 'parts of the content of `type: "thinking"`'
    shows: bool = True

    def message(self, thoughts: str, text: str) -> Delta:
        """A list of parts where there are thoughts."""
        return {"content": [*self._thinking(thoughts), {"type": "text", "text": text}] if thoughts else text}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """Lists of parts, then texts."""
        for piece in pieces(thoughts):
            yield {"content": self._thinking(piece)}
        for piece in pieces(text):
            yield {"content": piece}

    def _thinking(self, piece: str) -> list[Delta]:
        return [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]
