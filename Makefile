# Two commands set everything up on a fresh machine with Python 3.11+ and git: make demo, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test check format lint types contracts docs lock clean

demo: $(VENV)/.base  ## the main job on an embedded simulated plant, on the screen of this terminal
	$(BIN)/leafgate demo

test: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.dev format lint types contracts test  ## the whole gate, the same in CI

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## print docs/cli.md anew
	$(BIN)/python -m edge_agent.manual > docs/cli.md

lock: $(VENV)/.dev  ## renew both locks; needs uv
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml --extra tui -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml --extra dev -o requirements-dev.lock

$(VENV)/bin/python:
	@echo "== making the environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

# The stamps name what was installed, so that the second time is quick.
$(VENV)/.base: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "== installing what the gateway and its screen need"
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements-dev.lock | $(VENV)/bin/python
	@echo "== installing what the tests need"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) build dist *.egg-info
