# Two commands on a fresh machine: `make demo` and `make test`. Needed before: Python 3.11 or newer,
# make, and a package registry that pip can reach. Everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help setup demo screenshots test soak faults check lock clean bench bench-peers

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Test processes side by side; `make test WORKERS=0` runs them in one, for a debugger.
WORKERS ?= 2
# What `make demo` and `make test` pass on, e.g. `make demo ARGS=--once`.
ARGS ?=
UV_VERSION := 0.13.9
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

# pip is to ask nobody and to say only what went wrong; a PYTHONPATH of the caller's is not ours.
export PIP_NO_INPUT := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
unexport PYTHONPATH
unexport PYTHONHOME

# The first of these that is Python 3.11 or newer; PYTHON=/path/to/python comes before all of them.
define find_python
python=; \
for name in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3 python; do \
  if [ -n "$$name" ] && command -v "$$name" >/dev/null 2>&1 \
    && "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
    python="$$name"; break; \
  fi; \
done; \
if [ -z "$$python" ]; then \
  echo 'No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3' >&2; \
  exit 1; \
fi
endef

help: ## This list
	@echo 'lienthong: trục liên thông một cửa. Targets:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make .venv with the locked packages (done by the others when needed)
	@echo "$(VENV) is ready"

demo: $(READY) ## The hub with simulated departments and portals, and what it does (ARGS=--once ends then)
	@$(BIN)/hub demo $(ARGS)

screenshots: $(READY) ## Pictures of the console into docs/img (takes the system's Chromium)
	@$(BIN)/python scripts/screenshots.py

test: $(READY) ## All tests (ARGS=tests/unit for some of them)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(READY) ## Five departments, two receivers, faults for five minutes (SEED=1 STORE=sqlite|postgresql)
	@$(BIN)/python -m tests.e2e.soak --seed $(or $(SEED),1) --store $(or $(STORE),sqlite) $(ARGS)

faults: $(READY) ## The fault suite in full, on both stores (ARGS="-k store" for some of it)
	@HUB_FAULTS=full $(BIN)/python -m pytest -q -n 0 --durations=20 $(or $(ARGS),tests/e2e/faults tests/e2e/test_workers.py tests/e2e/test_deliveries.py tests/e2e/test_killed.py tests/integration/test_deliver_crash.py tests/integration/test_indicators_recounted.py)

bench: $(READY) ## Every row of docs/performance.md, beside the peers, for hours (ARGS=--small for minutes)
	@$(BIN)/python -m bench $(ARGS)

bench-peers: $(READY) ## What the hub is measured against, into build/peers (npm and pip)
	@$(BIN)/python -m bench.peers.installed

check: $(READY) ## Lint, format, types, import rules: what CI runs before the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock: ## Renew both lock files from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(find_python); \
	"$$python" -m venv --clear build/uv && build/uv/bin/pip install -qq uv==$(UV_VERSION)
	@build/uv/bin/uv pip compile $(LOCK_OPTIONS) $(ARGS) --group dev pyproject.toml -o requirements.lock
	@build/uv/bin/uv pip compile $(LOCK_OPTIONS) $(ARGS) -c requirements.lock pyproject.toml -o requirements-run.lock
	@git --no-pager diff --stat -- requirements.lock requirements-run.lock

clean: ## Remove .venv and everything built; data of a hub stays
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so an interrupted setup is done again.
$(READY): requirements.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  $(find_python); \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV) || { \
	    echo 'Python could not make a virtual environment; on Debian and Ubuntu the package python3-venv is missing.' >&2; \
	    exit 1; }; \
	fi
	@echo 'Installing the locked packages (a minute or two when nothing is cached)'
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock || { \
	  echo 'The packages could not be installed: can pip reach its registry? pip config list shows which it asks.' >&2; \
	  exit 1; }
	@echo 'Installing lienthong itself'
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@
