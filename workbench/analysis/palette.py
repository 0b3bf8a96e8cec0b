"""The colours of pipelines: a pipeline has the same one in all charts of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

PALETTE = (  # Tableau's, without its pale ones: each can be told on white, and read as text
    *("#4e79a7", "#d1495b", "#2a8c82", "#b07c10", "#7b5ea7", "#5a8f3c", "#c0612b", "#8c5a4a", "#3f6fd1", "#a83f87"),
    *("#5f6b7a", "#178a9c"),
)


def colour_scale(pipelines: Iterable[str], shown: Collection[str] | None = None) -> Any:
    """An Altair scale from pipeline to colour, which goes by its place among `pipelines`; of all of them, or of those
    `shown` in one chart. Colours repeat after twelve pipelines."""
    import altair as alt

    of = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(dict.fromkeys(pipelines))}
    names = [name for name in of if shown is None or name in shown]
    return alt.Scale(domain=names, range=[of[name] for name in names])
