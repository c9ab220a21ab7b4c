# What a developer types. Needs Python 3.11 or newer; everything else is put into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; exit; }; done; true)
ARGS ?=

# pip says a lot when all is well: its words are kept, and shown only when it fails.
define install
	@echo "Installing $(2) into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --editable '$(1)' > $(VENV)/install.log 2>&1 \
		|| { cat $(VENV)/install.log; echo "pip failed; its words are above."; exit 1; }
endef

.PHONY: help run test attack lint pages screenshots npm-files check-deps migration clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime pages ## start the demo: Ringback with stand-ins for Zendesk, Salesforce and a mail box
	@$(BIN)/ringback demo $(ARGS)

# Files go to the workers in the order of tests/conftest.py: sorted by their number of tests, the long ones came last.
test: lint ## check style, types and rooms, then run the tests; ARGS="-k score" picks some
	@echo "Looking for what the tests need (what is missing is brought where that is allowed) ..."
	@$(BIN)/python -m tests.services --bring
	@echo "Running the tests, three at a time ..."
	@TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo "$${TMPDIR:-/tmp}") \
		$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

attack: $(VENV)/dev ## attack a copy as strangers and bad nights do: tests/attack, on the loopback alone
	@TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo "$${TMPDIR:-/tmp}") \
		$(BIN)/python -m pytest -n 2 tests/attack $(ARGS)

lint: $(VENV)/dev ## check style, types and which room may import which
	@echo "Checking the style ..."
	@$(BIN)/ruff check --quiet .
	@echo "Checking the types ..."
	@$(BIN)/mypy --no-error-summary
	@echo "Checking the rooms ..."
	@$(BIN)/lint-imports --no-cache > $(VENV)/rooms.log 2>&1 || { cat $(VENV)/rooms.log; exit 1; }

# Without them the admin pages work by plain links and forms, so a machine without npm and network starts all the same.
pages: $(VENV)/runtime ## bring what others wrote for the admin pages, by package-lock.json
	@$(BIN)/python -m tools.npm_files connector/web/static/vendor \
		|| echo "The admin pages work without what could not be fetched, by plain links and forms."

screenshots: $(VENV)/dev ## write the pictures of the admin pages into docs/images
	@$(BIN)/python -m tests.browser.admin_pictures

npm-files: $(VENV)/runtime ## bring the files that others wrote, by package-lock.json
	@$(BIN)/python -m tools.npm_files

check-deps: $(VENV)/dev ## check the installed packages, and which services the tests find
	@echo "Checking the installed packages ..."
	@$(BIN)/python -m pip check
	@echo "Looking for what the tests need ..."
	@$(BIN)/python -m tests.services

migration: $(VENV)/dev ## write the initial migration anew from tables.py (until the first release)
	@$(BIN)/python -m connector.storage.migrations.regenerate > /dev/null
	@$(BIN)/ruff format --quiet --line-length 110 connector/storage/migrations/versions
	@echo "Wrote connector/storage/migrations/versions/0001_initial.py"

clean: ## remove what the commands above made; databases stay
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		tests/browser/vendor connector/web/static/vendor node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. On Debian: apt-get install python3 python3-venv"; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: setup.cfg pyproject.toml | $(BIN)/python
	$(call install,.,Ringback)
	@touch $@

$(VENV)/dev: setup.cfg pyproject.toml | $(BIN)/python
	$(call install,.[dev],Ringback and the tools that check it)
	@touch $@ $(VENV)/runtime
