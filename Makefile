# Two commands set everything up on a fresh machine: `make quickstart` and `make test`.
# `make test-integrations` runs the tests of trainers' adapters with the trainers themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-dev
# Frameworks that can't live together have environments of their own: a folder of tests each, with its requirements;
# of what is in requirements-no-deps.txt, requirements.txt has the part that the tests need.
INTEGRATIONS ?= common api verl openenv browser ray
# uv doesn't read pip's settings: where they name wheels on disk or a certificate, it is told.
PIP_HAS = $(shell $(PYTHON) -m pip config get global.$(1) 2>/dev/null)
FIND_LINKS = $(or $(PIP_FIND_LINKS),$(call PIP_HAS,find-links))
CERT = $(or $(PIP_CERT),$(call PIP_HAS,cert))
UV = $(if $(FIND_LINKS),UV_FIND_LINKS="$(FIND_LINKS)") $(if $(CERT),SSL_CERT_FILE="$(CERT)") $(BIN)/uv -q

.PHONY: quickstart test test-integrations lint bench clean

quickstart: $(STAMP)
	$(BIN)/deepgym quickstart

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

test-integrations: $(INTEGRATIONS:%=test-integrations-%)

test-integrations-%: .venvs/%/.installed
	OMP_NUM_THREADS=1 .venvs/$*/bin/python -m pytest -n 2 --dist loadgroup $(or $(ARGS),tests/integrations/$*)

.SECONDEXPANSION:
.PRECIOUS: .venvs/%/.installed
.venvs/%/.installed: tests/integrations/%/requirements.txt pyproject.toml $(STAMP) \
		$$(wildcard tests/integrations/$$*/requirements-no-deps.txt)
	$(UV) venv --clear --python $(BIN)/python .venvs/$*
	$(UV) pip install --python .venvs/$*/bin/python -r $< -e '.[test]'
	$(if $(filter %-no-deps.txt,$^),$(UV) pip install --python .venvs/$*/bin/python --no-deps -r $(filter %-no-deps.txt,$^))
	touch $@

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/throughput.py

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .venvs build dist *.egg-info
