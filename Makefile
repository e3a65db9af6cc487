# make run    install, fetch the models, index the corpus, open the app on http://127.0.0.1:8501
# make test   install, run the whole suite
# make lint   install, ruff and mypy
# make clean  remove .venv and caches; your data stays (docs/privacy.md)
# MODEL=no    leave the 1.1 GB language model out: the coach then answers with the sources' own sentences

.PHONY: run setup test lint clean
.DEFAULT_GOAL := run

# The first Python that is new enough and can make virtual environments (3.11 first: the lock was tested
# with it), else the first that is new enough, whose set-up then says what it lacks.
CAN_VENV := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
NAMES := python3.11 python3.12 python3.13 python3 python
PYTHON ?= $(shell for check in "$(CAN_VENV)" "$(NEW_ENOUGH)"; do for name in $(NAMES); do \
	"$$name" -c "$$check" >/dev/null 2>&1 && echo "$$name" && exit 0; done; done)
NO_PYTHON := Python 3.11 or newer was not found: install it from https://www.python.org/downloads/ and run make again.
SETUP = $(if $(strip $(PYTHON)),$(PYTHON) scripts/setup.py,echo "$(NO_PYTHON)" >&2; exit 1;)
VENV_BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)

run:
	@$(SETUP) --again "make run" --serve $(if $(filter no,$(MODEL)),--without-model) $(if $(PORT),--port $(PORT))

setup:
	@$(SETUP) --again "make setup" $(if $(filter no,$(MODEL)),--without-model)

test:
	@$(SETUP) --again "make test" --install-only --dev
	@$(VENV_BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint:
	@$(SETUP) --again "make lint" --install-only --dev
	@$(VENV_BIN)/python -m ruff check .
	@$(VENV_BIN)/python -m ruff format --check .
	@$(VENV_BIN)/python -m mypy

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find coach ingest tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
