"""The Review page: accept, edit or drop the questions that a model wrote about your documents."""

from pathlib import Path

import streamlit as st

from workbench.errors import InputError
from workbench.questions.review import STATUSES, Review

st.title("Review")
st.caption(
    "Questions written by `workbench corpus questions` are checked by machine; a person decides. Changes are saved to "
    "the questions file at once."
)
found = sorted({*Path().glob("*questions*.jsonl"), *Path().glob("*/*questions*.jsonl")})
offered = [str(path) for path in found if not path.stem.endswith((".rejected", ".dropped"))]
given = st.text_input("Questions file (.jsonl)", value=offered[0] if offered else "", key="review_file")
if not given:
    st.info("No questions file here yet. `workbench corpus questions FOLDER --llm MODEL` writes one.")
    st.stop()
try:
    review = Review.open(Path(given).expanduser())
except InputError as error:
    st.info(str(error))
    st.stop()

counts = review.counts()
for column, status in zip(st.columns(len(STATUSES)), STATUSES, strict=True):
    column.metric(f"{status} (n)", counts[status])
shown = st.segmented_control("Show", ["new", "all"], default="new", key="review_shown") or "new"
rows = [row for row in review.rows if shown == "all" or row["status"] == "new"]
if not rows:
    st.success("Nothing left to review.")
    st.stop()

position = st.number_input(f"Question 1 to {len(rows)}", 1, len(rows), 1, key="review_position")
row = rows[int(position) - 1]
name = row["question_id"]
st.caption(f"{name} · {row.get('task', '-')} · {row['status']}")
question = st.text_area("Question", row["question"], key=f"question-{name}")
answers = st.text_area(
    "Answers, one a line (any one is right)", "\n".join(row.get("answers", ())), key=f"answers-{name}"
)
st.write("Evidence")
for part in row.get("evidence", ()):
    place = f"{part['document_id']}, characters {part['start']:,} to {part['end']:,}" if isinstance(part, dict) else ""
    text = review.evidence(part) if isinstance(part, dict) else ""
    st.text(f"{place}\n{text}" if isinstance(part, dict) else str(part))

left, middle, right = st.columns(3)
if left.button("Accept", key="accept", type="primary", width="stretch"):
    review.accept(name)
    st.rerun()
if middle.button("Save edit", key="edit", width="stretch"):
    try:
        review.edit(name, question, answers.splitlines())
        st.rerun()
    except InputError as error:
        st.warning(str(error))
if right.button("Drop", key="drop", width="stretch"):
    review.drop(name)
    st.rerun()
