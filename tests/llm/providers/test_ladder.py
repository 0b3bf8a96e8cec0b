"""What a server does not take is found by trying, whatever its words or status."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable

import pytest

from workbench.llm.providers.ladder import Forms, Ladder, Part
from workbench.llm.providers.refusals import HttpRefusal

PARTS = [
    Part("response_format", 4),
    Part("stream_options", 2),
    Part("seed", 2),
    Part("temperature", 2),
    Part("max_tokens", 2, recorded=False),
]
WORDS = ["no", "{part} is not supported", "Bad Request", "这个参数不支持", "Input should be 'text'"]


class Server:
    """Takes requests whose parts are all in forms that it knows; it names one fault at a time."""

    def __init__(self, takes: dict[str, Iterable[int]], status: int = 400, words: str = "no") -> None:
        self.takes = {name: set(forms) for name, forms in takes.items()}
        self.status, self.words = status, words
        self.asked = 0

    async def __call__(self, forms: Forms) -> None:
        self.asked += 1
        for part, known in self.takes.items():
            if forms.get(part, 0) not in known:
                raise HttpRefusal(self.status, self.words.format(part=part))


def searched(server: Server, ladder: Ladder) -> None:
    async def search() -> None:
        try:
            await server(ladder.used)
        except HttpRefusal as refusal:
            if not ladder.suspects(refusal, PARTS, ladder.used):
                raise
            await ladder.settle(refusal, PARTS, server)
        ladder.accept(PARTS, ladder.used)

    asyncio.run(search())


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("status", [400, 422, 501])
@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_one_part_that_is_refused_is_found(status: int, words: str, part: str) -> None:
    server, ladder = Server({part: [1]}, status, words), Ladder()
    searched(server, ladder)
    assert ladder.used == {**dict.fromkeys([p.name for p in PARTS if p.name in ladder.used], 0), part: 1}
    assert ladder.left_out(PARTS) == (() if part == "max_tokens" else (part,))
    before = server.asked
    searched(server, ladder)
    assert server.asked == before + 1  # it is remembered


@pytest.mark.parametrize("pair", itertools.combinations([part.name for part in PARTS], 2))
def test_two_parts_are_found_where_the_words_tell_them_apart(pair: tuple[str, str]) -> None:
    server, ladder = Server({name: [1] for name in pair}, words="{part}: no"), Ladder()
    searched(server, ladder)
    assert {name for name, form in ladder.used.items() if form} == set(pair)


def test_a_form_further_down_is_found() -> None:
    server, ladder = Server({"response_format": [3]}), Ladder()
    searched(server, ladder)
    assert ladder.form("response_format") == 3


def test_what_was_taken_once_is_above_suspicion() -> None:
    ladder = Ladder()
    searched(Server({}), ladder)
    refusal = HttpRefusal(400, "the prompt offends me")
    assert ladder.suspects(refusal, PARTS, ladder.used) == []
    assert [p.name for p in ladder.suspects(refusal, [*PARTS, Part("top_p", 2)], ladder.used)] == ["top_p"]


def test_a_refusal_that_nothing_mends_is_not_searched_again() -> None:
    server, ladder = Server({"seed": [7]}, words="request 17 is bad"), Ladder()
    with pytest.raises(HttpRefusal):
        searched(server, ladder)
    before = server.asked
    with pytest.raises(HttpRefusal):
        searched(server, ladder)
    assert server.asked == before + 1
    assert ladder.left_out(PARTS) == ()


@pytest.mark.parametrize(("words", "times"), [("internal error", 3), ("'temperature' is broken here", 1)])
def test_a_server_error_counts_when_it_names_a_part_or_comes_three_times(words: str, times: int) -> None:
    server, ladder = Server({"temperature": [1]}, 500, words), Ladder()
    for _ in range(times - 1):
        with pytest.raises(HttpRefusal):
            searched(server, ladder)
    searched(server, ladder)
    assert ladder.form("temperature") == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, "bad key"), (402, "pay"), (429, "slow down"), (404, "no such model"), (529, "busy"), (403, "not for you")],
)
def test_refusals_of_another_kind_are_none_of_a_part(status: int, body: str) -> None:
    refusal, ladder = HttpRefusal(status, body), Ladder()
    assert not refusal.is_about_the_request or not ladder.suspects(refusal, PARTS, {})


def test_an_error_that_is_no_refusal_of_the_request_ends_the_search() -> None:
    async def dies(forms: Forms) -> None:
        raise HttpRefusal(401, "bad key") if forms.get("response_format") else HttpRefusal(400, "no")

    found: Callable[[], None] = lambda: asyncio.run(Ladder().settle(HttpRefusal(400, "no"), PARTS, dies))  # noqa: E731
    with pytest.raises(HttpRefusal, match="bad key"):
        found()
