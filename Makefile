# Needs Python 3.11 or newer and make; nothing else. Another interpreter: make run PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SCENARIO ?= scenarios/umbilical_phase2.toml
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Exact versions of everything, the tool that builds the package included (a relative path: pip splits at blanks).
export PIP_CONSTRAINT := constraints.txt

.DELETE_ON_ERROR:
.PHONY: help run test lint types tests benchmark calibrate validate clean

help:
	@echo "make run        install into $(VENV) and answer $(SCENARIO)"
	@echo "make test       install everything for development; lint, types, tests with coverage"
	@echo "make benchmark  time against named peers"
	@echo "make calibrate  learn from the published experiments again, and ship the posterior (resumable)"
	@echo "make validate   published trials and other tools' answers (slow)"
	@echo "make clean      remove $(VENV), caches and build products; runs are kept"

run: $(VENV)/.exojoint
	$(BIN)/exojoint run $(SCENARIO)

test: lint types tests

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

tests: $(VENV)/.development
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --cov --cov-report=term

benchmark: $(VENV)/.development
	$(BIN)/python -m pytest benchmarks --capture=no
	$(BIN)/python -m benchmarks.engine

POSTERIOR := src/exojoint/calibration/posterior
calibrate: $(VENV)/.development
	$(BIN)/exojoint calibrate --resume
	cp $(foreach file,draws.csv unknowns.csv targets.csv made.toml,calibration/$(file)) $(POSTERIOR)/
	cp $(foreach file,calibration.md targets.svg,calibration/$(file)) validation/calibration/

validate: $(VENV)/.development
	$(BIN)/python -m pytest validation

clean:
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find src -maxdepth 1 -name '*.egg-info' -type d -exec rm -rf {} +

# A stamp is newer than what it was made from, so a second make installs nothing.
$(VENV)/.python:
	@$(PYTHON) -c "" >/dev/null 2>&1 || { echo "error: '$(PYTHON)' does not run. Expected Python 3.11 or newer. Install it or say: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is `$(PYTHON) --version 2>&1`. Expected Python 3.11 or newer. Install it or say: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment. Expected a Python with venv (Debian, Ubuntu: package python3-venv). Install it and run make again."; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.exojoint: pyproject.toml constraints.txt | $(VENV)/.python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.development: pyproject.toml constraints.txt | $(VENV)/.python
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.exojoint
