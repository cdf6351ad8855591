# The one door. `make run` and `make test` are all a newcomer needs.

# One target directory outside the clone when it exists, so that CI and fresh clones build warm.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/garrison
export CARGO_TARGET_DIR ?= $(if $(wildcard $(CACHE)/target),$(CACHE)/target,$(CURDIR)/target)
export GARRISON_VENV ?= $(CACHE)/venv
BIN := $(CARGO_TARGET_DIR)/debug

.PHONY: help run test fuzz test-kernels bench eval eval-waf train-waf eval-ddos train-ddos drill setup build fmt lint

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install every Debian and Python package that build and tests need (once a machine; repeats are quick)
	@bash dist/setup/install

build: ## build all programs
	@cargo build --locked --workspace --bins

run: setup build ## build, start everything on this machine, show one safe drill, then live events until Ctrl-C
	@$(BIN)/garrison up --demo

test: setup ## everything: tidy, unit tests, content, then the parts that need root and the kernel
	@bash tests/run

fuzz: setup ## search for inputs that harm: property tests with another seed, then libFuzzer on every parser
	@bash tests/fuzz/run $(SECONDS_EACH)

test-kernels: setup build ## probe table and drills on Debian's 5.10, 6.1 and 6.12 kernels under QEMU
	@bash tests/kernels/run

bench: setup ## speed, beside peers in the same run (PARTS="scrub pool" for some); writes figures/*.json in the target directory
	@bash tests/bench/run $(PARTS)

eval: setup build ## detection quality: every rule against its cases and ordinary life; writes figures/content.json
	@cargo xtask content

drill: setup build ## every drill on this machine, table with times; writes figures/drill.json
	@GARRISON_FIGURES=$(CARGO_TARGET_DIR)/figures $(BIN)/garrison up --drill-all

eval-waf: setup build ## the web firewall: OWASP CRS' regression suite and the corpora, beside libmodsecurity in the same run
	@bash tests/waf/run

train-waf: setup ## train the learned score of the gateway from the corpora beside the repository; writes content/waf/model.txt and its report
	@$(GARRISON_VENV)/bin/python -m pip install --quiet -r tests/waf/train/requirements.txt
	@cargo build --locked --package waf-eval --bin score-rows
	@GARRISON_FIGURES=$(CARGO_TARGET_DIR)/figures $(GARRISON_VENV)/bin/python -B tests/waf/train/train.py --rows $(BIN)/score-rows --data ../shared/data/waf --model content/waf/model.txt --report content/waf/model.md

eval-ddos: setup ## the scrubber: floods told from users by rules and model together; writes figures/ddos.json
	@bash tests/ddos/run

train-ddos: setup ## train the scrubber's model, families of floods left out whole; writes content/ddos/model.txt and its report
	@$(GARRISON_VENV)/bin/python -m pip install --quiet -r tests/ddos/train/requirements.txt
	@cargo build --locked --package ddos-eval --bin ddos-rows
	@GARRISON_FIGURES=$(CARGO_TARGET_DIR)/figures $(GARRISON_VENV)/bin/python -B tests/ddos/train/train.py --rows $(BIN)/ddos-rows --model content/ddos/model.txt --report content/ddos/model.md

lint: ## clippy on everything, warnings are faults
	@cargo clippy --locked --workspace --all-targets -- -D warnings

fmt: ## format
	@cargo fmt --all
