"""Compare: the leaderboard, what accuracy costs in dollars and seconds, and where each method is good."""

from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis import plots
from workbench.analysis.compare import GROUP, compare
from workbench.analysis.leaderboard import amortised_cells
from workbench.analysis.retrieval_gap import retrieval_gap
from workbench.errors import InputError
from workbench.ui import frame

st.title("Retrieve, or read everything?")
log = frame.reader()
by = st.selectbox("Break down by", ["task", "hops", "depth", "scope", "diffusion"], key="by")
try:
    compared = compare(log, experiment=frame.experiment(), by=by)
except InputError as error:
    st.info(str(error))
    st.stop()

for (corpus, model), table in compared.table.groupby(GROUP, sort=False):
    st.subheader(f"{corpus} · {model}")
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
        replay=["↻" if replayed else "" for replayed in table["replayed"]],
    )
    columns: dict[str, Any] = {
        "pipeline": "pipeline",
        "n": "n (questions)",
        "failed": "failed (questions)",
        "accuracy": "accuracy [95 %]",
        "against": "difference to baseline",
        "usd_per_question": st.column_config.NumberColumn("cost (USD/question)", format="%.6f"),
        "index_usd": st.column_config.NumberColumn("index cost (USD)", format="%.4f"),
        "latency_p50_s": st.column_config.NumberColumn("latency p50 (s)", format="%.3f"),
        "latency_p95_s": st.column_config.NumberColumn("latency p95 (s)", format="%.3f"),
        "replay": "",
        "tokens_per_question": st.column_config.NumberColumn("tokens/question", format="%.0f"),
        "truncated_share": st.column_config.NumberColumn("truncated (share)", format="percent"),
        "evidence_coverage": st.column_config.NumberColumn("evidence read (share)", format="percent"),
    }
    st.dataframe(shown[list(columns)], column_config=columns, hide_index=True, width="stretch")
    left, right = st.columns(2)
    left.altair_chart(plots.accuracy_against(table, "usd_per_question"), width="stretch")
    right.altair_chart(plots.accuracy_against(table, "latency_p50_s"), width="stretch")
    header, rows = amortised_cells(table, compared.baseline)
    if rows:
        st.markdown("**Cost with the index, by questions per context**")
        st.caption(
            "An index is paid once per context. The dearer it is, the more questions it takes to pay for itself; "
            f"costs of a question are the mean of n = {int(table['n'].max())}."
        )
        chart, told = st.columns(2)
        chart.altair_chart(plots.amortised_cost(table), width="stretch")
        told.dataframe(pd.DataFrame(rows, columns=header)[[header[0], header[-1]]], hide_index=True, width="stretch")
    part = compared.tasks[(compared.tasks["corpus"] == corpus) & (compared.tasks["model"] == model)]
    if part["label"].nunique() > 1:
        st.markdown(f"**Accuracy by {by}**")
        st.altair_chart(plots.accuracy_by_label(part))

gap = retrieval_gap(log.answers(frame.experiment()), log.hits(frame.experiment()), log.questions())
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
    st.markdown("\n".join(f"- {line}" for line in compared.verdicts))
for note in compared.notes:
    st.caption(f"note: {note}")
frame.reader_notice(list(compared.table["model"]))
