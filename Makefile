# Every command of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test soak check bench format ohif clean

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@sh deploy/install.sh $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	@sh deploy/install.sh $(PYTHON) $(VENV) requirements-dev.lock
	@touch $@ $(STAMP)

demo: $(STAMP) ## Start the hub on SQLite with a small region loaded, at http://127.0.0.1:8080
	@$(BIN)/renkei demo

test: $(VENV)/.installed-dev ## Install what the tests need and run all of them, on SQLite and PostgreSQL
	@sh deploy/debian.sh tests
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term

soak: $(VENV)/.installed-dev ## The long proofs: thousands of crashes, fuzz, ten times the data
	@sh deploy/debian.sh tests
	@$(BIN)/python -m pytest -m soak --override-ini addopts="--import-mode=importlib -ra"

check: $(VENV)/.installed-dev ## Format, lint, types, import rules, docs tests, migrations up and down
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@sh deploy/debian.sh tests
	@$(BIN)/python -m pytest -q tests/docs tests/migrations

bench: $(VENV)/.installed-dev ## Print the benchmark table: ratios to bare yardsticks, measured in one run
	@sh deploy/debian.sh bench
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.imaging

format: $(VENV)/.installed-dev ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

ohif: ## Fetch the full viewer (OHIF), which `renkei ohif` serves, into ./ohif
	@sh deploy/ohif.sh ohif

lock: ## Pin every dependency with its hashes again
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header -p 3.11 pyproject.toml deploy/build.in -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header -p 3.11 --extra dev pyproject.toml deploy/build.in -o requirements-dev.lock

clean: ## Remove what the other commands made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis var
