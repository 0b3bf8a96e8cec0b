"""What a prompt asks for: the text to read, the question, and the kind of reply.

Instructions count only from the prompt's own frame: the system message, and the paragraphs around the last question.
What stands in the documents is read, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.records import Message

_QUESTION = re.compile(r"^Question:[ \t]*", re.M)
_LABEL = re.compile(r"\n+\s*(Answer|Notes|Summary|Reply|Thought)s?:\s*$")
_SCHEMA = "\n\nReply with one JSON object that follows this JSON schema"
_OPTION = re.compile(r"^\(?([A-Z])[.)]\s+(.+)$")
_FRAME = re.compile(
    r"text above|part above|notes? above|above are|answer the question|question below|the question is|"
    r"reply (?:with|exactly)|do not answer|write (?:a|one|notes)|longer text|summari[sz]ed for you",
    re.I,
)
# Words on how to answer that benchmarks put behind their questions: no part of what is asked.
_MANNER = re.compile(
    r"[\s.]+(?:answer (?:this|the) question|please|use date of|only give|do not summari[sz]e|be concise)\b.*$",
    re.I | re.S,
)
# Where to look is no part of what is asked either.
_PLACE = re.compile(r",? (?:mentioned |stated |given )?in the (?:provided|above|given) text(?=\W*$)")
_EXACT_WORDS = re.compile(r"reply (?:exactly|with the single word)\s*:\s*(\[[^\]]+\]|\w+)", re.I)


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt, understood. `kind` is `answer`, `notes` or `report`; `refusal` is the wording offered for "nothing"."""

    text: str
    question: str
    options: tuple[str, ...]
    kind: str
    refusal: str


def understand(messages: Sequence[Message]) -> Reading:
    """Take the last user message apart."""
    whole = next((message.content for message in reversed(messages) if message.role == "user"), "")
    body, schema, _ = whole.rpartition(_SCHEMA)
    whole = body if schema else whole  # how to reply is nothing to read
    marks = list(_QUESTION.finditer(whole))
    label = "Answer"
    if not marks:
        body, question, tail = _without_question(whole)
    else:
        mark = marks[-1]
        body, tail = whole[: mark.start()], whole[mark.end() :]
        question = tail.split("\n\n", 1)[0]
        tail_label = _LABEL.search(tail)
        label = tail_label.group(1) if tail_label else "Answer"
        question = _LABEL.sub("", question)
    if marks and len(body) < len(tail) // 2:  # the question stands before the text
        question, _, body = tail.partition("\n\n")
        tail_label = _LABEL.search(body)
        label = tail_label.group(1) if tail_label else label
        body = _LABEL.sub("", body)
        tail = whole[: marks[-1].start()]
    blocks = body.rstrip().split("\n\n")
    frame: list[str] = [tail]
    while blocks and len(blocks[-1]) < 900 and (_FRAME.search(blocks[-1]) or not blocks[-1].strip()):
        frame.append(blocks.pop())
    instructions = "\n".join(frame)
    exact = _EXACT_WORDS.search(instructions)
    lines = question.strip().split("\n")
    options = tuple(m.group(2).strip() for line in lines[1:] if (m := _OPTION.match(line.strip())))
    asked = " ".join(line for line in lines if not _OPTION.match(line.strip())).removesuffix("Answer:").strip()
    asked = _PLACE.sub("", _question_itself(_MANNER.sub("", asked)))
    kind = {"Answer": "answer"}.get(label, "notes") if asked else "report"
    return Reading("\n\n".join(blocks), asked, options, kind, exact.group(1) if exact else "unanswerable")


def _question_itself(asked: str) -> str:
    """The question alone, when benchmarks put the start of its answer behind it: that repeats the question's words."""
    before, mark, start = asked.rpartition("?")
    said = start.lower().split()
    question = re.split(r"(?<=[.!?])\s+", before.strip())[-1]
    words = set(question.lower().split())
    if not mark or not said or sum(word in words for word in said) < 0.6 * len(said):
        return asked
    return f"{question}?"


def _without_question(whole: str) -> tuple[str, str, str]:
    """A prompt without a question line: a last line that ends in a question mark is one, else there is none."""
    body = _LABEL.sub("", whole.rstrip())
    last = body.rpartition("\n")[2].strip()
    if last.endswith("?") and len(last) < 500:
        return body[: -len(last)], last, ""
    return body, "", ""
