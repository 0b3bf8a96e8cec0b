"""Benchmarks' figures of a whole run: by their formulas, on small tables, and in what `compare` and `report` show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.analysis import figures
from workbench.analysis.benchmark_figures import nolima, ruler
from workbench.analysis.compare import compare
from workbench.analysis.report import report

Row = tuple[str, dict[str, Any], float]


def figured(corpus: str, rows: Sequence[Row], scores: pd.DataFrame | None = None) -> dict[str, float | None]:
    """The figures of answers given as (task, metadata, value)."""
    frame = pd.DataFrame(
        [
            {"question_id": f"q{i}", "task": t, "metadata": m, "value": v, "text": "x"}
            for i, (t, m, v) in enumerate(rows)
        ]
    )
    return {figure.name: figure.value for figure in figures.benchmark_figures(corpus, frame, scores)}


def scored(metric: str, *values: float | None) -> pd.DataFrame:
    """A run's scores by a metric, question by question."""
    return pd.DataFrame([{"question_id": f"q{i}", "metric": metric, "value": v} for i, v in enumerate(values)])


def test_ruler_s_averages_weigh_tasks_alike_and_lengths_as_asked() -> None:
    rows: list[Row] = []
    for length, means in ((4_096, (1.0, 0.9)), (8_192, (0.8, 0.7))):
        rows += [("vt", {"length": length}, means[0])] * 3 + [("cwe", {"length": length}, means[1])]
    found = figured("ruler", rows)
    assert found == pytest.approx(
        {
            "average at 4,096, 2 of 13 tasks": 95.0, "average at 8,192, 2 of 13 tasks": 75.0, "Avg": 85.0,
            "wAvg (inc)": (95 + 2 * 75) / 3, "wAvg (dec)": (2 * 95 + 75) / 3,
            "effective length (85.6 or more)": 4_096, "nulls (empty answers)": 0,
        }
    )  # fmt: skip


def test_ruler_s_formulas() -> None:
    assert ruler.weighted_average([1, 2, 3], increasing=True) == pytest.approx(14 / 6)
    assert ruler.weighted_average([1, 2, 3], increasing=False) == pytest.approx(10 / 6)
    assert ruler.effective_length({4096: 99.0, 8192: 85.6, 16384: 85.5}) == 8192
    assert ruler.effective_length({4096: 10.0}) is None


def test_nolima_s_base_score_and_effective_length() -> None:
    base = nolima.base_score({250: [0.9, 0.5], 500: [0.8, 1.0], 1000: [0.7, 0.6], 2000: [1.0, 1.0]})
    assert base == pytest.approx((0.9 + 1.0) / 2)
    assert nolima.effective_length({1000: 0.9, 2000: 0.81, 4000: 0.80}, base or 0.0) == 2000  # 0.8075
    assert nolima.effective_length({1000: 0.1}, base or 0.0) is None
    assert nolima.base_score({4000: [1.0]}) is None
    rows: list[Row] = [
        ("onehop", {"length": length, "needle_pair": pair}, value)
        for length, values in ((250, (1.0, 0.0)), (1_000, (0.0, 1.0)), (8_000, (1.0, 1.0)), (16_000, (0.0, 0.0)))
        for pair, value in zip("ab", values, strict=True)
    ]
    found = figured("nolima", [*rows, ("direct", {"length": 250, "needle_pair": "a"}, 0.0)])
    assert found["base score"] == 100.0  # the best length of each pair
    assert found["effective length (0.85 of the base)"] == 8_000
    assert found["score at 1,000"] == 50.0
    nothing = figured("nolima", [(task, metadata, 0.0) for task, metadata, _ in rows])
    assert nothing["effective length (0.85 of the base)"] is None  # no length is 0.85 of nothing


