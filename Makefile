# Two commands: `make serve` runs the service, `make test` proves it. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Files are UTF-8 whatever the locale.
export PYTHONUTF8 := 1

.PHONY: serve test soak check format record bench clean
.DEFAULT_GOAL := serve

serve: $(VENV)/.runtime
	@echo "The command is $(BIN)/kener-issues: --help says what else it does."
	@exec $(BIN)/kener-issues serve

test: check
	@$(BIN)/python -m pytest -n auto

# A quarter of an hour: servers killed under load, journals damaged, days at random and in bad weather (its real length:
# SOAK_OUTAGE_SECONDS=600, 80 minutes more), a siege, properties on new examples.
soak: $(VENV)/.test
	@$(BIN)/python -m pytest -s tests/soak
	@HYPOTHESIS_PROFILE=search EDITS_SEEDS=20 $(BIN)/python -m pytest -n auto \
	  tests/store/test_status_changes.py tests/store/test_window_status.py \
	  tests/store/test_edits_on_github.py \
	  tests/app/test_every_answer_is_a_fresh_process_answer.py

check: $(VENV)/.test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.test
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# The cassettes of fixtures/cassettes anew; fixtures/README.md tells from where.
record: $(VENV)/.test
	@$(BIN)/python -m tests.wire.record

# Minutes long: what the project promises about speed and size, measured against yardsticks here.
bench: $(VENV)/.test
	@$(BIN)/python -m tests.benchmarks

$(VENV)/.python:
	@command -v git >/dev/null || { echo "kener-issues needs git: install it and run make again" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "kener-issues needs Python 3.11 or newer: install it, or run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "kener-issues needs Python's venv module: install it (on Debian: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what is pinned in constraints.txt ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what is pinned in constraints.txt, with the test tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.runtime

clean:
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
