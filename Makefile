# make train: install everything, run the main job on the miniature data set
# make test:  install everything, check the style and run the tests
# make docs:  the documentation, as HTML in site/
# make upstream SPEECHBRAIN=path [REPOSITORY=https://...]: the recipe for a
#             SpeechBrain work tree, and SpeechBrain's own checks of it
PYTHON ?= python3
VENV ?= .venv
BIN = $(CURDIR)/$(VENV)/bin
RECIPE = recipes/DCASE2020
# Empty: what pip chooses, with VENV=.venv-newest, say.
CONSTRAINTS ?= --constraint constraints.txt
HPARAMS ?= hparams/ppcen_dat.yaml

.PHONY: install train test lint format docs benchmarks upstream clean

install: $(VENV)/.installed

# Two packages are compiled: pesq, and sed_scores_eval for the tests.
$(VENV)/.installed: setup.py constraints.txt
	@command -v $${CC:-cc} >/dev/null || { echo "A C compiler is needed:\
	 apt-get install build-essential python3-dev python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(CONSTRAINTS) --editable .[test]
	touch $@

train: install
	cd $(RECIPE) && $(BIN)/python train.py $(HPARAMS) $(ARGS)

# A process with one thread for each processor: threads of several processes
# that wait for one another cost more than they bring. The files of tests in
# their order, since the longest are not those with the most tests.
test: install lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# The files that git tracks, so that nothing that was written here by a command
# is looked at; without git, all.
files = $(or $(wildcard $(shell git ls-files -- $(1) 2>/dev/null)),.)

lint: install
	$(BIN)/ruff check --force-exclude $(call files,'*.py')
	$(BIN)/ruff format --check --force-exclude $(call files,'*.py')
	$(BIN)/yamllint --strict $(call files,'*.yaml')
	$(BIN)/codespell $(call files)
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Needs the network for what it installs; the pages themselves need none.
docs: $(VENV)/.documentation
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(VENV)/.documentation: $(VENV)/.installed
	$(BIN)/pip install --quiet $(CONSTRAINTS) --editable .[docs]
	touch $@

benchmarks: install
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

# REPOSITORY is the address from which pip can install sb_sed.
upstream: install
	$(BIN)/python contrib/upstream "$(or $(SPEECHBRAIN),$(error Say where the\
	 work tree is: make upstream SPEECHBRAIN=path))" --repository="$(REPOSITORY)"

clean:
	rm -rf $(RECIPE)/results $(RECIPE)/data
