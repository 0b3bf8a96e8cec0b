"""Telling a model's thoughts from its reply, in whatever form a server passes them on.

Servers send thoughts in fields of their own or leave them in the reply's text. In a text, thoughts stand first, between
marks that differ by family: `<think>`, `<thinking>`, `[THINK]`, `<seed:think>`, `<|begin_of_thought|>`,
`<|START_THINKING|>`, `◁think▷` …. Not the list is known here but the rule: a bracketed mark whose name speaks of
thinking opens them at the very beginning, and the same mark with a slash, or with `end` for `begin`, closes them. Some
chat templates open them in the prompt, so that the reply only closes them; thoughts that are never closed are all there
is. Channels (harmony, Gemma) name each part instead, and the reply is the part called final.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_ABOUT = r"(?:think|thought|reasoning|reflect|scratchpad)"
_MARK = re.compile(rf"[<\[◁]\|?(?P<slash>/?)(?P<name>[\w:.\-]*{_ABOUT}[\w:.\-]*)\|?[>\]▷]", re.I)
_ENDS = re.compile(r"(?:^|(?<=[_.:\-]))end(?=$|[_.:\-])", re.I)
_BEGINS = re.compile(r"(?:^|(?<=[_.:\-]))(?:begin|start)(?=$|[_.:\-])", re.I)
_TOLD_BY_NAME = re.compile(r"reason|think|thought", re.I)
_NO_TEXT = re.compile(r"signature|encrypt|opaque|tokens|finish|effort|format|index|type|id$", re.I)
# a reply in a wrapper of its own, after the thoughts
_WRAPPED = re.compile(
    r"\s*[<\[◁]\|?(?P<name>[\w:.\-]*(?:answer|response|solution|output)[\w:.\-]*)\|?[>\]▷](?P<said>.*)\Z", re.I | re.S
)
_UNWRAP = re.compile(r"[<\[◁]\|?/?[\w:.\-]*(?:answer|response|solution|output)[\w:.\-]*\|?[>\]▷]\s*\Z", re.I)
# Special tokens of formats with channels: harmony's `<|channel|>`, Gemma's `<|channel>` and `<channel|>`.
_SPECIAL = re.compile(r"<(?P<open>\|?)(?P<word>channel|message|end|start|return|call|constrain|turn)(?P<close>\|?)>")
_FINAL = frozenset({"final", "answer", "response", "output"})
# Harmony as servers show it that drop special tokens: "analysisThe user asks … assistantfinalOslo".
_BARE_CHANNELS = re.compile(r"\s*(?:analysis|commentary)(?=[A-Z\"'(\d])(?P<thoughts>.*)\Z", re.S)
_BARE_FINAL = re.compile(r"assistant\s*final", re.S)
_SPOKEN = re.compile(  # Granite
    r"\s*here(?: is|'s|’s) my thought process:(?P<thoughts>.*?)(?:here(?: is|'s|’s) my response:(?P<said>.*))?\Z",
    re.I | re.S,
)


class Parted(NamedTuple):
    """A reply's thoughts, and what it says to its reader. Either may be empty."""

    thoughts: str
    said: str


def parted(reply: str) -> Parted:
    """The thoughts and the visible text of a reply as a server sends it. A text without marks is all visible.

    >>> parted("<think>hm</think> Oslo"), parted("hm</think> Oslo"), parted("[THINK]hm")
    (Parted(thoughts='hm', said='Oslo'), Parted(thoughts='hm', said='Oslo'), Parted(thoughts='hm', said=''))
    >>> parted("It writes <think> and </think>.").said
    'It writes <think> and </think>.'
    """
    if "<" not in reply and "[" not in reply and "◁" not in reply:
        return _bare(reply)
    if _SPECIAL.search(reply) and "channel" in reply:
        return _channels(reply)
    opened = _MARK.match(reply.lstrip())
    if opened is not None and (opened["slash"] or _ENDS.search(opened["name"])):
        opened = None  # thoughts that were opened in the prompt and are empty
    closing = _last_closing(reply, opened)
    if closing is None:
        return Parted(reply.lstrip()[opened.end() :], "") if opened else _bare(reply)
    begin = len(reply) - len(reply.lstrip()) + opened.end() if opened else 0
    return Parted(reply[begin : closing.start()].strip(), _unwrapped(reply[closing.end() :].lstrip()))


