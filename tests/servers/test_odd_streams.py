"""Streams that are not as the standard has them, but as servers send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.servers.asking import Desk, in_file
from tests.servers.script import Made, Situation
from tests.servers.server import Answer, Body, Serving
from tests.servers.table import WIRES
from tests.servers.wire import ChatWire

SAID = "Malmö — 北京, not Oslo: <b>bold</b>."
Twist = Callable[[Sequence[str]], list[str]]


def _data(frame: str) -> Any:
    """The JSON of an event; None for what is none."""
    return json.loads(frame[5:]) if frame.startswith("data:") and "[DONE]" not in frame else None


def _unescaped(frame: str) -> str:
    """An event whose letters are sent as they are."""
    return f"data: {json.dumps(_data(frame), ensure_ascii=False)}\n\n" if _data(frame) else frame


def _each(change: Callable[[Any], Any]) -> Twist:
    """A twist that sends each event changed."""
    return lambda frames: [
        f"data: {json.dumps(change(_data(frame)))}\n\n" if _data(frame) else frame for frame in frames
    ]


def _pretty(frames: Sequence[str]) -> list[str]:
    """One event over several lines of data."""
    spread = []
    for frame in frames:
        shown = json.dumps(_data(frame), indent=1) if _data(frame) else frame[6:].strip()
        spread.append("".join(f"data: {line}\n" for line in shown.splitlines()) + "\n")
    return spread


def _second_choice(frames: Sequence[str]) -> list[str]:
    """Another choice between the events of the first."""
    other = {"choices": [{"index": 1, "delta": {"content": "Another answer."}, "finish_reason": None}]}
    return [part for frame in frames for part in (f"data: {json.dumps(other)}\n\n", frame)]


def _zeros_last(frames: Sequence[str]) -> list[str]:
    """Once more a usage, of nothing."""
    zeros = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}
    return [*frames[:-1], f"data: {json.dumps(zeros)}\n\n", frames[-1]]


TWISTS: dict[str, Twist] = {
    "CRLF": lambda frames: [frame.replace("\n", "\r\n") for frame in frames],
    "no end marked": lambda frames: [frame for frame in frames if "[DONE]" not in frame],
    "no last line end": lambda frames: [*frames[:-1], frames[-1].rstrip("\n")],
    "comments": lambda frames: [part for frame in frames for part in (": ping\n\n", frame, ":\n\n\n")],
    "event names and ids": lambda frames: [f"id: 7\nevent: message\nretry: 10\n{frame}" for frame in frames],
    "no space after the colon": lambda frames: [frame.replace("data: ", "data:", 1) for frame in frames],
    "no empty lines": lambda frames: [frame.replace("\n\n", "\n") for frame in frames],
    "a byte order mark": lambda frames: [f"\ufeff{frames[0]}", *frames[1:]],
    "data over several lines": _pretty,
    "a second choice between": _second_choice,
    "zeros for a usage last": _zeros_last,
    "events without choices": lambda frames: [part for f in frames for part in ('data: {"choices": null}\n\n', f)],
    "letters as they are": lambda frames: [_unescaped(frame) for frame in frames],
    "lines of JSON": lambda frames: [f"{frame[6:].rstrip()}\n" for frame in frames if _data(frame)],
    "no finish reason": _each(
        lambda event: {**event, "choices": [{**c, "finish_reason": None} for c in event["choices"]]}
    ),
    "fields of null": _each(lambda event: {**event, "error": None, "system_fingerprint": None, "x_extra": {}}),
}
TYPES: dict[str, str | None] = {
    "without a type": None, "as plain text": "text/plain; charset=utf-8", "as JSON": "application/json",
}  # fmt: skip
ON = ("openai", "vllm", "vllm-unparsed", "xai")


class _Twisted:
    """A wire whose streams are twisted; `bytewise` sends every byte alone."""

    def __init__(self, wire: ChatWire, twist: Twist, *, bytewise: bool = False) -> None:
        self.wire, self._twist, self._bytewise = wire, twist, bytewise

    def get(self, path: str, headers: Any) -> Answer:
        """As the wire has it."""
        return self.wire.get(path, headers)

    def post(self, path: str, body: Body, headers: Any) -> Answer:
        """As the wire has it, but for the form of a stream."""
        answer = self.wire.post(path, body, headers)
        if answer.pieces is None:
            return answer
        frames = [frame.decode() for frame in answer.pieces]
        return Answer(pieces=self._pieces(self._twist(frames)), content_type=answer.content_type)

    def _pieces(self, frames: Sequence[str]) -> Iterator[bytes]:
        for frame in frames:
            data = frame.encode()
            yield from ([data[at : at + 1] for at in range(len(data))] if self._bytewise else [data])


def _read(serving: Serving, name: str, twist: Twist, **how: Any) -> tuple[Made, Desk]:
    wire = WIRES[name](Situation(says=SAID))
    wire.stream_type = how.pop("stream_type", wire.stream_type)
    with Desk(serving, wire, in_file()) as desk:
        serving.wire = _Twisted(wire, twist, **how)
        asked = desk.ask()
    assert asked.reply.text == SAID
    assert asked.record.ended == "answered"
    assert asked.record.attempts == 1
    return wire.made[-1], desk


@pytest.mark.parametrize("name", ON)
@pytest.mark.parametrize("twist", TWISTS)
def test_a_stream_in_an_odd_form_is_read(twist: str, name: str, serving: Serving) -> None:
    made, desk = _read(serving, name, TWISTS[twist])
    call = desk.calls[-1]
    assert (call.prompt_tokens, call.completion_tokens) == (made.prompt, made.completion)
    assert call.first_token_s is not None or twist == "lines of JSON"


@pytest.mark.parametrize("kind", TYPES)
def test_a_stream_under_another_content_type_is_read(kind: str, serving: Serving) -> None:
    _, desk = _read(serving, "openai", list, stream_type=TYPES[kind])
    assert desk.calls[-1].first_token_s is not None


def test_a_stream_that_gives_no_reason_and_marks_no_end_is_broken(serving: Serving) -> None:
    wire = WIRES["vllm"](Situation(says=SAID))

    def torn(frames: Sequence[str]) -> list[str]:
        return [frame for frame in TWISTS["no finish reason"](frames) if "[DONE]" not in frame]

    with Desk(serving, wire, in_file()) as desk:
        serving.wire = _Twisted(wire, torn)
        asked = desk.ask()
    assert asked.record.ended == "broken"
    assert asked.record.attempts == 3


def test_a_stream_that_comes_byte_by_byte_is_read(serving: Serving) -> None:
    _read(serving, "openai", list, bytewise=True)


def test_a_server_that_does_not_stream_although_it_is_asked_to_is_read(serving: Serving) -> None:
    base: Any = WIRES["vllm"]

    class Deaf(base):  # type: ignore[misc]
        def reply(self, body: Body, made: Made) -> Answer:
            """Whole."""
            return Answer(value=self.whole(body, made))

    wire = Deaf(Situation(says=SAID))
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
    assert asked.reply.text == SAID
    assert asked.record.completion_tokens == wire.made[-1].completion
    assert asked.record.first_token_s is None


def test_thoughts_between_the_lines_of_a_second_choice_are_not_ours(serving: Serving) -> None:
    def other(frames: Sequence[str]) -> list[str]:
        event = {"choices": [{"index": 1, "delta": {"reasoning_content": "Not ours."}, "finish_reason": "length"}]}
        return [part for frame in frames for part in (frame, f"data: {json.dumps(event)}\n\n")]

    _, desk = _read(serving, "vllm", other)
    assert desk.calls[-1].thoughts == ""
