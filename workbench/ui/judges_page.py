"""The Judges page: a judge model's verdicts beside the metrics, and the ranking from judged pairs."""

import altair as alt
import streamlit as st

from workbench.analysis.judged import agreement
from workbench.analysis.ranking import battles, bradley_terry
from workbench.ui import frame

st.title("Judges")
log = frame.reader()
scores = log.scores(frame.experiment())
told = agreement(log.answers(frame.experiment()), scores)
fought = battles(scores, log.runs(frame.experiment()))
if told.empty and fought.empty:
    st.info(
        "No judge has read this experiment. `workbench judge DB --model openai/gpt-4o-mini` judges each answer, with "
        "`--pairs` every two pipelines' answers to the same question."
    )
    st.stop()

if len(told):
    st.subheader("Verdicts beside the metric")
    st.dataframe(
        told,
        column_config={
            "n": "verdicts (n)",
            "without_verdict": "without verdict (n)",
            "judged": st.column_config.NumberColumn("judged right (mean)", format="%.3f"),
            "scored": st.column_config.NumberColumn("metric (mean)", format="%.3f"),
            "pearson": st.column_config.NumberColumn("Pearson", format="%.2f"),
            "spearman": st.column_config.NumberColumn("Spearman", format="%.2f"),
            "kappa": st.column_config.NumberColumn("kappa", format="%.2f"),
        },
        hide_index=True,
        width="stretch",
    )
    st.caption("Agreement is over all judged answers of a corpus; kappa takes 0.5 or more as right.")

for (corpus, model, judge), group in fought.groupby(["corpus", "model", "judge"], sort=True):
    if group["score"].isna().all():
        continue
    table = bradley_terry(group)
    st.subheader(f"Ranking: {corpus} · {model}")
    base = alt.Chart(table).encode(y=alt.Y("name:N", sort=list(table["name"]), title=None))
    bars = base.mark_rule().encode(
        x=alt.X("low:Q", title="rating (Elo scale)", scale=alt.Scale(zero=False)), x2="high:Q"
    )
    st.altair_chart(bars + base.mark_point(filled=True, size=80).encode(x="rating:Q"), width="stretch")
    st.dataframe(table, hide_index=True, width="stretch")
    st.caption(
        f"Judged by {judge}, {len(group):,} pairs, {int(group['score'].isna().sum())} without verdict; Bradley-Terry "
        "ratings with 95 % intervals over questions."
    )
