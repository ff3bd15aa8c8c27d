# `make` lists the targets. The set-up is in tools/setup.sh: it does nothing when nothing changed.

CORES ?= all
PORT ?= 8123
BIN := .venv/bin
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
FORMATTED := workflow tests benchmarks fake_llm tools
# Files stay in their order: those with most tests first, the default, would leave the longest for the end.
PROCESSES := --numprocesses 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: docs fake-llm help setup setup-dev demo test test-fast lint format lock rulegraph clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=/path/to/python3.11, TORCH=cpu|cuda (set-up), CORES=n (demo)"

setup: ## make .venv with everything the workflow needs
	@tools/setup.sh

setup-dev:
	@tools/setup.sh dev

demo: setup ## set up, then run the default study
	$(IN_VENV) $(BIN)/snakemake --cores $(CORES)

test: setup-dev ## set up, then run the whole test suite, or TESTS=tests/unit
	@$(IN_VENV) $(BIN)/python -m pytest $(PROCESSES) $(TESTS)

test-fast: setup-dev ## the tests that take seconds each
	@$(IN_VENV) $(BIN)/python -m pytest $(PROCESSES) -m "not slow"

lint: setup-dev ## check style, spelling, imports, the workflow and types
	$(BIN)/ruff check $(FORMATTED)
	$(BIN)/ruff format --check $(FORMATTED)
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/python tools/check_prose.py
	PYTHONPATH=workflow/scripts $(BIN)/lint-imports --no-logo
	$(BIN)/snakefmt --check Snakefile workflow
	$(IN_VENV) $(BIN)/snakemake --lint
	$(BIN)/mypy

format: setup-dev ## write Python and Snakemake files as lint wants them
	$(BIN)/ruff check --fix $(FORMATTED)
	$(BIN)/ruff format $(FORMATTED)
	$(BIN)/snakefmt Snakefile workflow

lock: setup ## pin what requirements/*.in name; ARGS=--upgrade for newer versions
	@tools/lock.sh $(ARGS)

fake-llm: setup-dev ## start a fake LLM server, to try a study without a key; PORT=8123, ARGS=--help
	exec $(BIN)/python -m fake_llm --port $(PORT) $(ARGS)

docs: setup ## write the reference of configuration keys from the schema
	PYTHONPATH=workflow/scripts $(BIN)/python tools/config_reference.py

rulegraph: setup ## draw docs/images/rulegraph.svg; needs Graphviz
	$(IN_VENV) $(BIN)/python tools/rulegraph.py docs/images/rulegraph.svg

clean: ## remove .venv and caches; results and downloads stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
