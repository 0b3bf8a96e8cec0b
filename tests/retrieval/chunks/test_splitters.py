"""Splitters: chunks re-join to the document, keep to their size, and cut where they say."""

from __future__ import annotations

from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError, UnknownName
from workbench.records import Context, Document
from workbench.retrieval.chunks.splitters import SPLITTERS, Cut, cut
from workbench.text import count_tokens, encoding

PIECES = st.sampled_from(
    [
        *("One two.", "Three?", "\n\n", "\n", "# Head\n", "## Sub\n\n", "```\n# no\n```\n", "日本。", "🙂", "x" * 30),
        *("def f(x):\n    return 1\n", "@a\nclass C:\n  def m(self): pass\n", "Dr. A said so. ", "wait... "),
        *("Title\n===\n", "# Head\r\n\r\n", "Four.\r\n", "````\n", "\r", "\t", "\u3000", "e\u0301", "\0", "~~~\n"),
        *("int f(int x) {\n}\n", "// why\n", "👩‍👩‍👧‍👦🇩🇪", "\ud83d"),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)
TILING = [name for name in SPLITTERS if name not in ("sentence", "single")]


def made(text: str, splitter: str, size: int = 20, overlap: int = 0) -> Cut:
    return cut(Context((Document("d", text),)), splitter, chunk_tokens=size, overlap=overlap, count=count_tokens)


def texts(text: str, splitter: str, size: int = 20, overlap: int = 0) -> list[str]:
    return [chunk.text for chunk in made(text, splitter, size, overlap).chunks]


@pytest.mark.parametrize("splitter", TILING)
@settings(max_examples=25, deadline=None)
@given(text=TEXTS, size=st.integers(1, 30))
def test_chunks_rejoin_to_the_document(splitter: str, text: str, size: int) -> None:
    found = made(text, splitter, size)
    assert "".join(chunk.text for chunk in found.chunks) == text
    assert all(chunk.text for chunk in found.chunks)
    if splitter not in ("words", "window", "tokens"):  # tokens of a part may differ from a part of the tokens
        assert all(count_tokens(chunk.text) <= size or len(chunk.text) == 1 for chunk in found.chunks)


HOSTILE = {
    "nothing": "",
    "white space": " \t\r\n\u3000\n" * 50,
    "Windows lines": "# Head\r\n\r\nOne two. Three.\r\n\r\n```\r\n# no\r\n```\r\n\r\nTwo\r\n---\r\nMore.\r\n" * 10,
    "no spaces": "abcdefghij" * 2_000,
    "no spaces, no Latin": "漢字文書。" * 2_000,
    "emoji": "👩‍👩‍👧‍👦🇩🇪🙂" * 300,
    "one line": "It is so, and so. " * 15_000,
    "one line of words": "word " * 30_000,
    "one line of code": "f (a, b) " * 20_000,
    "new lines": "\n" * 100_000,
    "blanks": "\t" * 50_000 + "x",
    "blanks that overflow tiktoken": " " * 600_000,
    "many functions": "def f(x):\n    return x\n\n" * 3_000,
    "headings": "a\n---\n" * 10_000,
    "fences": "````md\n```\n# a\n```\n````\n# b\n" * 500,
    "unclosed fence": "# a\n```\n# b\n" + "c\n" * 1_000,
    "brackets": "(" * 20_000,
}


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_a_hostile_document_is_cut_without_loss(text: str, splitter: str) -> None:
    joined = "".join(texts(text, splitter, 256))
    if splitter in TILING:
        assert joined == text
    else:  # these leave out white space between chunks
        assert "".join(joined.split()) == "".join(text.split())


@pytest.mark.parametrize("splitter", SPLITTERS)
@settings(max_examples=10, deadline=None)
@given(text=TEXTS, overlap=st.integers(0, 9))
def test_overlapping_chunks_advance_and_leave_out_white_space_only(splitter: str, text: str, overlap: int) -> None:
    found = list(made(text, splitter, 12, overlap).chunks)
    covered = 0
    for chunk in found:
        assert text[chunk.start : chunk.end] == chunk.text
        assert not text[covered : chunk.start].strip()
        covered = max(covered, chunk.end)
    assert not text[covered:].strip()
    # a chunk may hold the one before it whole: llama-index's, when the overlap is nearly a chunk
    assert all(
        (a.start, a.end) != (b.start, b.end) and a.start <= b.start and a.end <= b.end for a, b in pairwise(found)
    )


def test_tokens_are_cut_at_exact_counts() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    chunks = texts(text, "tokens", 16, 4)
    ids = encoding().encode_ordinary(text)
    assert [encoding().decode(ids[i : i + 16]) for i in range(0, len(ids) - 4, 12)] == chunks


def test_words_are_counted_as_white_space_separates_them() -> None:
    assert texts("a b  c\nd e", "words", 2) == ["a b  ", "c\nd ", "e"]
    assert texts("a b c d", "words", 3, 1) == ["a b c ", "c d"]


def test_paragraphs_stay_whole_and_long_ones_are_cut_at_sentences() -> None:
    text = "Short one.\n\nAlso short.\n\n" + "This sentence has six words here. " * 3
    assert texts(text, "paragraphs", 12) == [
        "Short one.\n\nAlso short.\n\n",
        "This sentence has six words here. ",
        "This sentence has six words here. ",
        "This sentence has six words here. ",
    ]


def test_markdown_is_cut_at_headings_but_not_in_code() -> None:
    text = "Intro.\n\n# One\n\n## Deep\n\nText.\n\n```\n# a comment\n```\n\nTwo\n---\n\nMore.\n"
    assert texts(text, "markdown", 100) == [
        "Intro.\n\n",
        "# One\n\n## Deep\n\nText.\n\n```\n# a comment\n```\n\n",
        "Two\n---\n\nMore.\n",
    ]


def test_only_a_fence_as_long_closes_a_fence_and_an_unclosed_one_runs_to_the_end() -> None:
    text = "# A\n````md\n```\n# no\n```\n# no\n````\n## B\n   ~~~\n```\n# no\n~~~\n# C\n``` `x`\n"
    text += "# D\n```\n# no\n``` no\n# no\n"
    heads = ["# A", "## B", "# C", "# D"]
    assert [chunk.splitlines()[0] for chunk in texts(text, "markdown", 100)] == heads
    assert [chunk.splitlines()[0] for chunk in texts(text.replace("\n", "\r\n"), "markdown", 100)] == heads


def test_paragraphs_of_windows_files_are_paragraphs() -> None:
    assert texts("One.\r\n\r\nTwo.\r\n \r\nThree.", "paragraphs", 3) == ["One.\r\n\r\n", "Two.\r\n \r\n", "Three."]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("package m\n\nfunc (s *S) Serve() error {\n}\n\nfunc main() {\n}\n", ["package m", "func (s", "func main"]),
        ("use a;\nimpl F for B {\n    fn g(&self) {}\n}\npub(crate) fn h() {\n}\n", ["use", "impl", "    fn", "pub"]),
        ("#include <a.h>\nstatic int *f(int a)\n{\n  if (a) {\n  }\n  return g(a);\n}\n", ["#include", "static"]),
        (
            "class A {\n    int x;\n\n    /** Why.\n     */\n    @Override\n    int f() {\n    }\n}\n",
            ["class", "    /**"],
        ),
        (
            "const a = 5;\nconst f = async (x) => {\n  g(x);\n};\nlet h = function () {\n};\n",
            ["const a", "const f", "let h"],
        ),
        ("fun main() {\n}\n\nsuspend fun f(): Int = 1\n", ["fun", "suspend"]),
        ("class A\n  def x(a)\n    1\n  end\nend\n", ["class", "  def"]),
    ],
    ids=["Go", "Rust", "C", "Java", "JavaScript", "Kotlin", "Ruby"],
)
def test_definitions_of_other_languages_begin_chunks(text: str, begins: list[str]) -> None:
    for written in (text, text.replace("\n", "\r\n")):
        chunks = texts(written, "code", 100)
        assert len(chunks) == len(begins)
        assert all(chunk.startswith(begin) for chunk, begin in zip(chunks, begins, strict=True))


