# Everything a developer or a curious person does with actorflow. `make demo` and `make test` set up what they need.
# The environment is built from requirements/dev.txt (locked, with hashes) and lives in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLAUDE := $(VENV)/claude
CLAUDE_STAMP := $(CLAUDE)/.installed

.PHONY: help setup demo test torture check format fuzz bench docs lock clean

help:
	@echo "make demo    run a real workflow, offline, and show where its report is"
	@echo "make test    run all tests"
	@echo "make torture what can break a run, in the sizes of a night, and a table of figures (SEEDS=$(SEEDS) simulated runs)"
	@echo "make check   format, lint, types, layers, generated files"
	@echo "make format  put the code into its format"
	@echo "make fuzz    10,000 examples for each property of the expression language"
	@echo "make bench   measure transitions, the journal, looking at runs and expressions, beside what the machine can do"
	@echo "make docs    write the generated pages and tables again"
	@echo "make lock    resolve the locked dependencies again"
	@echo "make clean   remove the environment and everything that was built"

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "actorflow needs Python 3.11 or newer; this is $$($(PYTHON) --version). Say which with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# The real Claude Code, for the tests that talk with it: its program comes in a wheel of 160 MiB, in a folder of its own. Where it cannot
# be had the other tests run all the same, and say that these did not.
$(CLAUDE_STAMP): requirements/claude.txt | $(STAMP)
	@rm -rf $(CLAUDE) && mkdir -p $(CLAUDE)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $(CLAUDE) -r requirements/claude.txt && touch $(CLAUDE_STAMP) || echo "WARNING: Claude Code could not be installed; the tests against it will not run"

demo: $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh templates/demo.sh

test: $(STAMP) $(CLAUDE_STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

# Interrupted, or with something red, it goes on where it was: the figures so far are in build/torture.jsonl. The table is left in build/torture.md.
SEEDS ?= 20000
TORTURE := tests/simulation tests/power_loss tests/damage tests/faults tests/soak tests/bad_input tests/secrets tests/journal/test_journal_blobs.py tests/engine/test_engine_snapshots.py tests/e2e tests/crash

torture: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -q --sizes nightly --simulation-seeds $(SEEDS) --figures build/torture.jsonl $(TORTURE)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python grammar/regenerate.py --check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(STAMP)
	ACTORFLOW_FUZZ=10000 $(BIN)/python -m pytest -n 2 -q tests/expressions/test_expressions_fuzz.py

bench: $(STAMP) $(CLAUDE_STAMP)
	$(BIN)/python -m benchmarks.transitions
	$(BIN)/python -m benchmarks.journal
	$(BIN)/python -m benchmarks.looking
	$(BIN)/python -m benchmarks.watching
	$(BIN)/python -m benchmarks.expressions
	-$(BIN)/python -m benchmarks.claude

docs: $(STAMP)
	$(BIN)/python grammar/regenerate.py
	$(BIN)/python docs/generate/task_states.py
	$(BIN)/python -m actorflow.cli.reference > docs/reference/cli.md
	$(BIN)/python -m actorflow.cli.manual > docs/man/actorflow.1
	$(BIN)/actorflow graph templates/quickstart.yaml -o docs/pictures/quickstart.svg
	$(BIN)/python docs/generate/template_pictures.py

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group dev -o requirements/dev.txt
	echo claude-agent-sdk | $(BIN)/uv pip compile --quiet --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - -o requirements/claude.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
