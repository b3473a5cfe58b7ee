# What people and CI call. `make help` lists it; scripts/install.sh makes .venv, quickly and offline when nothing changed.
.DEFAULT_GOAL := help
.PHONY: help serve test test-slow test-vllm test-litellm test-guardrails test-aiperf test-ray lint format dev lock clean

BIN := .venv/bin
# For `serve`: options of `forebay serve`. For `test` and the like: options of pytest.
ARGS ?=
# How many processes `make test` runs; 0: none besides pytest's own, as debuggers and -x like it.
JOBS ?= 2
# A Python 3.11 or newer to make .venv with; empty: the newest one found.
PYTHON ?=
export PYTHON

# Set for some other purpose, these would let pip install past .venv, or Python import past it.
unexport PIP_USER PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH

# Debian packages for tests: the browser, what the program that drives it is linked against, and git.
PACKAGES := chromium libatomic1 git prometheus systemd

# What `make serve` can do without another word: all that is small, and works on any machine.
SERVED := --extra engine --extra convert --extra hub --extra guards --extra login --extra oauth --extra postgres --extra prompts --extra redis --extra semantic --extra store
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

serve: ## install what is needed into .venv and serve: make serve ARGS="--port 9000 --model x.gguf"
	@scripts/install.sh serve
	@exec $(BIN)/forebay serve $(ARGS)

test: lint ## lint, then every test that is not slow: make test ARGS="tests/web -x"
	@scripts/apt.sh $(PACKAGES) || true
	@scripts/node.sh || true
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow and not vllm and not litellm and not guardrails and not aiperf and not ray" $(ARGS)

test-slow: dev ## the slow tests alone
	@scripts/apt.sh $(PACKAGES) || true
	@scripts/node.sh || true
	$(BIN)/python -m pytest -m "slow and not vllm and not litellm and not guardrails and not aiperf and not ray" $(ARGS) || test $$? = 5 # there may be none

test-vllm: dev ## the tests that start a real vLLM; the first time downloads 1.5 GB into .venv-vllm
	@scripts/vllm.sh
	$(BIN)/python -m pytest -m vllm $(ARGS)

test-litellm: ## the tests with a real LiteLLM, in .venv-litellm: it wants older versions of what the others use
	@scripts/litellm.sh
	.venv-litellm/bin/python -m pytest -m litellm tests/providers/litellm $(ARGS)

test-guardrails: dev ## the tests with Guardrails AI's own validators and Presidio, in .venv-guardrails
	@scripts/guardrails.sh
	.venv-guardrails/bin/python -m pytest -m guardrails $(ARGS)

test-aiperf: dev ## the tests that measure with NVIDIA's AIPerf, too, which is in .venv-aiperf
	@scripts/aiperf.sh
	$(BIN)/python -m pytest -m aiperf tests/cli/bench $(ARGS)

test-ray: ## the tests with a Ray cluster of three nodes, in .venv-ray
	@scripts/ray.sh
	.venv-ray/bin/python -m pytest -m ray tests/rayserve $(ARGS)

lint: dev ## ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=src $(BIN)/mypy --explicit-package-bases src/forebay tests
	$(BIN)/lint-imports

format: dev ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dev: ## install everything that working on Forebay needs into .venv
	@scripts/install.sh dev

lock: ## write requirements/*.txt anew from pyproject.toml; with UPGRADE=1 to the newest versions
	@scripts/install.sh venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(COMPILE) $(SERVED) pyproject.toml requirements/build.in --output-file requirements/serve.txt
	$(COMPILE) $(SERVED) --group dev --constraint requirements/serve.txt pyproject.toml requirements/build.in \
		--output-file requirements/dev.txt

clean: ## remove everything that was installed or built here
	rm -rf .node .venv .venv-vllm .venv-litellm .venv-guardrails .venv-aiperf .venv-ray dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
