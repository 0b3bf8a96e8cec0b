"""Reading in a server's words that a prompt is too long, and what would have fitted.

Every server says it in its own words, so what is looked for is what all of them must say: something about a size
(context, tokens, prompt, input) and that there is too much of it. The figures are told apart by the words around them,
and by our own count of what was sent. Where there is no figure, the caller shrinks its prompt by a share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

SHRUNK = 0.5  # of a prompt that is too long by an unknown amount
_CLOSER = 0.75  # of a prompt that is still too long although it should fit by the server's figure

_SIZE = re.compile(r"context|token|prompt|input|length|sequence|n_ctx|max_model_len|messages|window|长度|上下文", re.I)
_TOO_MUCH = re.compile(
    r"exceed|overflow|too[_ ](?:long|large|many|big)|(?:longer|larger|greater|more|higher|bigger) than"
    r"|over the (?:limit|max)|beyond|not enough|insufficient (?:context|space|kv)"
    r"|(?:does|do|did|will|can|could)(?:n.t| ?not) fit"
    r"|reduce the|shorten|shorter (?:prompt|input)|less than|must be (?:<=|at most|at least 1, got -)"
    r"|(?:at most|at maximum|only supports?|limited to|maximum \w+ ?\w* (?:is|of)) [\d,]+"
    r"|range of input length|outside (?:of )?the (?:range|window)|(?:limit|window|maximum) (?:is|of) [\d,]+|got -\d|超",
    re.I,
)
# what a request is made of, when servers name it: these words speak of a parameter, not of a prompt
_PARAMETERS = re.compile(r"max_(?:completion_|new_|output_)?tokens|max_length|top_logprobs|budget_tokens|n_predict")
_ABOUT_RATES = re.compile(r"per[ _-](?:minute|day|hour|second)|\bTP[MD]\b|\bRP[MD]\b|rate[_ ]limit", re.I)
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?!\d)|(?<![\w.])\d+(?![\w]*[a-zA-Z_])")
_LIMIT_BEFORE = re.compile(
    r"(?:max(?:imum)?|limit|window|context (?:length|size)|n_ctx|allowed|at most|<=|<|>|less than|up to|supports?"
    r"|exceeds?(?: the| max)*|only|\[\s*\d+\s*,|model_len|capacity|budget)[^\d]{0,40}$",
    re.I,
)
_LIMIT_AFTER = re.compile(r"^\s*(?:tokens?\s*)?(?:max(?:imum)?\b|limit|context (?:length|size|window)|allowed)", re.I)
_ASKED_BEFORE = re.compile(
    r"(?:request(?:ed)?|passed|result(?:ed)? in|contain(?:s|ed)?|current length is|given:?|received|got|has|have|sent"
    r"|too long|the first|n_prompt_tokens|provided|your (?:prompt|input|messages?))[^\d]{0,25}$",
    re.I,
)
_ASKED_MAYBE = re.compile(r"(?:prompt|input|tokens?|count|total|length|is|of)[^\d]{0,25}$", re.I)
_ASKED_AFTER = re.compile(
    r"^\s*(?:(?:input|prompt|text|total)\s*tokens?|tokens?\)? (?:in the|of|from)|of (?:text )?(?:input|prompt)"
    r"|in the messages)",
    re.I,
)
_REPLIES = re.compile(r"max_\w*tokens|(?:completion|output|reply|generat\w+) tokens", re.I)
_PROMPTS = re.compile(r"context|prompt|input|messages|n_ctx|max_model_len|got -", re.I)
_SHORT_BY = re.compile(r"got -(\d+)")  # vLLM: what is left of the window for the reply
_CODES = frozenset({400, 413, 422, 429, 500})


class Figures(NamedTuple):
    """What a refusal says of sizes, in the server's tokens: its `limit`, and how much it was `asked` for."""

    limit: int | None = None
    asked: int | None = None


def says_overflow(status: int, body: str) -> bool:
    """Whether a refusal is about the length of the prompt."""
    if status not in (400, 413, 422, 424, 500, 503) or _ABOUT_RATES.search(body):
        return False
    words = " ".join(words_of(body)) or body
    if _REPLIES.search(words) and not _PROMPTS.search(words):
        return False  # about the reply's length alone
    words = _PARAMETERS.sub("tokens" if "got -" in words else "", words)
    if status == 413 and not re.search(r"batch|entity|upload", words, re.I):
        return True
    return _SIZE.search(words) is not None and _TOO_MUCH.search(words) is not None


