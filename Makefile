# make demo: install, play one evening, say what happened.    make test: install what the tests need, run them.
# Everything is kept in .venv; nothing outside the checkout is written. Stamps in .venv keep a second call from installing again.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PINS := pyproject.toml constraints.txt
WORKERS ?= 2

.PHONY: demo test gates checks bench weights wheel-check clean help
.DELETE_ON_ERROR:

help:
	@echo "make demo         install into .venv and play ed_evening; files in runs/demo"
	@echo "make test         install what the tests need, run them"
	@echo "make gates        formatting, lint, types, layers"
	@echo "make wheel-check  build the wheel, try it in an empty environment"
	@echo "make checks       the long evidence runs of checks/, one after the other; each goes on where it stopped"
	@echo "make bench        the measurements of benchmarks/, one process, in turn"
	@echo "make weights      teach the shipped models anew, by their recipes"
	@echo "make clean        remove what the tools left (.venv and runs stay)"

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("clinsim needs Python 3.11 or newer; $(PYTHON) is %d.%d: make PYTHON=... names another" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/core: .venv/made $(PINS)
	@echo "Installing clinsim into .venv"
	@$(PIP) --editable .
	@touch $@

# torch first, by its exact release: with it in place the ranges of other packages are met, and no other build is fetched.
.venv/full: .venv/core $(PINS)
	@echo "Installing what the tests need into .venv (some minutes)"
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[llm,mcp,train,fhir,notebooks,test]' 'pettingzoo[classic]'
	@touch $@

demo: .venv/core
	@rm -rf runs/demo
	@$(BIN)/clinsim run ed_evening --seed 0 --out runs/demo
	@echo "The evening is in runs/demo: trace.jsonl (everything that was seen, done and changed) and run.json (its summary)."
	@echo "Play it again and compare: $(BIN)/clinsim verify runs/demo/trace.jsonl"

test: .venv/full
	$(BIN)/python -m pytest -n $(WORKERS)

gates: .venv/full
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel-check: .venv/full
	$(BIN)/python .ci/wheel_check.py

checks: .venv/full
	@for script in $(sort $(wildcard checks/*.py)); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

bench: .venv/full
	@for script in $(sort $(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

# The models that come with the package, made anew from their recipes (some minutes); the bits differ from machine to machine, what they do hardly does.
weights: .venv/full
	@rm -rf runs/start runs/taught_itself
	@$(BIN)/clinsim train sft --config training/configs/start.yaml --out runs/start
	@cp runs/start/best/[!m]* runs/start/best/model.safetensors agents/weights/start/
	@$(BIN)/clinsim train quick --out runs/taught_itself
	@mkdir -p agents/weights/quick; cp runs/taught_itself/best/config.json runs/taught_itself/best/model.safetensors agents/weights/quick/
	@echo start > agents/weights/quick/words_of.txt

clean:
	rm -rf build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
