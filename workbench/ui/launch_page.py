"""The Launch page: choose or edit an experiment, see what it would cost, start it as a process, watch it, stop it."""

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from workbench.errors import InputError
from workbench.experiment.config import load
from workbench.experiment.schema import Experiment
from workbench.ui import frame
from workbench.ui.launching import Launched, planned, start


@st.cache_resource
def launched() -> dict[str, Launched]:
    """The last run of each experiment file that these pages have started, shared by all browser sessions."""
    return {}


def follow(database: Path) -> None:
    """Make the other pages show this log, too."""
    st.session_state["database"] = st.query_params["db"] = str(database)


def checked(file: Path) -> Experiment | None:
    """The experiment, or None after showing the error."""
    try:
        return load(file)
    except InputError as error:
        st.error(str(error))
        return None


st.title("Launch")
if os.environ.get("WORKBENCH_LAUNCH") != "1":
    st.info(
        "Runs spend money, so they are started only where the pages listen to this machine alone: `workbench ui` "
        "without `--host`. In a terminal it is `workbench plan FILE`, `workbench run FILE`."
    )
    st.stop()

found = sorted(str(path) for folder in (Path(), Path("examples")) for path in folder.glob("*.y*ml"))
found = [path for path in found if "pipelines:" in Path(path).read_text(encoding="utf-8", errors="replace")]
left, right = st.columns(2)
offered = left.selectbox("Experiment files here", found, index=0 if found else None, key="launch_offered")
typed = right.text_input("or the path of another (.yaml)", key="launch_typed")
file = Path(typed or offered or "").expanduser()
if not file.is_file() or file.suffix not in (".yaml", ".yml"):
    said = f"`{file}` is no experiment file." if typed else "There is no experiment file here."
    st.info(f"{said} Copy `examples/demo.yaml` to begin with.")
    st.stop()

text = file.read_text(encoding="utf-8", errors="replace")
with st.expander("Edit"):
    edited = st.text_area("Experiment (YAML; paths are relative to the file)", text, height=380, key=f"edit-{file}")
    target = Path(st.text_input("Save as", str(file), key=f"target-{file}")).expanduser()
    if st.button("Save", disabled=edited == text and target == file):
        if target.suffix not in (".yaml", ".yml"):
            st.error(f"{target}: is no .yaml file")
        elif target != file and target.exists():
            st.error(f"{target}: is there already; open it, or choose another name")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(edited, encoding="utf-8")
            st.success(f"saved as `{target}`; open it above" if target != file else "saved")
            text = edited if target == file else text
if edited != text:
    st.warning("The text was changed and not saved; what is planned and started is the file.")
experiment = checked(file)
if experiment is None:
    st.stop()

limit = int(st.number_input("Questions per corpus (0: all)", 0, value=0, key="launch_limit")) or None
own = experiment.budget
key = (str(file), text, limit)
if st.button("Plan", help="calls no model"):
    with st.spinner("Reading the corpora and counting; no model is called ..."):
        st.session_state["launch_plan"] = (key, *planned(file, limit=limit))
shown_for, rows, problem = st.session_state.get("launch_plan", (None, [], ""))
if shown_for != key:
    st.caption("Plan first: it says how many calls, tokens and dollars the run takes.")
    st.stop()
if problem:
    st.error(problem)
    st.stop()

plan = pd.DataFrame(rows)
for name in plan.columns.difference(["pipeline", "model", "corpus", "priced"]):
    plan[name] = pd.to_numeric(plan[name])
unpriced = sorted(set(plan.loc[plan["priced"].astype(str) != "True", "model"]))
money = {name: st.column_config.NumberColumn(label, format="%.4f") for name, label in (
    ("usd", "USD"), ("usd_low", "USD, short replies"), ("usd_high", "USD, long replies"))}  # fmt: skip
number = st.column_config.NumberColumn
counts = {name: number(f"{name.replace('_', ' ')} (n)", format="localized") for name in (
    "questions", "calls", "prompt_tokens", "completion_tokens", "overflows")}  # fmt: skip
st.dataframe(
    plan[["pipeline", "model", "corpus", *counts, *money, "seconds"]],
    column_config={**counts, **money, "seconds": number("time (s)", format="%.0f")}, hide_index=True, width="stretch",
)  # fmt: skip
st.caption(
    f"Together {plan['calls'].sum():,.0f} calls, {plan['usd'].sum():.4f} USD ({plan['usd_low'].sum():.4f} to "
    f"{plan['usd_high'].sum():.4f}) and {plan['seconds'].sum():,.0f} s, if nothing is answered or cached yet."
    + (f" No price is known for {', '.join(unpriced)}." if unpriced else "")
)
usd = st.number_input(
    "Stop at (USD, with what earlier sessions of this experiment spent; 0: the file's budget)",
    0.0, value=float(own.usd or 0.0), step=0.5, format="%.2f", key=f"usd-{file}",
)  # fmt: skip
bounded = usd > 0 or any(limit is not None for limit in (own.usd, own.tokens, own.wall))
if not bounded:
    st.caption("A budget is needed: in USD here, or `budget: {tokens: …}` in the file where no price is known.")


@st.fragment(run_every=2.0)
def control(experiment: Experiment) -> None:
    """Start and stop buttons and the run's progress; refreshes itself."""
    run = launched().get(str(file.resolve()))
    runs = frame.runs_of(experiment.database, experiment.experiment_id)
    busy = run is not None and run.running
    elsewhere = not busy and bool(runs["status"].isin(["running", "planned"]).any())
    begin, end = st.columns(2)
    if begin.button("Start", type="primary", disabled=busy or elsewhere or not bounded, width="stretch"):
        launched()[str(file.resolve())] = start(file, usd=usd or None, limit=limit)
        st.rerun(scope="fragment")
    name = "End it now" if run is not None and run.asked_to_stop else "Stop"
    if end.button(name, disabled=not busy, width="stretch") and run is not None:
        run.stop()
        st.rerun(scope="fragment")
    if elsewhere:
        st.warning("This experiment is being run by another program.")
    if run is not None:
        st.markdown(f"**{run.state()}**")
        if run.said():
            st.code(run.said(), language=None)
    if len(runs):
        done, of = int((runs["answered"] + runs["failed"]).sum()), int(runs["questions_planned"].sum())
        st.progress(
            min(1.0, done / max(1, of)), text=f"{done:,} of {of:,} questions ended, {int(runs['failed'].sum())} failed"
        )


control(experiment)
st.button("Show its results on the other pages", on_click=follow, args=(experiment.database,))
