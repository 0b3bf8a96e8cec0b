from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

import pytest

from pipelines.agents.como_rag import ComoRag, window_width
from tests.pipelines.conftest import Ran, run, story
from workbench.errors import InputError
from workbench.text import count_tokens

TEXT = story(120)
SMALL: dict[str, Any] = {"chunk_tokens": 60}


def triples(prompt: str) -> str:
    facts = re.findall(r"(Person \d+) keeps (\d+ sheep)", prompt)
    return json.dumps({"triples": [{"subject": p, "relation": "keeps", "object": s} for p, s in facts]})


def script(tries: list[str], **changed: object) -> dict[str, Any]:
    numbers = count()
    return {
        "names": '{"entities": []}',
        "triples": triples,
        "summarise": lambda prompt: f"Theme {next(numbers)} about sheep.",
        "timeline": lambda prompt: f"Stretch {next(numbers)} with sheep.",
        "filter": '{"facts": []}',
        "cue": lambda prompt: f"CUE {next(numbers)}",
        "probe": lambda prompt: json.dumps({"probes": [f"Who is number {next(numbers)} of the sheep?"] * 1}),
        "fuse": "FUSED",
        "try": tries,
        **changed,
    }


def como(tries: list[str], window: int = 8_192, config: dict[str, Any] = SMALL, **changed: object) -> Ran:
    return run(ComoRag(**config), TEXT, script(tries, **changed), window=window)


def test_index_calls_are_graph_clusters_and_windows_side_by_side() -> None:
    ran = como(["21"])
    steps = ran.steps("build")
    n = len(ran.state.veridical.index.chunks)
    assert steps.count("names") == steps.count("triples") == n
    width = window_width(n)
    assert steps.count("timeline") == sum(len(range(i, min(i + width, n))) > 1 for i in range(0, n, width))
    assert steps.count("summarise") == len(ran.state.semantic) > 0
    layers = ran.depth("build")
    assert layers <= max(2, 5)


def test_an_answer_at_once_is_five_calls_three_in_sequence() -> None:
    ran = como(["21"])
    assert sorted(ran.steps()) == ["cue", "cue", "cue", "filter", "try"]
    assert ran.depth() == 3
    assert ran.noted("rounds") == [0]
    (prompt,) = ran.prompts("try")
    assert prompt.index("Text:") < prompt.index("Themes:") < prompt.index("Timeline:")
    assert "Person 3 keeps 21 sheep" in prompt and "CUE" not in prompt  # the first try reads the texts themselves
    assert ran.answer.hits


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("f", [1, 2])
def test_calls_and_critical_path_of_f_declined_tries_with_p_probes(f: int, p: int) -> None:
    numbers = count()

    def probes(prompt: str) -> str:
        return json.dumps({"probes": [f"What of sheep number {next(numbers)}?" for _ in range(p)]})

    ran = como(["unanswerable"] * f + ["21"], probe=probes)
    assert len(ran.steps()) == 4 + (f + 1) + f * (2 + 4 * p)
    assert ran.depth() == 3 + 5 * f
    assert ran.answer.text == "21"


def test_the_last_try_counts_even_when_it_declines() -> None:
    ran = como(["unanswerable"], config={**SMALL, "iterations": 2})
    assert ran.steps().count("try") == 3
    assert ran.answer.text == "unanswerable"


def test_later_tries_read_cues_and_history_not_texts() -> None:
    ran = como(["unanswerable", "21"])
    first, second = ran.prompts("try")
    assert "in the village of" in first
    assert "in the village of" not in second
    assert "CUE" in second and "Earlier findings:\nFUSED" in second


def test_fusion_sees_the_nearer_half_of_earlier_cues_only() -> None:
    ran = como(["unanswerable", "unanswerable", "21"])
    one, two = ran.prompts("fuse")
    earlier = [made.reply for made in ran.made if made.step == "cue"]
    assert one.count("CUE") == max(1, 3 // 2)
    assert two.count("CUE") == 6 // 2
    assert all(cue in earlier[:6] for cue in re.findall(r"CUE \d+", two))


def test_no_probe_is_searched_twice_and_none_is_noted() -> None:
    ran = como(["unanswerable", "unanswerable", "21"], probe='{"probes": ["Who keeps sheep?"]}')
    assert len(ran.noted("no_new_probe")) == 1
    assert sum("Who keeps sheep?" in prompt for prompt in ran.prompts("cue")) == 3
    assert "Who keeps sheep?" in ran.prompts("probe")[1]


def test_unparsable_probes_still_fuse() -> None:
    ran = como(["unanswerable", "21"], **{"probe": "hm", "probe:reask": "hm"})
    assert [step for step in ran.steps() if step in ("fuse", "try")] == ["try", "fuse", "try"]


def test_the_layers_keep_their_budgets_and_chunks_their_order() -> None:
    ran = como(["21"], config={**SMALL, "layer_tokens": (150, 40, 40)})
    (prompt,) = ran.prompts("try")
    text = prompt.partition("Text:\n")[2].partition("\n\nThemes:")[0]
    assert count_tokens(text) <= 150
    shown = [int(number) for number in re.findall(r"Person (\d+) keeps", text)]
    assert shown == sorted(shown)
    assert count_tokens(prompt.partition("Themes:\n")[2].partition("\n\nTimeline:")[0]) <= 40


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ComoRag(probes=0)


def test_empty_summaries_and_cues_are_noted() -> None:
    ran = como(["unanswerable", "21"], timeline="", cue="")
    assert ran.noted("empty_timelines") == [ran.steps("build").count("timeline")]
    assert all(text in TEXT.replace("\n", " ") for text in (part.split("\n")[0] for part in ran.state.episodic.texts))
    assert ran.noted("empty_cues") == [3, 3]
    assert "Finding 1" not in ran.prompts("fuse")[0]


def test_probes_and_the_graphs_replies_have_the_tokens_of_their_fields() -> None:
    steps = ("probe", "names", "triples", "filter")
    ran = como(["unanswerable", "21"])
    assert [ran.limits(step) for step in steps] == [{300}, {1_024}, {1_024}, {512}]
    ran = como(
        ["unanswerable", "21"], config={**SMALL, "probe_tokens": 800, "facts_tokens": 1_500, "filter_tokens": 900}
    )
    assert [ran.limits(step) for step in steps] == [{800}, {1_500}, {1_500}, {900}]


@pytest.mark.parametrize("field", ["probe_tokens", "facts_tokens", "filter_tokens"])
def test_a_reply_of_no_token_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=f"{field}: 0"):
        ComoRag(**{field: 0})  # type: ignore[arg-type]
