# What a new user types: `make repro` builds everything, `make test` checks it. Both install first.

PYTHON ?= python3
BIN := .venv/bin
export DVC_NO_ANALYTICS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Stages run `python`: the one that belongs to the project.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Tests run side by side, a part of them on each core: a folder, or a file that lies in none; the longest begin.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
PARTS := tests/learning tests/serving tests/test_pipeline.py
PARTS += $(filter-out $(PARTS) %__pycache__,$(patsubst %/,%,$(wildcard tests/*/)) $(wildcard tests/test_*.py))
LONG := tests/test_kills.py tests/test_comparison.py tests/test_pipeline.py tests/test_cluster.py
LONG += $(filter-out $(LONG),$(shell grep -rlF mark.long tests --include='test_*.py'))
SIDE_BY_SIDE = $(MAKE) --keep-going --jobs=$(JOBS) --output-sync=target

.PHONY: install repro test test-long lint format lock weights clean $(PARTS:%=quick/%) $(LONG:%=long/%)

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, came " + sys.version.split()[0] + "; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --require-hashes -r requirements.lock
	@# By all cores, where pip takes one. Packages bring files that are not for this Python; pip passes over them too.
	$(BIN)/python -W ignore -m compileall -q -j 0 .venv/lib > /dev/null || [ $$? = 1 ]
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m brainmri offline
	touch $@

repro: install
	$(BIN)/dvc repro

test: install
	$(SIDE_BY_SIDE) $(PARTS:%=quick/%)

test-long: install
	$(SIDE_BY_SIDE) $(LONG:%=long/%)

# By 5 pytest says that all tests of a file are long ones.
$(PARTS:%=quick/%):
	$(BIN)/python -m pytest -m "not long" $(@:quick/%=%) || [ $$? = 5 ]

$(LONG:%=long/%):
	$(BIN)/python -m pytest -m long $(@:long/%=%)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The packages whose version can change what a stage writes; dvc.yaml names them stage by stage.
PINNED := captum fastai fasttransform joblib matplotlib monai nibabel nilearn numpy opencv-python-headless pebble pillow pydantic pydicom pyjpegls \
	python-gdcm safetensors scikit-learn scipy torch torchvision

# Resolves anew for every platform; needs uv, and writes no address of an index.
lock:
	uv pip compile pyproject.toml --extra cluster --extra s3 --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --output-file requirements.lock $(LOCK_FLAGS)
	$(MAKE) pins.yaml

pins.yaml: requirements.lock Makefile
	{ echo '# Made by `make pins.yaml` from requirements.lock: the versions that stages depend on.'; \
	for name in $(PINNED); do sed -nE "s/^($$name)==([^ ;]+).*/\1: \"\2\"/p" requirements.lock; done; } > $@

# The list of what the shipped detectors answer by, after a new file of them; `cd weights && sha256sum -c SHA256SUMS` checks it.
weights:
	cd weights && LC_ALL=C sha256sum */classifier/* */novelty/* */operating_point.json > SHA256SUMS

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
