"""The Streamlit pages: widgets and calls to analysis, one page a file."""
