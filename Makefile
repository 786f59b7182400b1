# `make demo` and `make test` need Python 3.11 or later and a package index, nothing else.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format lock clean

demo: .venv/ready
	$(BIN)/findme demo

test: .venv/ready
	$(BIN)/python -m pytest -n 2 tests

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every version and hash that is installed, for every Python and platform, without addresses.
# The extra `clip` stays out: its pins would hold everybody's install back.
lock:
	uv pip compile pyproject.toml --extra demo --extra dlib --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet --upgrade --output-file constraints.txt

.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Findme needs Python 3.11 or later; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv build dist