def test_longbench_s_groups_and_languages() -> None:
    rows: list[Row] = [
        ("hotpotqa", {"language": "en", "bucket": "0-4k"}, 1.0), ("hotpotqa", {"language": "en", "bucket": "8k+"}, 0.0),
        ("musique", {"language": "en", "bucket": "8k+"}, 1.0), ("lcc", {"language": "en", "bucket": "0-4k"}, 0.25),
        ("dureader", {"language": "zh", "bucket": "8k+"}, 0.0),
    ]  # fmt: skip
    found = figured("longbench", rows)
    assert found["all: multi-document QA"] == 50.0 and found["English: multi-document QA"] == 75.0
    assert found["English: mean of 2 task groups"] == 50.0 and found["Chinese: multi-document QA"] == 0.0
    assert figured("longbench-e", rows) == {
        "0-4k, mean over tasks": 62.5,
        "8k+, mean over tasks": pytest.approx(100 / 3),
    }
    two = [
        ("law", {"difficulty": "easy", "length": "long"}, 1.0),
        ("law", {"difficulty": "hard", "length": "long"}, 0.0),
    ]
    assert figured("longbench-v2", two) == {"Overall": 50.0, "Easy": 100.0, "Hard": 0.0, "Long": 50.0}


def test_pairs_count_when_both_are_right() -> None:
    rows: list[Row] = [
        ("claim", {"pair": pair}, value)
        for pair, values in {"a": (1.0, 1.0), "b": (1.0, 0.0), "c": (1.0,)}.items()
        for value in values
    ]
    assert figured("nocha", rows) == {"pairs with both claims right": 50.0}  # of c one claim was not asked


def test_types_categories_needles_and_masks() -> None:
    memory: list[Row] = [("one", {}, 1.0), ("one", {"abstention": True}, 0.0), ("two", {}, 1.0)]
    assert figured("longmemeval-s", memory) == {
        "overall": pytest.approx(200 / 3), "mean of 2 types": 75.0, "abstention": 0.0
    }  # fmt: skip
    talk: list[Row] = [("temporal", {}, 1.0), ("adversarial", {}, 0.0)]
    assert figured("locomo", talk) == {"overall": 50.0, "without the adversarial ones": 100.0}
    chain: list[Row] = [("eldest", {"needles": n}, v) for n, v in ((2, 1.0), (4, 0.61), (8, 0.55), (16, 1.0))]
    found = figured("ancestral_trace", chain)
    assert (found["ENL-60"], found["ENL-50"]) == (4, 16)
    ranks: list[Row] = [("json_kv", {}, 1.0), ("ruler", {}, 0.0), ("alce_asqa", {}, 1.0)]
    assert figured("helmet", ranks) == {"recall": 50.0, "cite": 100.0, "mean of 2 of 7 categories": 75.0}
    masked: list[Row] = [
        ("shortdep_cloze", {"masks": dict.fromkeys(masks, "x")}, value) for masks, value in (("a", 1.0), ("bcd", 0.0))
    ]
    assert figured("loogle", masked, scored("loogle_cloze", 1.0, 0.0)) == {"cloze, exact match over masks": 25.0}
    assert figured("loong", [("x", {}, 0.0)] * 3, scored("judge:loong:m", 1.0, 0.5, None)) == {
        "judge:loong:m: avg score": 75.0, "judge:loong:m: perfect rate": 50.0,
        "judge:loong:m: scoring success rate": pytest.approx(200 / 3),
    }  # fmt: skip
    stories: list[Row] = [(task, {"length": 4_000}, v) for task, v in (("qa1", 1.0), ("qa2", 0.5), ("qa7", 0.0))]
    assert figured("babilong", stories) == {"2 of qa1-qa5 at 4,000": 75.0}
    assert figured("world-4k", talk) == {} and figured("ruler", []) == {}


def test_compare_and_report_show_the_figures(tmp_path: Path) -> None:
    experiment = {
        "name": "figures", "database": str(tmp_path / "log.duckdb"), "models": ["extractive"],
        "corpora": [{"ruler": {"tokens": [1_500, 3_000], "tasks": ["niah_single_1", "vt"], "samples": 1}}],
        "pipelines": ["chunk_rag", "closed_book"],
    }  # fmt: skip
    compared = compare(wb.run(experiment, progress=False).database)
    assert set(compared.figures["pipeline"]) == {"chunk_rag", "closed_book"}
    told = compared.format()
    assert "benchmark's figures" in told and "average at 3,000, 2 of 13 tasks (%, n=2)" in told and "wAvg (inc)" in told
    assert '"figure": "Avg"' in compared.format("json")
    assert "The benchmark&#x27;s own figures" in report(compared) or "The benchmark's own figures" in report(compared)
