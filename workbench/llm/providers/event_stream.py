"""Replies as they come over the wire: server-sent events, lines of JSON, or one JSON object, told apart by what they
are and not by what their content type says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import BadReply


def parsed(data: bytes, name: str) -> Mapping[str, Any]:
    """The JSON object that a server sent; raises BadReply naming the model when it is none."""
    try:
        value = json.loads(data.decode())
    except ValueError as error:
        raise BadReply(f"{name}: the reply is no JSON") from error
    if not isinstance(value, dict):
        raise BadReply(f"{name}: the reply is no JSON object")
    return value


class EventReader:
    """Server-sent events as JSON objects, from whatever blocks the network cuts them into.

    Data of several lines is one event (as the standard has it), and so is every line that is JSON by itself (as some
    servers have it, which send no blank line between events). `name` is the model's, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""  # of a line
        self._held = b""  # lines of an event that goes on
        self._error = False  # whether the event that goes on is called an error

    def events(self, block: bytes) -> Iterator[Mapping[str, Any]]:
        """The events that end in this block. Raises BadReply for one that is no JSON object."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if self._held:
                    data = self._held + b"\n" + data
                if data == b"[DONE]":
                    yield {"done": True}
                elif data and (self._error or data.upper().startswith(b"[ERROR")):
                    yield said_as_error(data)
                elif data:
                    try:
                        event = parsed(data, self._name)
                    except BadReply:
                        self._held = data
                    else:
                        self._held = b""
                        yield event
            elif line.startswith(b"event:"):
                self._error = line[6:].strip().lower() == b"error"
            elif line.lstrip().startswith(b"{"):  # an error as it stands, in the middle of a stream
                yield said_as_error(line.strip())
            elif not line.strip():
                self._error = False
                if self._held:
                    parsed(self._held, self._name)  # the event ends here, so this raises

    def last(self) -> Iterator[Mapping[str, Any]]:
        """The event that the stream ended in, if it is whole: some servers end it without a line end."""
        try:
            yield from list(self.events(b"\n"))
        except BadReply:
            return


def said_as_error(data: bytes) -> Mapping[str, Any]:
    """What a server sends in place of an event, as the error that it is."""
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value if value.get("error") else {"error": value}
    return {"error": {"message": data.decode("utf-8", "replace")}}


class ReplyReader:
    """The JSON objects of a reply, streamed or not. A body that begins like an event stream is one, whatever its
    content type says; any other is one JSON object, `{"whole": …}`, or one a line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream: EventReader | None = None
        self._begun = b""

    def events(self, block: bytes) -> Iterator[Mapping[str, Any]]:
        """The events that end in this block. Raises BadReply for one that is no JSON object."""
        if self._stream is not None:
            yield from self._stream.events(block)
            return
        self._begun += block
        start = self._begun.removeprefix(b"\xef\xbb\xbf").lstrip()
        if start.startswith((b"data:", b"event:", b":", b"id:", b"retry:")):
            self._stream = EventReader(self._name)
            self._begun = b""
            yield from self._stream.events(start)

    def last(self) -> Iterator[Mapping[str, Any]]:
        """What the reply ended in: the last event of a stream, or the reply itself."""
        if self._stream is not None:
            yield from self._stream.last()
            return
        try:
            whole = parsed(self._begun, self._name)
        except BadReply:
            lines = [line for line in self._begun.splitlines() if line.strip()]
            if len(lines) < 2:
                raise
            for line in lines:
                yield parsed(line, self._name)
            yield {"done": True}
        else:
            yield {"whole": whole}
