# Everything runs in .venv, which the first target makes. PYTHON=python3.12 make test uses another interpreter.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The tests' clips are short: threads that wait for each other are slower than one.
WORKERS ?= 2
TEST_THREADS := OMP_NUM_THREADS=$(or $(OMP_NUM_THREADS),1) OMP_WAIT_POLICY=PASSIVE

.PHONY: help demo test slow check bench docs clean format

help:
	@echo "make demo    the whole pipe on sounds made here (make demo DATA=fsdd downloads 12 MB of real speech)"
	@echo "make test    the tests          make slow   the ones that take minutes"
	@echo "make check   format, lint, types, docstrings, house rules"
	@echo "make bench   the benchmarks     make docs   docs/reference from the code"
	@echo "make clean   removes .venv and caches; runs/ stays"

demo: .venv/train.done
	$(BIN)/auricle demo $(if $(DATA),--data $(DATA))

test: .venv/dev.done
	$(TEST_THREADS) $(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile $(ARGS)

slow: .venv/dev.done
	$(TEST_THREADS) $(BIN)/python -m pytest -m slow $(ARGS)

check: .venv/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pydoclint -q src
	$(TEST_THREADS) $(BIN)/python -m pytest tests/house --ignore=tests/house/test_one_file.py  # that one trains; make test runs it

format: .venv/dev.done
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/dev.done
	@for each in benchmarks/[a-z]*.py; do echo "== $$each"; $(BIN)/python $$each || true; done

docs: .venv/dev.done
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/results.py
	$(BIN)/python docs/augments.py --table

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $$($(PYTHON) --version 2>&1 || echo "$(PYTHON) is not there"); auricle needs Python 3.11 or newer"; \
	  echo "hint: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; } >&2
	@$(PYTHON) -m venv .venv || { echo "error: $(PYTHON) can't make a virtual environment" >&2; \
	  echo "hint: Debian and Ubuntu have it in the package python3-venv" >&2; rm -rf .venv; exit 2; }

# torch comes first and alone, so that nothing else chooses its build. Where another build is wanted, pip's own settings say so
# (PIP_EXTRA_INDEX_URL=...).
.venv/train.done: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -q --upgrade "pip>=25.1"
	$(PIP) install -q -c constraints.txt torch
	$(PIP) install -q -c constraints.txt -e ".[train]"
	@touch $@

.venv/dev.done: .venv/train.done
	$(PIP) install -q -c constraints.txt --group dev
	$(PIP) install -q -c constraints.txt --no-deps timm  # alone: the tests' vision networks do without torchvision
	@touch $@
