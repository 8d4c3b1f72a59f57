# kith: what a person types. `make` alone says what there is.

# One profile and one target folder for checks, tests and the binary: every dependency is built once.
CARGO := cargo
DATA ?= data
LISTEN ?= 127.0.0.1:8080
BENCH ?=
MINUTES ?= 10
BUILT = $${CARGO_TARGET_DIR:-target}/release
# Random runs of each model, and the seed of the first one: others each time, unless a seed is given.
COUNT ?= 100
SEED := $(or $(SEED),$(shell date +%s))
# Ten minutes for each target of the fuzzer.
SECONDS_EACH ?= 600
TARGET ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

.PHONY: help run test models fuzz check fmt lint deny audit docs example openapi bench bench-large soak clean

help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

run: ## build kith and serve on 127.0.0.1:8080 with the data in ./data (DATA=, LISTEN=)
	@command -v cc >/dev/null || { echo "kith needs a C linker: apt-get install build-essential"; exit 1; }
	$(CARGO) build --release --bin kith
	@echo
	@echo "Serving on http://$(LISTEN), data in $(DATA), stop with Ctrl-C. From other terminals, try:"
	@echo "  $(BUILT)/kith chat --server http://$(LISTEN)   (Ctrl-R makes an account)"
	@echo "  $(BUILT)/kith admin health --data $(DATA)"
	@echo "  $(BUILT)/kith --help"
	@echo
	@exec $(BUILT)/kith serve --data $(DATA) --listen $(LISTEN)

test: ## run all tests
	$(CARGO) test --release --workspace --doc
	$(CARGO) test --release --workspace --lib --bins --tests

models: ## try COUNT random runs of each model from SEED on (a night: COUNT=5000)
	KITH_MODEL_RUNS=$(COUNT) KITH_MODEL_SEED=$(SEED) $(CARGO) test --release -p kith --test all -- model:: schedule::

fuzz: ## fuzz each target for SECONDS_EACH seconds (TARGET= for one); needs nightly Rust
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
	@for target in $(TARGET); do \
		mkdir -p target/fuzz/corpus/$$target; \
		$(CARGO) +nightly fuzz run -O --target-dir target/fuzz $$target \
			target/fuzz/corpus/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS_EACH) -max_len=4096 -timeout=10 -print_final_stats=1 || exit 1; \
	done

check: fmt lint deny docs ## formatting, lints, dependencies, documentation

fmt: ## check the formatting
	$(CARGO) fmt --all --check

lint: ## run the lints
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

deny: ## check licences, sources and doubles of the dependencies
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny check bans licenses sources

audit: ## check the dependencies against the advisory database (needs the network)
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny check advisories

docs: ## build the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --document-private-items

example: ## write kith.example.toml anew from the code
	$(CARGO) build --release --bin kith
	$(BUILT)/kith config default > kith.example.toml

openapi: ## write docs/openapi.json anew from the code
	$(CARGO) build --release --bin kith
	$(BUILT)/kith openapi > docs/openapi.json

bench: ## measure everything: rates, latencies, memory, start, overload (20 minutes; goes on where it stopped)
	$(CARGO) build --release -p kith -p kith-load --bins
	$(BUILT)/kith-load bench all --results bench/results.jsonl --page bench/results.md $(BENCH)

bench-large: ## the same with 10,000,000 entries in the large store (half an hour)
	$(MAKE) bench BENCH="--entries 10000000 $(BENCH)"

soak: ## for MINUTES=10: kill the server, cut its power, fuzz what it reads; goes on where it stopped
	$(CARGO) build --release -p kith -p kith-load -p kith-plug
	$(BUILT)/kith-load kill --minutes $$(( ($(MINUTES) + 2) / 3 )) --state $(BUILT)/soak.json
	$(BUILT)/kith-load kill --power-loss --minutes $$(( ($(MINUTES) + 2) / 3 )) --state $(BUILT)/soak.json
	@if $(CARGO) +nightly --version >/dev/null 2>&1; \
		then $(MAKE) fuzz SECONDS_EACH=$$(( $(MINUTES) * 20 / $(words $(TARGET)) + 1 )); \
		else echo "not fuzzed: rustup toolchain install nightly"; fi

clean: ## remove what was built
	$(CARGO) clean
