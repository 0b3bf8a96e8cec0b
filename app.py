"""The pages' entry script: `workbench ui`, or `streamlit run app.py`. A router and nothing else."""

import streamlit as st

from workbench.ui import frame

PAGES = {
    "Results": [
        st.Page("workbench/ui/compare_page.py", title="Compare", icon=":material/leaderboard:", default=True),
        st.Page("workbench/ui/questions_page.py", title="Questions", icon=":material/quiz:", url_path="questions"),
    ],
    "Trust": [
        st.Page("workbench/ui/judges_page.py", title="Judges", icon=":material/gavel:", url_path="judges"),
        st.Page(
            "workbench/ui/conformance_page.py", title="Conformance", icon=":material/verified:", url_path="conformance"
        ),
    ],
    "Experiments": [
        st.Page("workbench/ui/launch_page.py", title="Launch", icon=":material/rocket_launch:", url_path="launch"),
        st.Page("workbench/ui/runs_page.py", title="Runs", icon=":material/play_circle:", url_path="runs"),
    ],
    "Data": [
        st.Page("workbench/ui/corpus_page.py", title="Corpus", icon=":material/menu_book:", url_path="corpus"),
        st.Page("workbench/ui/review_page.py", title="Review", icon=":material/rate_review:", url_path="review"),
    ],
}

st.set_page_config(page_title="RAG versus long context", page_icon="⚖️", layout="wide")
page = st.navigation(PAGES)
frame.sidebar()
page.run()
