# Everything starts here; `make help` lists the targets. Nothing needs to be installed before but Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Many processes are started here; what Python has compiled once it keeps for the next.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test lint types check docs soak fuzz bench growth sdk sdk-check clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/with-demo  ## replay a quarter of real purchases and settle it (DEMO="--to 2017-12-31" for the year)
	$(BIN)/hansa demo $(DEMO)

serve: $(VENV)/with-hub  ## set up a sandbox hub in hansa-data and serve it on port 8080
	$(BIN)/hansa init --environment sandbox
	$(BIN)/hansa serve

test: $(VENV)/with-dev  ## run all tests, three files at a time, since many wait for servers more than they work
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/with-dev  ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/with-dev  ## check types, strictly
	$(BIN)/mypy

check: test lint types  ## all three

soak: $(VENV)/with-dev  ## run what takes minutes: machine, threads, requests, a storm over everything, killed files, a year of settlement; SOAK="--seed 7" for one again
	$(BIN)/python -m pytest --soak -s tests/hub/test_model.py tests/hub/test_threads.py tests/hub/test_schemathesis.py \
	    tests/hub/api/test_beside_the_lane.py tests/hub/test_storm.py tests/hub/files/test_kills.py tests/settlement/core/reconciliation tests/settlement/year tests/bench $(SOAK)

fuzz: $(VENV)/with-fuzz  ## let atheris look for bytes that a reader fails on, ten minutes each; FUZZ="json --seconds 60" for one
	$(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(VENV)/with-dev  ## measure, as a table; BENCH="--json bench.json" for scripts
	$(BIN)/python -m tests.bench $(BENCH)

growth: $(VENV)/with-growth  ## draw rate and latency over what grows into docs/growth, for hours; GROWTH="--only connections"
	$(BIN)/python -m tests.bench.growth --folder docs/growth $(GROWTH)

docs: $(VENV)/with-dev  ## build the documentation as a site into build/docs; whatever it warns of fails it
	$(BIN)/python -m mkdocs build --quiet

sdk: $(VENV)/with-hub  ## build the merchants' wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist ./partner_sdk

sdk-check: sdk  ## install the wheel in empty environments of each Python here and prove that it brings no server
	$(BIN)/python tests/sdk_check.py dist $(PYTHONS)

clean:  ## remove what was built and installed here
	rm -rf $(VENV) dist build demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/with-hub: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/with-demo: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable ".[demo]"
	@touch $@

$(VENV)/with-fuzz: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable ".[fuzz]"
	@touch $@

$(VENV)/with-growth: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable ".[growth]"
	@touch $@

$(VENV)/with-dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable ".[dev]"
	@touch $@
