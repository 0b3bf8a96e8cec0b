"""LongBench: averages of its task groups by language; LongBench-E by length, LongBench v2 by difficulty and length."""

from __future__ import annotations

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, label, percent, percent_over_tasks

GROUPS = {
    "single-document QA": ("narrativeqa", "qasper", "multifieldqa_en", "multifieldqa_zh"),
    "multi-document QA": ("hotpotqa", "2wikimqa", "musique", "dureader"),
    "summarisation": ("gov_report", "qmsum", "multi_news", "vcsum"),
    "few-shot": ("trec", "triviaqa", "samsum", "lsht"),
    "synthetic": ("passage_count", "passage_retrieval_en", "passage_retrieval_zh"),
    "code": ("lcc", "repobench-p"),
}


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """Means of task groups and of all groups: of all questions, and by language where there are several."""
    found = []
    language = label(rows, "language")
    for told, part in (("all", rows), ("English", rows[language == "en"]), ("Chinese", rows[language == "zh"])):
        if part.empty or (told != "all" and len(part) == len(rows)):
            continue
        means = []
        for group, tasks in GROUPS.items():
            members = part[part["task"].isin(tasks)]
            if len(members):
                means.append(percent_over_tasks(members))
                found.append(Figure(f"{told}: {group}", means[-1], len(members)))
        if len(means) > 1:
            found.append(Figure(f"{told}: mean of {len(means)} task groups", sum(means) / len(means), len(part)))
    return found


def figures_by_length(rows: Rows, scores: Rows) -> list[Figure]:
    """LongBench-E: the mean over tasks for each range of lengths."""
    return [
        Figure(f"{bucket}, mean over tasks", percent_over_tasks(part), len(part))
        for bucket, part in by_label(rows, "bucket")
    ]


def figures_of_v2(rows: Rows, scores: Rows) -> list[Figure]:
    """LongBench v2: overall accuracy, by difficulty and by length."""
    found = [Figure("Overall", percent(rows), len(rows))]
    for name, values in (("difficulty", ("easy", "hard")), ("length", ("short", "medium", "long"))):
        parts = dict(by_label(rows, name))
        found += [Figure(v.capitalize(), percent(parts[v]), len(parts[v])) for v in values if v in parts]
    return found
