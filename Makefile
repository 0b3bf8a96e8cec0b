# Two commands for users: `make demo` and `make test`. The rest are parts of them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# uv installs in seconds where pip takes minutes; it comes from the package index like everything else
UV := $(BIN)/uv

.PHONY: demo test lint types unit ui clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(BIN)/python --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(BIN)/python --editable ".[test]"
	touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/workbench run examples/demo.yaml
	@echo
	@echo "Look next at:  $(BIN)/workbench ui runs/demo.duckdb          the pages, in a browser"
	@echo "               $(BIN)/workbench compare examples/demo.yaml --by hops"
	@echo "               README.md, section 'Your own documents and your own model'"

test: $(VENV)/.installed-test
	./tests/install_chromium.sh
	$(MAKE) --no-print-directory lint types
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-test
	$(BIN)/mypy

ui: $(VENV)/.installed
	$(BIN)/workbench ui runs/demo.duckdb

clean:
	rm -rf $(VENV) runs artefacts .mypy_cache .ruff_cache .pytest_cache build *.egg-info
