"""NoCha (Karpinska et al., EMNLP 2024, arXiv 2406.16264): pairs of a true and a false claim about a novel.

Officially a pair counts when the model judges both claims right; the claims of a pair share the label `pair`.
"""

from __future__ import annotations

from corpora.benchmarks.fields import FILLED, FLAG, GOLD
from corpora.benchmarks.raw import assembled, folder_of, read_table, read_text
from workbench.records import Context, Corpus, Document, Question

_SOURCE = "https://github.com/marzenakrp/nocha (the public sample)"
_ASK = (
    "Decide whether the claim about the book is true or false; it is true only if every part of it is. Answer with "
    "TRUE or FALSE alone.\nClaim: {claim}"
)


def load(*, path: str | None = None, limit: int | None = None) -> Corpus:
    """NoCha's public sample: 63 pairs of claims about four novels of 48k to 186k words; each novel is a context.

    `path`: a folder with `data_sample.json` and `books/TITLE.txt`. Raises InputError.
    """
    folder = folder_of(path, "nocha", _SOURCE)
    rows = read_table(folder / "data_sample.json", {"book_title": FILLED, "claim": FILLED, "type": FLAG, "index": GOLD})
    contexts: dict[str, Context] = {}
    questions = []
    for row in rows:
        title = row["book_title"]
        if title not in contexts:
            contexts[title] = Context((Document(title, read_text(folder / "books" / f"{title}.txt"), title),))
        labels = {"pair": f"{title}-{row['index']}", "genre": row.get("genre", ""), "words": row.get("length", 0)}
        questions.append(
            Question(
                f"nocha-{title}-{row['index']}-{str(row['type']).lower()}", _ASK.format(claim=row["claim"]),
                contexts[title].context_id, (str(row["type"]).upper(),), (), (), "claim",
                ("nocha", "exact_match"), labels,
            )
        )  # fmt: skip
    return assembled(
        "nocha",
        list(contexts.values()),
        questions,
        limit=limit,
        version="e796c15, 2",
        provenance=_SOURCE,
        licence="MIT",
    )