def _last_closing(reply: str, opened: re.Match[str] | None) -> re.Match[str] | None:
    """The mark that ends the thoughts: the last that closes what was opened; without an opening, the last closing mark
    that nothing before it opens."""
    wanted = _stem(opened["name"]) if opened else None
    closing: re.Match[str] | None = None
    inside: set[str] = set()
    for mark in _MARK.finditer(reply):
        stem, closes = _stem(mark["name"]), bool(mark["slash"] or _ENDS.search(mark["name"]))
        if not closes:
            inside.add(stem)
        elif wanted == stem or (wanted is None and stem not in inside):
            closing = mark
    return closing


def _stem(name: str) -> str:
    """What an opening mark and its closing one have in common."""
    return _BEGINS.sub("", _ENDS.sub("", name)).casefold()


def _unwrapped(said: str) -> str:
    """What a reply after thoughts says, without a wrapper around all of it."""
    wrapped = _WRAPPED.match(said)
    return _UNWRAP.sub("", wrapped["said"]).strip() if wrapped else said


def _bare(reply: str) -> Parted:
    """A reply without bracketed marks."""
    if channels := _BARE_CHANNELS.match(reply):
        final = _BARE_FINAL.search(channels["thoughts"])
        if final is None:
            return Parted(channels["thoughts"], "")
        return Parted(channels["thoughts"][: final.start()], channels["thoughts"][final.end() :].lstrip())
    if spoken := _SPOKEN.match(reply):
        return Parted(spoken["thoughts"].strip(), (spoken["said"] or "").strip())
    return Parted("", reply)


def _channels(reply: str) -> Parted:
    """A reply in channels: the final one is said, and what stands outside of any; the others are thoughts."""
    parts: dict[str, list[str]] = {"thoughts": [], "said": []}
    into: str | None = "thoughts"  # what stands before the first mark was begun in the prompt
    named = False  # whether the next piece of text begins with a channel's name
    at = 0
    for token in [*_SPECIAL.finditer(reply), None]:
        piece = reply[at : token.start() if token else len(reply)]
        if named:
            name, _, piece = piece.lstrip().partition("\n") if "\n" in piece else (piece, "", "")
            into = "said" if name.strip().split(" ")[0].casefold() in _FINAL else "thoughts"
        if into is not None and piece:
            parts[into].append(piece)
        if token is None:
            break
        at = token.end()
        named = token["word"] == "channel" and bool(token["open"])
        if token["word"] == "channel" and not named:  # `<channel|>` ends a channel
            into = "said"
        elif token["word"] == "message":
            into = into or "said"  # a message outside of any channel
        elif token["word"] in ("end", "start", "return", "call", "turn"):
            into = None  # a role's name follows
    return Parted("".join(parts["thoughts"]).strip(), "".join(parts["said"]).strip())


def thoughts_in(message: Mapping[str, Any]) -> str:
    """The thoughts in the fields of a message or delta, whatever the field is called; fields that repeat each other
    (`reasoning` and `reasoning_details`) count once."""
    for name, value in message.items():
        if value and _TOLD_BY_NAME.search(name) and not _NO_TEXT.search(name) and (found := _text_of(value)):
            return found
    content = message.get("content")
    if isinstance(content, list):
        return "".join(_text_of(part) for part in content if is_thought(part))
    return ""


def is_thought(part: Any) -> bool:
    """Whether a part of a message's content is thoughts, by its type."""
    return isinstance(part, Mapping) and _TOLD_BY_NAME.search(str(part.get("type") or "")) is not None


def _text_of(value: Any) -> str:
    """All text in a value: a string, or what mappings and lists of any depth hold under names that are texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text_of(item) for item in value)
    if isinstance(value, Mapping) and "encrypt" not in str(value.get("type")):
        return "".join(_text_of(item) for name, item in value.items() if not _NO_TEXT.search(name))
    return ""


def may_be_thinking(reply: str) -> bool:
    """Whether a reply that is still arriving has shown nothing yet that its reader is meant to see."""
    start = reply.lstrip()
    if not start:
        return True
    if start[0] in "<[◁" or start.startswith(("analysis", "commentary")):
        return not parted(reply).said.strip() or ("]" not in start and ">" not in start and len(start) < 40)
    return False
