"""The Questions page: what each pipeline answered and retrieved, with the gold evidence, and the calls it made."""

import pandas as pd
import streamlit as st

from workbench.analysis import plots
from workbench.analysis.call_times import call_times
from workbench.analysis.highlight import STYLE, marked, spans_by_document
from workbench.ui import frame

st.title("Questions")
log = frame.reader()
answers = frame.answers_of(log)
order = {run_id: position for position, run_id in enumerate(log.runs(frame.experiment())["run_id"])}
answers = answers.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")  # the experiment file's order
if answers.empty:
    st.info("No question has been answered yet; see the Runs page.")
    st.stop()

first, second, third = st.columns([1, 1, 2])
task = first.selectbox("Task", ["all", *sorted(answers["task"].unique())])
outcome = second.selectbox("Outcome", ["all", "some pipeline is wrong", "pipelines disagree", "some pipeline failed"])
wanted = third.text_input("Text in the question")

# Synthetic corpora repeat question ids, so the key below always includes the corpus fingerprint.
KEY = ["corpus_fingerprint", "question_id"]
asked = pd.MultiIndex.from_frame(answers[KEY])
questions = log.questions()
questions = questions.set_index(KEY, drop=False)
questions = questions[questions.index.isin(asked)]  # a run with a limit has not asked all of them
if task != "all":
    questions = questions[questions["task"] == task]
if wanted:
    questions = questions[questions["text"].str.contains(wanted, case=False, regex=False)]
scores = answers["score"].astype(float)
if outcome == "some pipeline is wrong":
    questions = questions[questions.index.isin(asked[scores < 0.5])]
elif outcome == "pipelines disagree":
    by_question = scores.groupby([answers[column] for column in KEY])
    spread = by_question.max() - by_question.min()
    questions = questions[questions.index.isin(spread[spread > 0.5].index)]
elif outcome == "some pipeline failed":
    questions = questions[questions.index.isin(asked[answers["status"] != "ok"])]

st.caption(f"n = {len(questions)} questions")
if questions.empty:
    st.info("No question matches these filters.")
    st.stop()
names = dict(zip(answers["corpus_fingerprint"], answers["corpus"], strict=True))
corpus = st.selectbox("Corpus", list(questions["corpus_fingerprint"].unique()), format_func=lambda key: names[key])
questions = questions[questions["corpus_fingerprint"] == corpus]
texts = dict(zip(questions["question_id"], questions["text"], strict=True))
chosen = st.selectbox("Question", list(texts), format_func=lambda key: f"{key}: {texts[key]}")
question = questions[questions["question_id"] == chosen].iloc[0]
given = answers[(answers["question_id"] == chosen) & (answers["corpus_fingerprint"] == corpus)]

st.markdown("**Gold answer**")
st.text(" | ".join(question["answers"]))
columns = ["pipeline", "model", "text", "score", "metric", "status", "ended", "error", "calls", "cost_usd"]
columns += ["cost_own_usd", "critical_path_s", "evidence_coverage"]
columns = [name for name in columns if name in given and (name != "error" or given["error"].notna().any())]
st.dataframe(
    given[columns].fillna({"error": ""}),
    column_config={
        "text": "answer",
        "score": st.column_config.NumberColumn("score", help="0 to 1", format="%.2f"),
        "calls": st.column_config.NumberColumn("calls", help="n"),
        "cost_usd": st.column_config.NumberColumn("USD", format="%.6f", help="as it was billed"),
        "cost_own_usd": st.column_config.NumberColumn("own USD", format="%.6f", help="the run's own cost"),
        "critical_path_s": st.column_config.NumberColumn("latency (s)", format="%.3f"),
        "evidence_coverage": st.column_config.NumberColumn(
            "evidence", help="share of the gold characters that stood in the prompts", format="percent"
        ),
    },
    hide_index=True,
    width="stretch",
)

labels = [f"{row.pipeline} · {row.model}" for row in given.itertuples()]
picked = st.selectbox("Look into", range(len(labels)), format_func=lambda i: labels[i])
answer = given.iloc[picked]
hits = log.hits(run=answer["run_id"], question=chosen)
evidence = spans_by_document(question["evidence"])
retrieved = spans_by_document([dict(row) for _, row in hits.iterrows()])
st.markdown(f"**Read against the gold evidence** ({len(hits)} chunks; yellow: gold, blue: read, green: both)")
if hits.empty:
    st.caption("This pipeline picks no chunks: what it read stands in its prompts below.")
contexts = log.contexts()
documents = contexts[contexts["context_id"] == question["context_id"]].iloc[0]["documents"]
shown = [d for d in documents if d["document_id"] in {*evidence, *list(retrieved)[:5]}]
stored = log.texts(d["text_hash"] for d in shown)
st.html(STYLE)
for document in shown:
    with st.expander(f"{document['document_id']} {document['title']}", expanded=document["document_id"] in evidence):
        key = document["document_id"]
        st.html(STYLE + marked(stored.get(document["text_hash"], ""), evidence.get(key, ()), retrieved.get(key, ())))

calls = log.calls(run=answer["run_id"], question=chosen)
st.markdown(f"**Calls** (n = {len(calls)})")
if len(calls):
    st.altair_chart(plots.waterfall(calls), width="stretch")
    ordered = call_times(calls)
    number = st.selectbox("Prompt and reply of", range(len(ordered)), format_func=lambda i: ordered["name"].iloc[i])
    call = ordered.iloc[number]
    hashes = [call["prompt_hash"], call["reply_hash"], call.get("thoughts_hash")]
    found = log.texts(h for h in hashes if isinstance(h, str))
    left, right = st.columns(2)
    left.text_area(
        f"prompt ({int(call['prompt_tokens']):,} tokens)", found.get(call["prompt_hash"], ""), height=300, disabled=True
    )
    reply = found.get(call["reply_hash"], "") if isinstance(call["reply_hash"], str) else str(call["error"])
    right.text_area(f"reply ({int(call['completion_tokens']):,} tokens)", reply, height=300, disabled=True)
    if isinstance(hashes[2], str):
        told = f"thoughts ({int(call['reasoning_tokens']):,} tokens, {call['reasoning_source']}), never scored"
        st.text_area(told, found.get(hashes[2], ""), height=200, disabled=True)
