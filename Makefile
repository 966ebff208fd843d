# What to type: `make demo` to see it, `make test` to check it. `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/pip
PYTEST := $(VENV)/bin/python -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-seeds test-stack test-page soak lint local bench clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: ## Watch a simulated fleet take a new image; no AWS account needed
	cargo build --bin funade
	@cargo run --quiet --bin funade -- demo

test: test-rust test-seeds test-stack test-page ## Run every test

test-rust: ## The Rust tests only
	cargo test --workspace --all-targets

test-seeds: ## Twenty thousand unlucky histories, every invariant after every step
	cargo run --release -p funade-sim -- --seeds 0..20000

soak: ## New plans and ever more unlucky histories, until one breaks an invariant or you stop it
	PROPTEST_RNG_SEED=$$(date +%s) PROPTEST_CASES=100000 \
	  cargo test --release -p funade-tests --test plan_properties
	cargo build --release -p funade-sim
	@from=$$(date +%s)000; while target/release/funade-sim --seeds $$from..$$((from + 100000)); \
	  do from=$$((from + 100000)); done

test-stack: $(VENV)/ready ## The real functions from template.yaml on a local stack
	cargo build --workspace
	$(PYTEST) tests/stack

# Root can install the browser; for others the tests are skipped and say what to install.
test-page: $(VENV)/ready ## The fleet's page in a headless Chromium
	@{ command -v chromium && command -v chromedriver; } >/dev/null || [ "$$(id -u)" != 0 ] \
	  || ! command -v apt-get >/dev/null \
	  || { apt-get update && apt-get install -y chromium chromium-driver; }
	cargo build -p funade-report --example sample
	$(PYTEST) -rs tests/page

lint: ## Formatting, lints, documentation, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	cargo deny check

local: $(VENV)/ready ## Leave a local stack running to play with
	cargo build --workspace
	$(VENV)/bin/python tests/stack/local.py

bench: ## Measure start-up, size, calls and speed
	cargo build --release -p image-push -p parameter-change -p service-event -p sweep -p deploy -p notify
	cargo run --release -p funade-bench

clean: ## Remove all that was built or installed here
	rm -rf target $(VENV) .aws-sam

# Python tools, pinned, in the project's own environment.
$(VENV)/ready: tests/stack/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --requirement tests/stack/requirements.txt
	touch $@
