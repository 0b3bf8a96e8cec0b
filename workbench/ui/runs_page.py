"""The Runs page: the progress of each run, refreshed every two seconds."""

import streamlit as st

from workbench.ui import frame

st.title("Runs")
log = frame.reader()


@st.fragment(run_every=2.0)
def progress() -> None:
    """The runs' progress, read from the log every two seconds, even while another process writes to it."""
    runs = log.runs(frame.experiment())
    done = runs["answered"] + runs["failed"]
    planned = runs["questions_planned"]
    live = runs["status"].isin(["running", "planned"])
    st.progress(
        min(1.0, float(done.sum()) / max(1.0, float(planned.sum()))),
        text=f"{int(done.sum()):,} of {int(planned.sum()):,} questions, {int(runs['failed'].sum()):,} failed",
    )
    shown = runs.assign(done=(done / planned.clip(lower=1)).clip(upper=1.0))
    st.dataframe(
        shown[
            [
                "pipeline",
                "model",
                "corpus",
                "status",
                "done",
                "answered",
                "failed",
                "questions_planned",
                "wall_s",
                "started_at",
            ]
        ],
        column_config={
            "done": st.column_config.ProgressColumn("progress (share)", format="percent", min_value=0.0, max_value=1.0),
            "answered": "answered (n)",
            "failed": "failed (n)",
            "questions_planned": "planned (n)",
            "wall_s": st.column_config.NumberColumn("wall time (s)", format="%.1f"),
            "started_at": st.column_config.DatetimeColumn("started (UTC)"),
        },
        hide_index=True,
        width="stretch",
    )
    st.caption("A run is one pipeline × model × corpus × seed." + ("" if live.any() else " Nothing is running now."))


progress()
answers = frame.answers_of(log)
failed = answers[answers["status"] != "ok"]
if len(failed):
    st.markdown(f"**Failed questions** (n = {len(failed):,}); they count as 0 and stay in n")
    st.dataframe(
        failed[["pipeline", "model", "corpus", "question_id", "status", "error"]], hide_index=True, width="stretch"
    )
