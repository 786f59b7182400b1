# `make demo` and `make test` need Python 3.11 or later and a package index, nothing else.

PYTHON ?= python3
BIN := .venv/bin
CLIP_BIN := .venv-clip/bin
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --quiet --upgrade

# `make bench PART="ingest search"` measures some, `BENCH=--plot` draws, `BENCH=--short` only tries.
PART ?=
BENCH ?=

TESTS := tests --ignore tests/accuracy --ignore tests/browser --ignore tests/faults

.PHONY: demo test test-slow test-browser accuracy test-clip fuzz faults soak bench check format lock clean

demo: .venv/ready
	$(BIN)/findme demo

test: .venv/ready
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not slow" $(TESTS)

# Over HTTP what `test` asks over Socket Mode; faults of Slack and the database, kills, whole programs
# started and stopped, changes of engine, and whatever reads hundreds of photos.
test-slow: .venv/ready
	$(BIN)/python -m pytest -n 3 --dist worksteal -m slow $(TESTS)

# The local workspace's page in Debian's Chromium (or FINDME_CHROMIUM), as a person uses it.
test-browser: .venv/ready
	FINDME_BROWSER=required $(BIN)/python -m pytest -n 2 tests/browser

# The figures that the README promises, over all of LFW: some minutes.
accuracy: .venv/ready
	$(BIN)/python -m pytest tests/accuracy

# Asked for by their mark, these tests fail where the extra can't be imported; `test` skips them.
test-clip: .venv-clip/ready
	$(CLIP_BIN)/python -m pytest -m clip tests --ignore tests/browser --ignore tests/faults

# 10,000 damaged files through the decoder; `test` has 300 of them.
fuzz: .venv/ready
	$(BIN)/python -m tests.fuzz

# Kills, outages and full disks, for minutes; prints its figures. FINDME_FAULT_SEED, _KILLS, _PHOTOS.
faults: .venv/ready
	$(BIN)/python -m pytest tests/faults --ignore tests/faults/test_soak.py

# Posts, deletes, searches and restarts at random for FINDME_SOAK_MIN minutes (10), then an audit.
soak: .venv/ready
	$(BIN)/python -m pytest tests/faults/test_soak.py

# How fast and how large, beside the goals: a table and bench.json. Hours in all; PART=start is a minute.
bench: .venv/ready
	$(BIN)/python -m tests.benchmarks $(BENCH) $(PART)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tests.checks.secrets_scan
	$(BIN)/python -m tests.checks.audit constraints.txt constraints-clip.txt

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every version and hash that is installed, for every Python and platform, without addresses.
# The extra `clip` has a lock of its own: its pins would hold everybody's install back. The image's
# is the first one without what only developers need.
lock:
	$(LOCK) --extra demo --extra dlib --group dev --output-file constraints.txt
	$(LOCK) --extra demo --extra clip --group test --output-file constraints-clip.txt
	$(LOCK) --extra demo --extra dlib --group build --constraints constraints.txt --output-file constraints-image.txt

.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Findme needs Python 3.11 or later; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv-clip/ready: constraints-clip.txt | .venv/ready
	$(BIN)/python -m venv .venv-clip
	$(CLIP_BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints-clip.txt
	$(CLIP_BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv .venv-clip build dist
