"""LongProc's HTML to TSV: extract the items of one category from a page as a table."""

from __future__ import annotations

import random

from corpora.synthetic.long_proc_tasks.lines import joined, spread
from corpora.synthetic.ruler_tasks.vocabulary import ADJECTIVES, NOUNS
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count, largest

_KINDS = ("garden", "kitchen", "office", "travel", "workshop")
_HTML = (
    "The text is the HTML of a shop's page. Extract every item of the category '{kind}' as a table of tab-separated "
    "values with the columns name, price and rating, in the order of the page, inside a code fence that begins with "
    "```tsv and ends with ```. The first line holds the column names."
)


def page(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """A shop's page with `steps` items of the asked category among items of others."""
    kind = draw.choice(_KINDS)
    others = [other for other in _KINDS if other != kind]
    seen: set[str] = set()

    def item(category: str) -> tuple[str, str]:
        while (name := f"{draw.choice(ADJECTIVES)} {draw.choice(NOUNS)} {draw.randint(100, 9999)}") in seen:
            pass
        seen.add(name)
        price, rating = f"{draw.randint(1, 400)}.{draw.randint(0, 99):02}", f"{draw.randint(10, 50) / 10}"
        html = (
            f'<div class="item" data-id="{len(seen)}"><h3>{name}</h3><span class="category">{category}</span>'
            f'<span class="price">{price}</span><p>Rated <b>{rating}</b> of 5 by {draw.randint(2, 900)} buyers</p>'
            "</div>"
        )
        return html, f"{name}\t{price}\t{rating}"

    wanted = [item(kind) for _ in range(steps)]
    places = sorted(draw.random() for _ in wanted)
    fillers: list[str] = []
    head, foot = '<html><body><nav><a href="/">Home</a> <a href="/cart">Cart</a></nav>', "</body></html>"

    def made(number: int) -> list[str]:
        while len(fillers) < number:
            fillers.append(item(draw.choice(others))[0])
        asked = [(place, html) for place, (html, _) in zip(places, wanted, strict=True)]
        return [head, *spread(asked, fillers[:number]), foot]

    guess = max(1, (length - 90 * steps) // 85)
    text, spans = joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess, floor=0))
    chosen = {html for html, _ in wanted}
    evidence = [span for span in spans if text[span[0] : span[1]] in chosen]
    gold = "name\tprice\trating\n" + "\n".join(row for _, row in wanted)
    question = _HTML.format(kind=kind)
    metrics = ("longproc_table",)
    return text, Asked(question, (f"```tsv\n{gold}\n```",), evidence, "html_to_tsv", metrics, labels={"steps": steps})
