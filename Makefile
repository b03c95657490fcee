# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test quick check coverage fuzz clean
.DELETE_ON_ERROR:

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/demo: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable ".[demo]"
	touch $@

.venv/test: pyproject.toml research/pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable ".[dev]" --editable ./research
	touch $@

demo: .venv/demo
	mkdir -p out
	test -f out/key.txt || $(BIN)/stegafield keygen out/key.txt
	$(BIN)/python -c "import skimage.data, PIL.Image; PIL.Image.fromarray(skimage.data.chelsea()).save('out/cat.png')"
	$(BIN)/stegafield hide --carrier era5 --message "meet at dawn" --key-file out/key.txt \
		--out out/t2m.nc --report out/t2m.json --figure out/t2m.png --force
	$(BIN)/stegafield hide --carrier image --cover out/cat.png --bpp 1 --message "under the third stone" --key-file out/key.txt \
		--out out/cat-stego.png --report out/cat.json --figure out/cat-figure.png --force
	@echo "revealed from the weather field:"; $(BIN)/stegafield reveal out/t2m.nc --key-file out/key.txt; echo
	@echo "revealed from the photograph:"; $(BIN)/stegafield reveal out/cat-stego.png --key-file out/key.txt; echo
	@echo "look at out/t2m.png and out/cat-figure.png"

# Everything that CI runs.
test: check
	$(BIN)/python -m pytest -q

# What to run while you work: under a minute on two cores.
quick: .venv/test
	$(BIN)/python -m pytest -q -m "not slow"

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

coverage: .venv/test
	$(BIN)/python -m pytest -q --cov --cov-report=term
	$(BIN)/coverage json -q -o out/coverage.json
	$(BIN)/python tests/coverage_floor.py out/coverage.json

# 100,000 damaged files at every verb: about an hour on two cores; goes on where it was stopped.
fuzz: .venv/test
	$(BIN)/python -m tests.fuzz --cases 100000 --out out/fuzz

clean:
	rm -rf .venv out build dist research/dist
