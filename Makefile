# make setup | demo | test | audit | bench: each does all the set-up it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint types compiled browser unit audit bench messages screens lock clean

VENV := .venv
BIN := $(VENV)/bin
# Servers of others, each in an environment of its own.
PEERS := .venv-opentaxii .venv-medallion
READY := $(PEERS:%=%/.ready)
# One more than there are cores: tests that wait for a process or an instant leave theirs idle.
WORKERS ?= 3

help:
	@echo 'make setup   make .venv with what Comity runs on'
	@echo 'make demo    two fictional States exchange STIX on this machine'
	@echo 'make test    lint, types, tests on SQLite and PostgreSQL (7 to 12 minutes on 2 cores, cold)'
	@echo 'make audit   the long versions of the tests (hours)'
	@echo 'make bench   measurements beside OpenTAXII and bare Flask'

# Each stamp says that a lock file is installed; a changed lock is installed anew.
%/.made:
	@bash .ci/venv $*
	@touch $@

$(VENV)/.runtime: requirements.lock requirements.in pyproject.toml .ci/install $(VENV)/.made
	@bash .ci/install $(VENV) requirements.lock
	@$(BIN)/python -m pip --isolated --quiet install --no-deps --no-build-isolation --no-index \
	  --disable-pip-version-check --root-user-action=ignore --editable .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.runtime
	@bash .ci/install $(VENV) requirements-test.lock
	@touch $@

$(READY): .venv-%/.ready: requirements-%.lock .ci/install .venv-%/.made
	@bash .ci/install .venv-$* $<
	@touch $@

# On a bare Debian the first installs packages, and one at a time may.
$(PEERS:%=%/.made): | $(VENV)/.made

.PRECIOUS: %/.made

setup: $(VENV)/.runtime

demo: $(VENV)/.runtime
	@$(BIN)/comity demo

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.test
	$(BIN)/mypy

# Each worker of `unit` begins by importing everything, at the same moment as the others: it was
# compiled as often as there are workers. Here it is once, while the types are checked.
compiled: $(VENV)/.test
	@told=$$(env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --collect-only --quiet) || \
	  { echo "$$told"; exit 1; }

# After the environment: on a bare Debian both install packages, and one at a time may.
browser: $(VENV)/.made
	@bash .ci/browser

# Databases of the tests live in memory where there is room: durability there is a process's end,
# not a power cut's, and the disk is the slowest part of a run.
SCRATCH := $(shell room=$$(df -k --output=avail /dev/shm 2>/dev/null | tail -1); \
  [ "$${room:-0}" -gt 4000000 ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}")

# They start the product a hundred times: what Python compiles for one start is kept for the
# others, even where the environment says to keep nothing.
unit: $(VENV)/.test $(READY) browser
	rm -f .coverage .coverage.*
	env -u PYTHONDONTWRITEBYTECODE TMPDIR=$(SCRATCH) \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --show-missing --fail-under=100

# What needs not wait for another does not; what each prints stays together.
test:
	@$(MAKE) --no-print-directory --jobs=3 $(VENV)/.test browser $(READY)
	@$(MAKE) --no-print-directory --jobs=3 --output-sync lint types compiled
	@$(MAKE) --no-print-directory unit

audit: $(VENV)/.test $(READY) browser
	COMITY_AUDIT=1 $(BIN)/python -m pytest -n $(WORKERS) -m audit --durations=20

bench: $(VENV)/.test .venv-opentaxii/.ready
	$(BIN)/python -m bench

# Texts of the pages in other languages: gathered from the sources, and compiled.
messages: $(VENV)/.test
	$(BIN)/python .ci/messages

# The pictures of README; `python -m tests.browser.screens FOLDER` takes one of every page.
screens: $(VENV)/.test
	@bash .ci/browser
	$(BIN)/python -m tests.browser.screens docs/screens object norms-status

lock:
	@bash .ci/lock

clean:
	rm -rf $(VENV) $(PEERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* *.egg-info
