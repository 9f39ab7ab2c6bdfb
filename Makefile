# Two commands on a fresh machine with Python 3.11+ and make:
#   make sweep   set up .venv, run the main job, render its report
#   make test    set up .venv, run the tests
# Variables: PYTHON=python3.12   GRID=smoke   BUDGET=5min   ARGS="llm=qwen2_0_5b"   EXTRA=cpu|cuda|apple
#            PIP_ARGS="--index-url ..."   PYTEST_ARGS="-k front"   (UV=0 keeps plain pip)
#            WORKERS=2   processes that run tests   MACHINE=amx_64gib|avx2_8gib   (scripts/faked_machine.py)
#            LOCK=0   the newest versions that pyproject.toml allows, not those of locks/

PYTHON ?= python3
GRID ?= qwen2_family
BUDGET ?= 15min
VENV := .venv
BIN := $(VENV)/bin
EXTRA ?= $(shell $(PYTHON) scripts/which_extra.py)
UV ?= $(shell command -v uv 2>/dev/null)
WORKERS ?= 2
PYTEST := $(if $(MACHINE),$(BIN)/python scripts/faked_machine.py $(MACHINE)) $(BIN)/python -m pytest
export LOCK ?= 1

.PHONY: help sweep smoke test test-heavy check docs lock update clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

sweep: $(VENV)/.run-$(EXTRA)  ## the main job: a grid to a Pareto figure (GRID=, BUDGET=, ARGS=)
	$(BIN)/paretobench sweep +grid=$(GRID) budget=$(BUDGET) $(ARGS)

smoke:  ## the same on the two-minute grid
	@$(MAKE) --no-print-directory sweep GRID=smoke BUDGET=null

test: $(VENV)/.dev-$(EXTRA)  ## all fast tests
	$(PYTEST) -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-heavy: $(VENV)/.dev-$(EXTRA)  ## the tests that take minutes or gigabytes
	$(PYTEST) -m "heavy and not nightly" --timeout=1800 $(PYTEST_ARGS)

check: $(VENV)/.dev-$(EXTRA)  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-page:  ## the page's script: types, style, unit tests (needs Node and npm)
	npm ci --silent --no-audit --no-fund
	npm run --silent check

docs: $(VENV)/.dev-$(EXTRA)  ## the documentation's site, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open build/site/index.html"

lock: $(VENV)/pyvenv.cfg  ## add what is missing to locks/: after a change of pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python scripts/lock.py $(LOCK_ARGS)

update:  ## the newest versions into locks/, then every check and test with them
	@$(MAKE) --no-print-directory lock LOCK_ARGS=--upgrade
	@$(MAKE) --no-print-directory check docs test test-heavy

clean:  ## remove the virtual environment and caches, never results
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "paretobench needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 sweep" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first and alone: a build that is already here (say, a CPU wheel in pip's own search
# path) then satisfies the pin that the rest of the extra carries.
$(VENV)/.run-$(EXTRA): pyproject.toml locks/$(EXTRA).txt | $(VENV)/pyvenv.cfg
	PYTHON_BIN=$(BIN)/python UV="$(UV)" scripts/install.sh "$(EXTRA)" $(PIP_ARGS)
	@touch $@

$(VENV)/.dev-$(EXTRA): pyproject.toml locks/$(EXTRA).txt | $(VENV)/pyvenv.cfg
	PYTHON_BIN=$(BIN)/python UV="$(UV)" scripts/install.sh "$(EXTRA),accuracy,dev" $(PIP_ARGS)
	@touch $@ $(VENV)/.run-$(EXTRA)