def window_after(body: str, ours: int, reply: int) -> int:
    """The window, in our tokens, that a refusal leaves: less than the prompt of `ours` tokens with its reply.

    A server that counts more tokens than we do holds fewer of ours. Without a figure the
    prompt is halved.
    """
    sent = ours + reply
    found = read_figures(body, ours, reply)
    if found.limit is None:
        return max(1, int(sent * SHRUNK))
    limit = found.limit
    if found.asked:
        limit = int(limit * min(1.0, ours / found.asked))
    if limit >= sent:  # it should have fitted: the server counts otherwise than it says
        return max(1, int(sent * _CLOSER))
    return max(1, limit)


def is_above_the_rate(body: str) -> bool:
    """Whether a rate limit can never let this request pass: it alone asks for more than a minute's share."""
    found = [number for number, _, _ in _numbers(" ".join(words_of(body)) or body)]
    limit = re.search(r"limit:?\s*([\d,]+)", body, re.I)
    asked = re.search(r"request(?:ed)?:?\s*([\d,]+)", body, re.I)
    used = re.search(r"used:?\s*([\d,]+)", body, re.I)
    if not found or not limit or not asked or (used and int(used[1].replace(",", "")) > 0):
        return False
    return int(asked[1].replace(",", "")) > int(limit[1].replace(",", "")) > 0


def reply_limit(body: str, asked: int) -> int | None:
    """The most reply tokens that a server takes, where a refusal of `asked` of them says so."""
    words = " ".join(words_of(body)) or body
    if not _REPLIES.search(words) or _PROMPTS.search(words):
        return None
    return max((number for number, _, _ in _numbers(words) if number < asked), default=None)


def read_figures(body: str, ours: int, reply: int) -> Figures:
    """The limit and the size asked for that a refusal names; None for what it does not name."""
    words = " ".join(words_of(body)) or body
    if short := _SHORT_BY.search(words):
        return Figures(max(1, ours - int(short[1])), ours)
    limits: list[int] = []
    asked: list[int] = []
    prompts: list[int] = []  # what is said of the prompt alone
    for number, before, after in _numbers(words):
        if number == reply or number in _CODES:
            continue
        limit, sure = _LIMIT_BEFORE.search(before), _ASKED_BEFORE.search(before)
        if _ASKED_AFTER.match(after):
            prompts.append(number)
        elif sure and not (limit and limit.start() > sure.start()):
            asked.append(number)
        elif limit or _LIMIT_AFTER.match(after):
            limits.append(number)
        elif _ASKED_MAYBE.search(before):
            asked.append(number)
    asked = prompts or asked
    if not asked and len(limits) > 1:
        asked = [min(limits, key=lambda number: abs(number - ours))]
        limits.remove(asked[0])
    most = max((number for number in asked if 0.4 * ours <= number <= 3 * (ours + reply)), default=None)
    # where the prompt alone is named, its reply may be what no longer fits
    bound = 2 * (ours + reply) if most is None else most + reply
    known = [number for number in limits if number < bound]
    # a message that names the whole window and what the prompt may have of it names the window first
    return Figures(known[0] if known else None, most)


def _numbers(text: str) -> Iterator[tuple[int, str, str]]:
    """The whole numbers of a text from 3, each with the words before it (back to the number before) and after it."""
    end = 0
    for match in _NUMBER.finditer(text):
        if len(match[0]) == 1 and int(match[0]) < 3:
            continue
        yield (
            int(match[0].replace(",", "")),
            text[max(end, match.start() - 60) : match.start()],
            text[match.end() :][:40],
        )
        end = match.end()


def words_of(body: str) -> list[str]:
    """The words of an error's body: its texts without codes and types, and its figures with their names."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return [body]
    return list(_texts(parsed))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, str):
        if name != "param":
            yield value if not value.startswith("{") else " ".join(words_of(value))
    elif isinstance(value, int) and re.search(r"ctx|token|limit|length|max", name):
        yield f"{name}: {value}"
