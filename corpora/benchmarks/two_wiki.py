"""2WikiMultihopQA (Ho et al., COLING 2020, arXiv 2011.01060): two-hop questions with their chains of facts."""

from __future__ import annotations

from typing import Literal

from corpora.benchmarks import hotpotqa
from corpora.benchmarks.hub import Source, files_of
from workbench.records import Corpus

SOURCE = Source("two_wiki", "xanhho/2WikiMultihopQA", ("dev.json", "*.zip"))


def load(
    *,
    path: str | None = None,
    context: Literal["pooled", "own"] = "own",
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """2WikiMultihopQA: two-hop questions in HotpotQA's file format; the supporting sentences are the evidence.

    `context: own` asks each question about its own ten paragraphs, `pooled` about all paragraphs together. Raises
    InputError.
    """
    folder = files_of(SOURCE, path, revision)
    return hotpotqa.read(
        folder, name="two-wiki", context=context, limit=limit, source=SOURCE.page, licence="Apache-2.0"
    )  # fmt: skip
