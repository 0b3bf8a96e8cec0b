"""The response cache: what goes in comes out, from any thread and process, and old things go first."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import StoreError
from workbench.llm.cache import ResponseCache, cache_key
from workbench.llm.model import ChatRequest, Completion
from workbench.records import Message

LETTER = "\ud83c odd"  # half a surrogate pair, as bad PDFs give


def request(text: str, sample: int = 0) -> ChatRequest:
    return ChatRequest((Message("system", "Be brief."), Message("user", text)), 64, sample=sample)


def put(cache: ResponseCache, text: str, reply: str = "ok", model: str = "m") -> str:
    asked = request(text)
    key = cache_key(model, asked)
    cache.put(key, model, asked, Completion(reply, 10, 2, total_s=1.5, first_token_s=0.5))
    return key


@pytest.fixture
def cache(tmp_path: Path) -> ResponseCache:
    return ResponseCache(tmp_path / "folder" / "responses.sqlite")


@pytest.mark.parametrize("text", ["", "short", "a\n\nb\n\nc", LETTER, "long text. " * 20_000, "x" * 100_000])
def test_prompt_and_reply_come_back_exactly(cache: ResponseCache, text: str) -> None:
    key = put(cache, text, reply=f"re: {text[:50]}")
    assert cache.get(key) == Completion(f"re: {text[:50]}", 10, 2, total_s=1.5, first_token_s=0.5)
    (row,) = cache.export()
    asked = row["request"]
    assert isinstance(asked, dict)
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    assert asked["max_tokens"] == 64


@given(st.lists(st.text(max_size=5), min_size=2, max_size=2, unique=True))
def test_keys_differ_when_messages_do(texts: list[str]) -> None:
    assert cache_key("m", request(texts[0])) != cache_key("m", request(texts[1]))


def test_the_key_knows_the_model() -> None:
    assert cache_key("a", request("?")) != cache_key("b", request("?"))


def test_two_hundred_questions_hold_their_context_once(cache: ResponseCache) -> None:
    words = ("north", "tower", "seven", "letters", "found", "river", "almost", "early", "stone")
    context = "".join(f"{words[n % 9]} {words[n * 7 % 8]} {n * 7919 % 10_007}. " for n in range(5_000))
    assert len(context) > 90_000
    for number in range(200):
        put(cache, f"Read this.\n\n{context}\n\nQuestion {number}: what is in line {number * 25}?")
    alone = ResponseCache(cache.path.with_name("alone.sqlite"))
    put(alone, context)
    assert cache.size() < 1.2 * alone.size() + 200 * 400  # a reply, an outline and a question are below that


def test_another_version_of_the_same_context_shares_most_of_it(cache: ResponseCache) -> None:
    lines = [f"In year {n} the number was {n * 7919 % 10_007}. " for n in range(2_000)]
    put(cache, "".join(lines))
    before = cache.size()
    put(cache, "A new first line. " + "".join(lines))
    assert cache.size() - before < before / 4


def test_the_least_recently_used_go_first(cache: ResponseCache) -> None:
    keys = [put(cache, f"{n} " * 2_000) for n in range(4)]
    cache.get(keys[0])
    assert cache.prune(cache.size() - 1) == 1
    assert [cache.get(key) is not None for key in keys] == [True, False, True, True]


def test_pruning_keeps_texts_that_are_still_used(cache: ResponseCache) -> None:
    shared = "A shared line of the context. " * 300
    first = put(cache, f"{shared}\n\nOne?")
    put(cache, f"{shared}\n\nTwo?")
    assert cache.prune(cache.size() - 1) == 1
    assert cache.get(first) is None
    (row,) = cache.export()
    assert f"{shared}\n\nTwo?" in str(row["request"]).replace("\\n", "\n")


def test_pruning_to_nothing_gives_the_disk_back(cache: ResponseCache) -> None:
    draw = random.Random(0)
    for number in range(20):
        put(cache, f"{number} {draw.randbytes(20_000).hex()}")
    before = cache.size()
    assert before > 20 * 20_000
    assert cache.prune(0) == 20
    assert cache.size() == 0
    assert cache.path.stat().st_size < before / 4


def test_a_cache_with_a_limit_prunes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.llm.cache._PUTS_PER_CHECK", 10)
    cache = ResponseCache(tmp_path / "small.sqlite", max_bytes=10_000)
    for number in range(200):
        put(cache, f"question {number}")
    assert cache.size() <= 10_000 + 10 * 400


def test_stats_count_by_model(cache: ResponseCache) -> None:
    put(cache, "one", model="a")
    put(cache, "two", model="a")
    put(cache, "two", model="b")
    assert [(row["model"], row["replies"]) for row in cache.stats()] == [("a", 2), ("b", 1)]


def test_a_damaged_row_is_asked_again(cache: ResponseCache) -> None:
    key = put(cache, "one")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE replies SET completion = x'00'")
    assert cache.get(key) is None
    assert cache.stats() == []


def test_a_file_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("these are my notes, and no database at all\n" * 50)
    with pytest.raises(StoreError, match=r"notes\.txt"):
        ResponseCache(text)
    assert text.read_text().startswith("these are my notes")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="something else"):
        ResponseCache(other)


def test_threads_share_a_cache(cache: ResponseCache) -> None:
    def work(name: str) -> None:
        for number in range(25):
            put(cache, f"{name} {number}")

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["replies"] for row in cache.stats()] == [8 * 25]


def _fill(path: Path, name: str) -> None:
    with ResponseCache(path) as cache:
        for number in range(50):
            put(cache, f"{name} {number}")


def test_processes_share_a_cache(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_fill, args=(path, str(n))) for n in range(3)]  # all three create it
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with ResponseCache(path) as cache:
        assert [row["replies"] for row in cache.stats()] == [3 * 50]


def test_closing_and_reopening_keeps_everything(tmp_path: Path) -> None:
    with ResponseCache(tmp_path / "c.sqlite") as cache:
        key = put(cache, "one")
    with ResponseCache(tmp_path / "c.sqlite") as cache:
        assert cache.get(key) is not None


class Full(ResponseCache):
    """Its disk has room for a few replies only."""

    def _connection(self) -> sqlite3.Connection:
        connection = super()._connection()
        connection.execute("PRAGMA max_page_count = 12")
        return connection


def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(tmp_path: Path) -> None:
    cache = Full(tmp_path / "responses.sqlite")
    key = put(cache, "first")
    with pytest.raises(StoreError, match=r"responses.sqlite cannot .* full — free space"):
        put(cache, "".join(random.Random(1).choices("abcdefgh", k=200_000)))
    assert cache.get(key) is not None
    put(cache, "third")  # what fits is kept again


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_paid(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    ResponseCache(path).close()
    connection = sqlite3.connect(path)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("workbench.llm.cache_file._PATIENCE_S", 0.1)
            with pytest.raises(StoreError, match="another program keeps it open"):
                ResponseCache(path)
    finally:
        connection.close()


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    cache = ResponseCache(path)
    keys = [put(cache, f"question {n}" * 300) for n in range(50)]
    cache.close()
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    path.write_bytes(raw)
    with pytest.raises(StoreError, match="damaged; move it away"):
        broken = ResponseCache(path)
        for key in keys:
            broken.get(key)
