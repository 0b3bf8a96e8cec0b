"""The Streamlit pages, one per file: widgets only, all figures come from `workbench.analysis`."""
