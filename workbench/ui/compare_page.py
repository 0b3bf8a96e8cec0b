"""The Compare page: the leaderboard, accuracy against cost and latency, and where each method is good."""

from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis import leaderboard, plots
from workbench.analysis.labels import GROUP, labels_of
from workbench.errors import InputError
from workbench.ui import frame

OWN = "each question's own metric"
SHOWN = 4  # pairs of corpus and model that are shown by default
COSTS = {
    "own": "the run's own cost: with nothing cached but what its own earlier calls would have left; ranks and plots",
    "paid": "as it was billed, failed attempts included; depends on what was asked before",
    "cold": "if nothing had been cached",
}
TOLD_WHEN_THERE = (
    *("failed", "index_usd", "cached_share", "first_token_p50_s", "retries", "retry_usd", "reasks"),
    *("reasoning_per_question", "unloaded_p50_s", "concurrency"),
)

st.title("Retrieve, or read everything?")
log = frame.reader()
left, right = st.columns(2)
by = left.selectbox("Break down by", labels_of(frame.questions_of(log)), key="by")
scored = log.sql("SELECT DISTINCT metric FROM scores ORDER BY metric")["metric"]
metric = right.selectbox("Score by", [None, *scored], format_func=lambda name: name or OWN, key="metric")
try:
    compared = frame.compared(log, by, metric)
except InputError as error:
    st.info(str(error))
    st.stop()

groups = [f"{corpus} · {model}" for (corpus, model), _ in compared.table.groupby(GROUP, sort=False)]
if len(groups) > SHOWN:
    groups = st.multiselect(f"Corpora and models ({len(groups)} in all)", groups, groups[:SHOWN], key="groups")
