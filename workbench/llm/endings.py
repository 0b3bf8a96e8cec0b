"""How a reply ended: with an answer, or in one of the ways that are none.

Servers have many words for the reason why a reply ends. What they mean is told by their stems: a word that speaks of a
filter or of safety is a filter's; one that speaks of a length or a limit is the budget's; a word that nobody can
explain is a breakdown, since a reply whose end nobody can explain is not one to score.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from workbench.errors import BadReply, NoText
from workbench.llm.model import Completion
from workbench.llm.thoughts import parted

CallEnd = Literal["answered", "empty", "cut", "withheld", "refused", "broken", "failed"]
KEPT: frozenset[str] = frozenset({"answered", "cut"})  # ends of replies that the response cache may hold
_SAID_NOTHING = 8  # reply tokens: a silent model ends its turn with a few; more of them without a text were thoughts
_THOUGHTS_TO_TEXT = 2.0  # by how much thoughts may outnumber the tokens of a reply that is said to hold them
_ROOM, _MORE = 8_192, 4  # tokens to advise for thoughts, and how many times what was not enough

_WORDS = re.compile(r"[a-z]+")
_FINISHED = frozenset(
    {"stop", "end", "turn", "eos", "token", "sequence", "complete", "completed", "done", "finish", "finished"}
    | {"success", "tool", "tools", "calls", "use", "function", "call", "normal", "word", "str", "natural"}
)
_KINDS: tuple[tuple[CallEnd, re.Pattern[str]], ...] = (
    ("refused", re.compile(r"refus|declin", re.I)),
    (
        "withheld",
        re.compile(
            r"filter|safety|sensitiv|block|prohibit|recitation|spii|moderat|polic|risk|harm|guard|inspect", re.I
        ),
    ),
    ("cut", re.compile(r"length|limit|max|truncat|exceed|window|budget", re.I)),
)


def kind_of_finish(reason: str) -> CallEnd:
    """What a finish reason means, in whatever words.

    >>> kind_of_finish("stop"), kind_of_finish("MAX_TOKENS"), kind_of_finish("content_filter"), kind_of_finish("error")
    ('answered', 'cut', 'withheld', 'broken')
    """
    for kind, pattern in _KINDS:
        if pattern.search(reason):
            return kind
    words = _WORDS.findall(reason.lower())
    return "answered" if words and _FINISHED.issuperset(words) else "broken"


def kind_of_end(reason: str, said: str) -> CallEnd:
    """How a reply ended, by its finish reason and what it says to its reader."""
    kind = kind_of_finish(reason)
    if kind in ("answered", "cut") and not said.strip():
        return "empty"
    return kind


def told_apart(completion: Completion, count: Callable[[str], int]) -> Completion:
    """A backend's reply with the thoughts taken out of its text and their tokens estimated where nobody counted them.

    A server that shows thoughts beside a reply of fewer tokens has left them out of its count: they are added.
    """
    found = parted(completion.text)
    thoughts = "\n\n".join(part for part in (completion.thoughts, found.thoughts) if part)
    if not thoughts:
        return completion if found.said == completion.text else replace(completion, text=found.said)
    told, reply, source = completion.reasoning_tokens, completion.completion_tokens, completion.reasoning_source
    if not told:  # a server that does not tell thoughts from text counts none of them
        told, source = count(thoughts), "estimated"
        if told > reply * _THOUGHTS_TO_TEXT:
            reply += told
        told = min(told, reply)
    return replace(
        completion,
        text=found.said,
        thoughts=thoughts,
        completion_tokens=reply,
        reasoning_tokens=told,
        reasoning_source=source,
    )


def kept_to(completion: Completion, limit: int, count: Callable[[str], int]) -> Completion:
    """A reply of at most `limit` visible tokens. A model that has thought less than was kept for it could say more than
    one that does not think; what is over the limit is cut, as a server would have cut it. All of it was paid."""
    text = completion.text
    if len(text.encode("utf-8", "surrogatepass")) <= limit or count(text) <= limit:  # no token is less than a byte
        return completion
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(text[:middle]) <= limit else (low, middle - 1)
    return replace(completion, text=text[:low], finish_reason="length")


def not_an_answer(
    name: str, completion: Completion, limit: int, reserve: int, window: int, *, probabilities: bool = False
) -> BadReply | None:
    """What is wrong with a reply that is none; None for one that a method may read.

    `limit` are the visible tokens that were asked for, `reserve` those kept for thoughts, beside the `window`. A reply
    that is silent without having used any tokens, or is white space, is the model's own choice, which a method may read
    as such.
    """
    end, finish = kind_of_end(completion.finish_reason, completion.text), completion.finish_reason
    failure: BadReply
    if end in KEPT or (probabilities and end == "empty" and not completion.thoughts):
        return None
    if end == "withheld":
        failure = NoText(f"{name}: the provider's content filter has withheld the reply ({finish})", end)
    elif end == "refused":
        said = f": {completion.text.strip()[:200]}" if completion.text.strip() else ""
        failure = NoText(f"{name}: the model refuses to reply{said}", end)
    elif end == "broken":
        failure = BadReply(f"{name}: the reply broke off after {completion.completion_tokens:,} tokens ({finish!r})")
    else:
        used = completion.completion_tokens
        thought = bool(completion.thoughts or completion.reasoning_tokens)
        cut = kind_of_finish(finish) == "cut" and not probabilities
        blank = completion.text != "" and not thought  # white space is what the model has said
        if blank or not (thought or cut or used > _SAID_NOTHING):
            return None
        if cut:
            of = f"all of its {used:,} tokens ({limit:,} for the reply, {reserve:,} for thoughts) went into thinking"
            room = min(max(_ROOM, _MORE * (limit + reserve)), (window + reserve) // 2)
            advice = f"reasoning: {{tokens: {room}}}" if room > limit + reserve else "reasoning: off"
            failure = NoText(f"{name}: the reply is empty: {of}; give the model {advice}", "empty", advice)
        else:
            where = "it holds thoughts only" if thought else "it used them unseen"
            if probabilities:
                where = "it thinks first, so the probabilities of its first token say nothing"
            said = f"{name}: the reply of {used:,} tokens is empty: {where}; give the model reasoning: off"
            failure = NoText(said, "empty", "reasoning: off")
    failure.spent = completion
    return failure


_DATED = re.compile(r"[-@:](?:latest|free|\d{2,8}(?:[-.]\d+)*|v\d+(?::\d+)?|\w*q\d\w*|gguf)$|\.gguf$|\.i?q\d\w*$", re.I)


def is_same_model(asked: str, served: str, aliases: frozenset[str] = frozenset()) -> bool:
    """Whether the name of the model that served is another name of the one that was asked for: with a date or version,
    a provider before it, a file's ending, or one of the server's own `aliases`.

    >>> is_same_model("gpt-4o", "gpt-4o-2024-08-06"), is_same_model("gpt-4o", "gpt-4o-mini")
    (True, False)
    """
    if not served or served == asked or served in aliases:
        return True
    return _plain(asked) == _plain(served)


def _plain(name: str) -> str:
    plain = re.split(r"[/\\]", name.casefold())[-1]
    while (shorter := _DATED.sub("", plain)) != plain and shorter:
        plain = shorter
    return plain.replace("_", "-")
