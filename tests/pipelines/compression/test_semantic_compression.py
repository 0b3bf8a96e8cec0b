from __future__ import annotations

import re

import numpy as np

from pipelines.compression.semantic_compression import SemanticCompression, topics
from tests.pipelines.conftest import run, spread, story

SHEEP = story(100)
BOATS = " ".join(f"The boat {i} carries {i} barrels of salted fish over the sea." for i in range(100))


def shorter(prompt: str) -> str:
    return "SHORT " + " ".join(re.findall(r"(?:Person|boat) \d+", prompt)[:2])


def test_what_fits_is_read_as_it_is() -> None:
    ran = run(SemanticCompression(), story(20), {"read": "21"})
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    assert spread(story(20), ran.prompts("read")) == [1] * 20


def test_every_block_is_compressed_once_side_by_side_and_read_in_order() -> None:
    ran = run(SemanticCompression(), SHEEP + "\n\n" + BOATS, {"compress": shorter, "read": "21"}, window=2_048)
    n = ran.steps("build").count("compress")
    assert ran.steps("build") == ["compress"] * n
    assert ran.depth("build") == 1
    assert 6 <= n <= 14  # 2,700 tokens in packs of at most 512, no pack across topics
    assert spread(SHEEP, ran.prompts("compress")) == [1] * 100
    assert spread(BOATS, ran.prompts("compress")) == [1] * 100
    (read,) = ran.prompts("read")
    firsts = [re.search(r"(?:Person|boat) \d+", p).group() for p in ran.prompts("compress")]  # type: ignore[union-attr]
    places = [read.index(f"SHORT {first}") for first in firsts]
    assert places == sorted(places)


def test_packs_do_not_mix_topics() -> None:
    ran = run(SemanticCompression(), SHEEP + "\n\n" + BOATS, {"compress": shorter, "read": "21"}, window=2_048)
    mixed = [p for p in ran.prompts("compress") if "sheep" in p and "barrels" in p]
    assert len(mixed) <= 1  # the one block in which the text changes its topic


def test_it_compresses_again_while_it_does_not_fit() -> None:
    ran = run(SemanticCompression(rounds=2), story(600), {"compress": "word " * 80, "read": "x"}, window=1_024)
    assert ran.depth("build") == 2
    assert ran.depth() == 1


def test_an_empty_summary_keeps_its_source() -> None:
    ran = run(SemanticCompression(rounds=1), SHEEP, {"compress": " .", "read": "x"}, window=1_024)
    assert not ran.noted("empty_summaries")  # a full stop is a summary, if a poor one
    assert ran.steps() == ["read"]


def test_topics_partition_the_blocks_and_follow_the_similarities() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 1, 1]]
    assert topics(vectors, 3) == [[0, 1, 3], [2, 4, 5]]
    assert topics(np.zeros((3, 2), np.float32), 3) == [[0], [1], [2]]