for (corpus, model), table in compared.table.groupby(GROUP, sort=False):
    if f"{corpus} · {model}" not in groups:
        continue
    st.subheader(frame.plain(f"{corpus} · {model}"))
    st.caption(
        f"{int(table['n'].max())} questions of {int(table['contexts'].max())} contexts; 95 % intervals clustered by "
        f"context; baseline: {compared.baseline}, paired tests with Holm correction. ↻: times and costs replayed from "
        "an earlier call."
    )
    shown = table.assign(
        accuracy=[
            f"{mean:.3f} [{low:.3f}, {high:.3f}]"
            for mean, low, high in zip(table["accuracy"], table["low"], table["high"], strict=True)
        ],
        against=[
            "" if pd.isna(difference) else f"{difference:+.3f} ({'p<0.001' if p < 0.001 else f'p={p:.3f}'})"
            for difference, p in zip(table["difference"], table["p_holm"], strict=True)
        ],
        tokens_per_question=table["tokens_per_question"].astype(float).round(),
        ended=[leaderboard.unusual_ends(ended) for ended in table["ended"]],
        replay=["↻" if replayed else "" for replayed in table["replayed"]],
    )
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "pipeline": "pipeline",
        "n": number("n", help="questions"),
        "failed": number("failed", help="questions that ended without an answer; they count as 0 and stay in n"),
        "accuracy": "accuracy [95 %]",
        "against": st.column_config.TextColumn("vs baseline", help="difference, with Holm-corrected paired p"),
        "ended": st.column_config.TextColumn("ended", help="answers that are empty, cut, withheld, refused or broken"),
        "usd_per_question": number("USD/question", format="%.6f", help=COSTS["own"]),
        "usd_per_question_paid": number("paid", format="%.6f", help=COSTS["paid"]),
        "usd_per_question_cold": number("cold", format="%.6f", help=COSTS["cold"]),
        "index_usd": number("index USD", format="%.4f", help="calls of the index stage, all contexts together"),
        "latency_p50_s": number("p50 s", format="%.3f", help="critical path of an answer's calls, median"),
        "latency_p95_s": number("p95 s", format="%.3f", help="critical path of an answer's calls, 95th percentile"),
        "first_token_p50_s": number("first token s", format="%.3f", help="until the answer's first token, median"),
        "concurrency": number("in flight", format="%.1f", help="calls at a time while these seconds were measured"),
        "unloaded_p50_s": number(
            "one at a time s", format="%.3f", help="median of the questions asked once more, alone"
        ),
        "replay": st.column_config.TextColumn("↻", width=40, help="times and costs replayed from an earlier call"),
        "tokens_per_question": number("tokens/q.", format="localized", help="prompt and reply tokens a question"),
        "reasoning_per_question": number("thoughts/q.", format="localized", help="those of them that are thoughts"),
        "cached_share": number("cached", format="percent", help="share of prompt tokens that the server had cached"),
        "retries": number("retries", help="attempts that failed, those of the index included"),
        "retry_usd": number("retries USD", format="%.4f", help="what they cost; part of the other costs"),
        "reasks": number("re-asks", help="calls that asked again for a reply of the right shape"),
        "truncated_share": number("truncated", format="percent", help="share of questions whose context was cut"),
        "evidence_coverage": number("evidence", format="percent", help="share of gold characters in the prompts"),
    }
    silent = [name for name in TOLD_WHEN_THERE if not (shown[name].astype(float) > 0).any()]
    silent += [] if (shown["ended"] != "").any() else ["ended"]
    silent += [] if leaderboard.costs_known(table) else ["usd_per_question_paid", "usd_per_question_cold"]
    silent += [] if table["replayed"].any() else ["replay"]
    shown_columns = [name for name in columns if name not in silent]
    st.dataframe(shown[shown_columns], column_config=columns, hide_index=True, width="stretch")
    left, right = st.columns(2)
    left.altair_chart(plots.accuracy_against(table, "usd_per_question"), width="stretch")
    right.altair_chart(plots.accuracy_against(table, "latency_p50_s"), width="stretch")
    header, rows = leaderboard.amortised_cells(table, compared.baseline)
    if rows:
        st.markdown("**Cost with the index, by questions per context**")
        st.caption(
            "An index is paid once per context. The dearer it is, the more questions it takes to pay for itself; "
            f"costs of a question are the mean of n = {int(table['n'].max())}."
        )
        chart, told = st.columns(2)
        chart.altair_chart(plots.amortised_cost(table), width="stretch")
        even = pd.DataFrame([(row[0], row[-1]) for row in rows], columns=["pipeline", header[-1]])
        told.dataframe(even, hide_index=True, width="stretch")
    part = compared.tasks[(compared.tasks["corpus"] == corpus) & (compared.tasks["model"] == model)]
    if part["label"].nunique() > 1:
        st.markdown(f"**Accuracy by {by}**")
        st.altair_chart(plots.accuracy_by_label(part))

gap = frame.gap_of(log)
if len(gap[gap["n"] > 0]):
    st.subheader("Was the evidence found, and the answer right?")
    st.caption(
        "Questions with gold evidence, by runs that retrieve. Found: each gold span is touched by a chunk read; "
        "right: a score of at least 0.5. Found and wrong is the reader's loss, missed and wrong the retriever's."
    )
    st.dataframe(
        gap[gap["n"] > 0],
        column_config={
            "n": "n (questions)",
            "found_right": "found, right (n)",
            "found_wrong": "found, wrong (n)",
            "missed_right": "missed, right (n)",
            "missed_wrong": "missed, wrong (n)",
            "evidence_found": st.column_config.NumberColumn("found (share)", format="percent"),
            "accuracy_found": st.column_config.NumberColumn("right where found (share)", format="percent"),
            "accuracy_missed": st.column_config.NumberColumn("right where missed (share)", format="percent"),
            "no_evidence": "without gold evidence (n)",
            "unscored": "unscored (n)",
        },
        hide_index=True,
        width="stretch",
    )

if compared.verdicts:
    st.subheader("Verdicts")
    st.markdown("\n".join(f"- {frame.plain(line)}" for line in compared.verdicts))
for note in compared.notes:
    st.caption(frame.plain(f"note: {note}"))
frame.reader_notice(list(compared.table["model"]))
