"""The Conformance page: whether our metrics give the official scorers' values."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from workbench.conformance.table import ConformanceRow, conformance, predictions_folder, summary

st.title("Conformance")
st.markdown(
    "Every metric of a benchmark is held against the benchmark's own scorer: on small cases whose official value is "
    "known, and on the answers of real models that the benchmarks have published."
)


@st.cache_data(show_spinner="Scoring the published answers ...")
def rows(folder: str) -> list[ConformanceRow]:
    """All comparisons, cached since the replays take some seconds."""
    found = predictions_folder()
    return conformance(found if folder else None)


found = predictions_folder()
compared = rows(str(found or ""))
differing = [row for row in compared if row.agrees is False]
left, middle, right = st.columns(3)
left.metric("compared (cases)", sum(row.difference is not None for row in compared))
middle.metric("answers scored (n)", f"{sum(row.n for row in compared):,}")
right.metric("cases that differ", len(differing))
if found is None:
    st.info(
        "The published predictions are not on this machine, so only the small cases are compared. Put them into a "
        "folder and set WORKBENCH_SHARED_DATA, or run `workbench conformance --data FOLDER`."
    )
st.dataframe(pd.DataFrame(summary(compared)), hide_index=True, width="stretch")
st.subheader("Case by case")
only = st.toggle("only what differs", value=False)
table = pd.DataFrame([asdict(row) for row in (differing if only else compared)])
if len(table):
    st.dataframe(table.drop(columns=["exact"]), hide_index=True, width="stretch")
else:
    st.success("Nothing differs, to the last printed digit.")
st.caption(
    "official: as printed by the benchmark; ours: rounded to as many digits; replays in percent, agreement 0 to 1."
)