def test_code_is_cut_by_function() -> None:
    text = "import a\n\n@cache\ndef f():\n    return 1\n\nclass C:\n    x = 1\n\n    def m(self):\n        pass\n"
    assert texts(text, "code", 100) == [
        "import a\n\n",
        "@cache\ndef f():\n    return 1\n\n",
        "class C:\n    x = 1\n\n",
        "    def m(self):\n        pass\n",
    ]
    script = "const a = 1;\nfunction f(x) {\n  if (x) {\n    g(x);\n  }\n}\nexport async function g(y) {\n}\n"
    assert texts(script, "code", 100) == [
        "const a = 1;\n",
        "function f(x) {\n  if (x) {\n    g(x);\n  }\n}\n",
        "export async function g(y) {\n}\n",
    ]


def test_semantic_cuts_where_the_topic_turns() -> None:
    ships = "The ship sailed north. The ship carried corn. The ship met ice. "
    wool = "Sheep give wool. Wool is spun from sheep. Sheep eat grass. "
    assert any(chunk.startswith(("Sheep", "Wool")) for chunk in texts(ships + wool, "semantic:80", 200)[1:])
    assert len(texts(ships + wool, "semantic:80", 200)) == 2


@settings(max_examples=25, deadline=None)
@given(number=st.integers(1, 12), seed=st.integers(0, 99), percentile=st.sampled_from([50, 80, 95]))
def test_semantic_chunks_are_llama_indexs(number: int, seed: int, percentile: int) -> None:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.node_parser import SemanticSplitterNodeParser
    from llama_index.core.schema import Document as LlamaDocument

    from workbench.retrieval.embedders.llama_index import LlamaEmbedder
    from workbench.text import sentence_tiles

    class Counted(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            values: list[float] = (
                np.random.default_rng(crc32(f"{seed} {text.strip()}".encode())).normal(size=5).tolist()
            )
            return values

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    text = "".join(f"Sentence {place} is so. " for place in range(number))
    parser = SemanticSplitterNodeParser(
        buffer_size=1,
        breakpoint_percentile_threshold=percentile,
        embed_model=Counted(),
        sentence_splitter=sentence_tiles,
    )
    theirs = [node.text.strip() for node in parser.get_nodes_from_documents([LlamaDocument(text=text)])]
    context = Context((Document("d", text),))
    found = cut(
        context, f"semantic:{percentile}", chunk_tokens=10_000, count=count_tokens, embedder=LlamaEmbedder(Counted())
    )
    assert [chunk.text.strip() for chunk in found.chunks] == theirs


def test_a_window_is_searched_by_sentence_and_read_with_its_neighbours() -> None:
    found = made("One a. Two b. Three c. Four d.", "window:1")
    assert found.reads is not None
    assert [c.text for c in found.chunks] == ["One a. ", "Two b. ", "Three c. ", "Four d."]
    assert found.reads[0].text == "One a. Two b. "
    assert found.reads[2].text == "Two b. Three c. Four d."


def test_children_lie_in_their_parents() -> None:
    found = made("Some words stand here. " * 30, "hierarchical:10", 40)
    assert found.reads is not None
    for child, parent in zip(found.chunks, found.reads, strict=True):
        assert parent.start <= child.start < child.end <= parent.end
        assert count_tokens(child.text) <= 10 and count_tokens(parent.text) <= 40
    assert len(set(found.reads)) < len(found.chunks) / 2


def test_a_splitter_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(UnknownName, match="markdown"):
        made("a", "sentense")
    with pytest.raises(InputError, match="window:3"):
        made("a", "window:many")
    with pytest.raises(InputError, match="not at hand"):
        made("a", "tokens:klingon")
