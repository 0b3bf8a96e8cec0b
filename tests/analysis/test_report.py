"""The report: one file with the comparison's own figures; nothing in it runs or loads."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.analysis.compare import compare
from workbench.analysis.report import report, scatter
from workbench.cli.main import main


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("line", "circle"):
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_has_the_comparison_s_figures_and_loads_nothing(demo_database: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report.html"
    assert main(["report", str(demo_database), "-o", str(out)]) == 0
    page = Tags(out.read_text())
    compared = compare(demo_database)
    for _, row in compared.table.iterrows():
        assert f"{row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in page.text
    assert all(line in page.text for line in compared.verdicts)
    assert {tag for tag, _ in page.seen}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not any(name in ("src", "href") or name.startswith("on") for _, attrs in page.seen for name in attrs)
    circles = sum(tag == "circle" for tag, _ in page.seen)
    assert circles == 3 * len(compared.table)  # against cost, latency and tokens
    assert not page.open
    drawn = [attrs for tag, attrs in page.seen if tag == "circle"]
    assert {attrs["stroke"] for attrs in drawn} == {"#2463b5", "#8292a6"}
    assert all(attrs["fill"] == "white" for attrs in drawn if attrs["stroke"] == "#8292a6")  # no control is on a front


def test_names_stay_on_the_chart_and_off_points(demo_database: Path) -> None:
    table = compare(demo_database).table.assign(
        pipeline=lambda t: [f"a pipeline of a long name {i}" for i in range(len(t))]
    )
    texts = re.findall(
        r'<text x="([\d.]+)"( text-anchor="end")? y="([\d.]+)" font-size="11">a pip',
        scatter(table, "usd_per_question", "c"),
    )
    circles = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', scatter(table, "usd_per_question", "c"))
    assert len(texts) == len(circles) == len(table)
    for x, to_the_left, y in texts:
        left = float(x) - 6.2 * 27 if to_the_left else float(x)
        assert left >= 0 and left + 6.2 * 27 <= 560
        for cx, cy in circles:
            inside = left < float(cx) < left + 6.2 * 27 and float(y) - 11 < float(cy) < float(y)
            assert not inside or float(y) <= 36  # at the top there is no place left


def test_what_a_log_holds_is_shown_and_not_run(demo_database: Path) -> None:
    compared = compare(demo_database)
    evil = "<script>alert(1)</script>"
    table = compared.table.assign(pipeline=evil, corpus=evil)
    tasks = compared.tasks.assign(corpus=evil)
    page = report(replace(compared, table=table, tasks=tasks, notes=(evil,)), experiments=[{"name": evil}])
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_notebook_shows_tables_and_words_and_no_script(demo_database: Path) -> None:
    compared = compare(demo_database)
    shown = replace(compared, notes=("<script>",))._repr_html_()
    assert shown.count("<table>") == 2 and "<script" not in shown and "&lt;script&gt;" in shown
    assert str(compared) == compared.format("table")


def test_without_prices_there_is_no_chart(demo_database: Path) -> None:
    table = compare(demo_database).table.assign(usd_per_question=0.0)
    assert scatter(table, "usd_per_question", "cost") == ""


def test_a_log_that_is_empty_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none.duckdb")]) == 2
    assert re.search("no such file", capsys.readouterr().err)
