# Two commands: `make run` opens the app, `make test` runs the tests.
# Each first puts what it needs into .venv; a second call starts at once.
# Kept to what GNU make 3.81 knows, the version macOS ships.

PORT   ?= 8501
PYTHON ?=

VENV       := .venv
PY         := $(VENV)/bin/python
PIP        := $(PY) -m pip install --disable-pip-version-check
RUN_READY  := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test

# Prints the version of the Python that runs it, and what that Python lacks; fails unless it will do.
SUITS = import sys; v = sys.version_info; print("%d.%d.%d" % tuple(v[:3])); \
        import importlib.util as u; lacks = [m for m in ("ensurepip", "_ssl", "_sqlite3") if u.find_spec(m) is None]; \
        lacks and print("without " + ", ".join(lacks)); sys.exit(bool(lacks) or not (3, 11) <= tuple(v[:2]) <= (3, 13))

.PHONY: help run test test-slow lint types coverage example references notebook docs install bench-install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY) ## serve the app (PORT=8501)
	$(PY) -m streamlit run app.py --server.port $(PORT)

test: $(TEST_READY) ## every test but the slow ones
	$(PY) -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(TEST_READY) ## the slow tests
	$(PY) -m pytest -m slow

lint: types ## pyright and ruff
	$(PY) -m ruff check .

types: $(TEST_READY) ## pyright
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(PY) -m pyright

coverage: $(TEST_READY) ## how much of each wing the tests run, without the slow tests
	$(PY) -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(PY) -m benchmarks.coverage_by_wing

example: $(RUN_READY) ## train the example run that ships with the app again
	PYTHONPATH=. $(PY) benchmarks/example.py

references: $(RUN_READY) ## measure what real-vs-real gives again (an hour; MNIST needs GANOMETER_DATA)
	PYTHONPATH=. $(PY) benchmarks/references.py

notebook: $(TEST_READY) ## run the notebook of the documentation, and keep what it shows
	$(PY) -m benchmarks.notebook

docs: $(RUN_READY) ## the documentation, into build/docs; a broken link fails
	$(PIP) -r requirements-docs.txt
	$(PY) -m mkdocs build --strict

install: $(TEST_READY) ## only prepare .venv, for run and test

bench-install: $(RUN_READY) ## prepare .venv for benchmarks/
	$(PIP) -r requirements-bench.txt

clean: ## remove .venv and every cache; your runs are elsewhere and stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .coverage static/*.js
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last: a broken installation is taken up again.
$(RUN_READY): requirements.txt constraints.txt | $(PY)
	$(PIP) "pip>=24.1"
	$(PIP) -r requirements.txt
	@touch $@

$(TEST_READY): requirements-dev.txt requirements-onnx.txt requirements.txt constraints.txt | $(PY)
	$(PIP) "pip>=24.1"
	$(PIP) -r requirements-dev.txt
	@touch $(RUN_READY) $@

$(PY):
	@for python in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3); do \
	    about=`"$$python" -c '$(SUITS)' 2>/dev/null` && { \
	        echo "Preparing $(VENV) with $$python (Python $$about)"; \
	        "$$python" -m venv --clear $(VENV) && exit 0; \
	        rm -rf $(VENV); exit 1; \
	    }; \
	    found="$$found; $$python is "`echo $${about:-missing or far too old}`; \
	done; \
	echo "Ganometer needs Python 3.11, 3.12 or 3.13 with ensurepip, ssl and sqlite3, and this is what there is:" >&2; \
	echo "$${found#; }." >&2; \
	echo "Install one (Debian: python3-venv too), or name one: make run PYTHON=/path/to/python3.12" >&2; \
	exit 1
