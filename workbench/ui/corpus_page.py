"""The Corpus page: the documents and questions that the runs are about."""

import streamlit as st

from workbench.ui import frame

st.title("Corpus")
log = frame.reader()
runs = log.runs(frame.experiment())
corpora = dict.fromkeys(zip(runs["corpus"], runs["corpus_fingerprint"], strict=True))
name, fingerprint = st.selectbox("Corpus", list(corpora), format_func=lambda pair: f"{pair[0]} ({pair[1][:6]})")
questions = log.questions(fingerprint)
contexts = log.contexts()
contexts = contexts[contexts["context_id"].isin(set(questions["context_id"]))]

one, two, three, four = st.columns(4)
one.metric("contexts (n)", len(contexts))
two.metric("documents (n)", int(contexts["documents"].map(len).sum()))
three.metric("tokens (o200k, n)", f"{int(contexts['tokens'].sum()):,}")
four.metric("questions (n)", len(questions))

st.markdown("**Questions by task**")
counts = questions.groupby("task").agg(
    questions=("question_id", "count"), evidence=("evidence", lambda e: sum(map(bool, e)))
)
st.dataframe(
    counts.reset_index(),
    column_config={"questions": "questions (n)", "evidence": "with gold evidence (n)"},
    hide_index=True,
)
st.markdown(f"**Questions** (n = {len(questions)})")
st.dataframe(
    questions.assign(gold=[" | ".join(a) for a in questions["answers"]], spans=[len(e) for e in questions["evidence"]])[
        ["question_id", "task", "text", "gold", "spans", "context_id"]
    ],
    column_config={"spans": "evidence spans (n)"},
    hide_index=True,
    width="stretch",
)
st.markdown("**Documents**")
sizes = dict(zip(contexts["context_id"], contexts["tokens"], strict=True))
context = st.selectbox("Context", list(sizes), format_func=lambda key: f"{key[:8]} ({int(sizes[key]):,} tokens)")
documents = contexts[contexts["context_id"] == context].iloc[0]["documents"]
chosen = st.selectbox(
    "Document", range(len(documents)), format_func=lambda i: f"{documents[i]['document_id']} {documents[i]['title']}"
)
text = log.text(documents[chosen]["text_hash"]) or ""
page = 6_000
pages = max(1, -(-len(text) // page))
number = st.number_input(f"Part (of {pages}, {page:,} characters each)", 1, pages, 1)
st.text(text[(number - 1) * page : number * page])
