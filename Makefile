# Everything runs in .venv/, made by `make setup`. Needs: Python 3.11 (with venv) and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8080
DIR ?= .demo
BIN := .venv/bin
# Where the broker, PostgreSQL and the browser are, as ESTATE_* variables.
WHERE := eval "$$($(BIN)/python -m tools.where)"

# Many containers set it; then every process we start would compile the hub anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-test web wheel demo test fuzz lint bench lock clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what the demo needs: .venv, locked packages, a broker, the built console
	@$(if $(PYTHON),,echo "install Python 3.11 first: apt-get install python3 python3-venv" >&2; exit 1;) \
	$(PYTHON) -m tools.setup demo

setup-test: ## As setup, and what the tests need: PostgreSQL, Chromium, a Chinese font, mbpoll, an RTSP server
	@$(if $(PYTHON),,echo "install Python 3.11 first: apt-get install python3 python3-venv" >&2; exit 1;) \
	$(PYTHON) -m tools.setup test

web: ## Build the console (web/dist) with the Node in .venv
	@$(PYTHON) -m tools.setup web

wheel: setup ## Build a wheel with the console inside (dist/)
	@$(BIN)/uv build --quiet --wheel --out-dir dist

demo: setup ## Run the demo estate: PORT=8080, state in DIR=.demo
	@$(WHERE); exec $(BIN)/estate-hub demo --port $(PORT) --dir $(DIR)

# Three workers keep two cores busy: in the tests of devices and boxes time is mostly waited for.
test: setup-test ## Run the whole test suite
	@$(WHERE); exec $(BIN)/pytest -n 3 --dist loadfile

fuzz: setup-test ## Try every decoder with CASES=10000 damaged inputs; what fails is kept in tests/fuzz/seeds
	@$(WHERE); export ESTATE_FUZZ=$(or $(CASES),10000); \
	exec $(BIN)/pytest -n 2 --timeout 7200 tests/fuzz

lint: setup ## ruff, strict mypy, the console's type check
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@if [ -f web/package.json ]; then PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web run --if-present typecheck; fi

bench: setup-test ## Print the measured figures, write build/bench.json
	@$(WHERE); exec $(BIN)/python -m tools.bench

lock: setup ## Resolve pyproject.toml anew into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--all-extras pyproject.toml -o requirements.lock

clean: ## Remove what was built (keeps .venv and the demo's state)
	@rm -rf build dist web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -not -path './web/node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## Also remove .venv, node_modules and .cache
	@rm -rf .venv .cache web/node_modules
