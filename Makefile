# make setup | demo | test | audit | bench: each does all the set-up it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit audit bench clean

VENV := .venv
BIN := $(VENV)/bin
PEER := .venv-opentaxii
PIP_FLAGS := --disable-pip-version-check --no-input --quiet --retries 3 --require-hashes
WORKERS ?= 2
# Rules, visibility and doors: every branch is walked by a test.
GATED := sharing/rules/*.py,sharing/visibility.py,auth/doors.py,auth/authentication.py

help:
	@echo 'make setup   make .venv with what Comity runs on'
	@echo 'make demo    two fictional States exchange STIX on this machine'
	@echo 'make test    lint, types, tests on SQLite and PostgreSQL (under 10 minutes)'
	@echo 'make audit   the long versions of the tests (hours)'
	@echo 'make bench   measurements beside OpenTAXII and bare Flask'

# A virtual environment, on a bare Debian too.
$(BIN)/python:
	@bash .ci/venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml $(BIN)/python
	@echo 'installing what Comity runs on'
	@$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.runtime
	@echo 'installing what the tests need'
	@$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements-test.lock
	@touch $@

$(PEER)/.ready: requirements-opentaxii.lock
	@bash .ci/venv $(PEER)
	@echo 'installing OpenTAXII in a place of its own'
	@$(PEER)/bin/python -m pip install $(PIP_FLAGS) -r requirements-opentaxii.lock
	@touch $@

setup: $(VENV)/.runtime

demo: $(VENV)/.runtime
	@$(BIN)/comity demo

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.test
	$(BIN)/mypy

unit: $(VENV)/.test
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --skip-covered --show-missing --fail-under=85
	$(BIN)/coverage report --include='$(GATED)' --show-missing --fail-under=100

test: lint types unit

audit: $(VENV)/.test
	COMITY_AUDIT=1 $(BIN)/python -m pytest -n $(WORKERS) -m audit --durations=20

bench: $(VENV)/.test $(PEER)/.ready
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) $(PEER) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* *.egg-info
