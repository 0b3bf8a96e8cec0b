"""Server-sent events, however the network cuts them and servers end them."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadReply
from workbench.llm.providers.event_stream import EventReader


def read(*blocks: bytes) -> list[object]:
    reader = EventReader("server/x")
    return [*(event for block in blocks for event in reader.events(block)), *reader.last()]


@given(st.lists(st.text(), min_size=1, max_size=5), st.lists(st.integers(0, 400), max_size=8), st.booleans())
def test_events_survive_any_cut_into_blocks(texts: list[str], cuts: list[int], crlf: bool) -> None:
    end = b"\r\n\r\n" if crlf else b"\n\n"
    whole = b"".join(b"data: " + json.dumps({"n": text}).encode() + end for text in texts) + b"data: [DONE]" + end
    bounds = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    blocks = [whole[a:b] for a, b in itertools.pairwise(bounds)]
    assert read(*blocks) == [*({"n": text} for text in texts), {"done": True}]


def test_last_event_may_lack_its_line_end() -> None:
    assert read(b'data: {"n": 1}\n\ndata: {"n": 2}') == [{"n": 1}, {"n": 2}]
    assert read(b'data: {"n": 1}\n\ndata: [DONE]') == [{"n": 1}, {"done": True}]


def test_a_stream_cut_inside_an_event_leaves_that_event_out() -> None:
    assert read(b'data: {"n": 1}\n\ndata: {"n": ') == [{"n": 1}]


def test_data_of_several_lines_is_one_event() -> None:
    assert read(b'event: x\ndata: {"n":\ndata: 1}\n\ndata: {"n": 2}\n\n') == [{"n": 1}, {"n": 2}]


def test_events_without_blank_lines_between_them_are_told_apart() -> None:
    assert read(b': comment\ndata: {"n": 1}\ndata: {"n": 2}\ndata: [DONE]\n') == [{"n": 1}, {"n": 2}, {"done": True}]


@pytest.mark.parametrize("data", [b'{"n": ', b"null", b"[1]", b"\xff"])
def test_an_event_that_is_no_object_is_a_bad_reply_after_those_before_it(data: bytes) -> None:
    events = EventReader("server/x").events(b'data: {"n": 1}\n\ndata: ' + data + b"\n\n")
    assert next(events) == {"n": 1}
    with pytest.raises(BadReply, match="server/x: the reply is no JSON"):
        next(events)
