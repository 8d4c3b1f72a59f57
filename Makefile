# kith: what a person types. `make` alone says what there is.

# One profile and one target folder for checks, tests and the binary: every dependency is built once.
CARGO := cargo
DATA ?= data
LISTEN ?= 127.0.0.1:8080
# Recorded conversations for the demo beside the sample: a folder with files as in crates/kith-load/sample.
FOLDER ?=
BENCH ?=
MINUTES ?= 10
BUILT = $${CARGO_TARGET_DIR:-target}/release
# Random runs of each model, and the seed of the first one: others each time, unless a seed is given.
COUNT ?= 100
SEED := $(or $(SEED),$(shell date +%s))
# Ten minutes for each target of the fuzzer.
SECONDS_EACH ?= 600
TARGET ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

# The web client is built by Node; without it the server is built all the same, only not its page.
NODE_IS_HERE = node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
NO_NODE = Node 20.19 or newer is not here
# Whether node_modules has the versions of the lock file; packages of other systems are optional.
WEB_IS_INSTALLED = cd web && node -e 'const read = (file) => JSON.parse(require("fs").readFileSync(file)).packages; \
	const wanted = read("package-lock.json"), here = read("node_modules/.package-lock.json"); \
	process.exit(Object.keys(wanted).some((name) => name && !wanted[name].optional && wanted[name].version !== here[name]?.version) ? 1 : 0)' 2>/dev/null
# The browsers of the tests are the system's, never Playwright's own.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD = 1
WEB_SOURCES = $(shell find web/index.html web/*.config.* web/*.json web/project.inlang/settings.json web/messages web/public \
	web/src -path web/src/words -prune -o -type f ! -name '*.test.ts' -print 2>/dev/null)

.PHONY: help run web web-if-node web-modules node-is-here types test test-web unit models fuzz check fmt lint deny docs web-check \
	audit example openapi demo bench bench-large soak clean

help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

run: web-if-node ## build kith and serve on 127.0.0.1:8080 with the data in ./data (DATA=, LISTEN=)
	@command -v cc >/dev/null || { echo "kith needs a C linker: apt-get install build-essential"; exit 1; }
	$(CARGO) build --release --bin kith
	@echo
	@echo "Serving on http://$(LISTEN), data in $(DATA), stop with Ctrl-C."
	@echo "Open that address in a browser and make an account, or from other terminals, try:"
	@echo "  $(BUILT)/kith chat --server http://$(LISTEN)   (Ctrl-R makes an account)"
	@echo "  $(BUILT)/kith admin health --data $(DATA)"
	@echo "  $(BUILT)/kith --help"
	@echo
	@exec $(BUILT)/kith serve --data $(DATA) --listen $(LISTEN)

web: ## build the web client into web/dist, from where the next build of kith takes it (needs Node)
	@$(NODE_IS_HERE) || { echo "$(NO_NODE)."; exit 1; }
	@$(MAKE) --no-print-directory web/dist/index.html

# For scripts: whether it is.
node-is-here:
	@$(NODE_IS_HERE)

web-if-node:
	@if $(NODE_IS_HERE); then $(MAKE) --no-print-directory web; \
		else echo "$(NO_NODE): kith is built without its web client. kith chat works."; fi

web/dist/index.html: $(WEB_SOURCES) | web-modules
	cd web && npm run --silent words && npm run --silent build

web-modules:
	@($(WEB_IS_INSTALLED)) || (cd web && npm ci --no-audit --no-fund)

types: web-modules ## write web/src/protocol/openapi.ts anew from docs/openapi.json
	npm --prefix web run --silent types

test: unit ## run all tests but those in a browser
	$(CARGO) test --release --workspace --doc
	$(CARGO) test --release --workspace --lib --bins --tests

unit: ## run the tests of the web client that need no browser
	@if $(NODE_IS_HERE); then $(MAKE) --no-print-directory web-modules && npm --prefix web run --silent words \
			&& npm --prefix web run --silent unit; \
		else echo "$(NO_NODE): the web client is not tested."; fi

test-web: web ## run the tests in a browser, against the server with its web client (needs Chromium; KITH_BINARY=)
	$(if $(KITH_BINARY),,$(CARGO) build --release --bin kith)
	kith=$$(realpath $(or $(KITH_BINARY),$(BUILT)/kith)) && cd web && KITH_BINARY=$$kith npx playwright test

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

check: fmt lint deny docs web-check ## formatting, lints, types, dependencies, documentation

fmt: ## check the formatting
	$(CARGO) fmt --all --check

lint: ## run the lints
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

deny: ## check licences, sources and doubles of the dependencies
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny check bans licenses sources

web-check: ## check the web client: types, lints, formatting
	@if $(NODE_IS_HERE); then $(MAKE) --no-print-directory web-modules && npm --prefix web run --silent check; \
		else echo "$(NO_NODE): the web client is not checked."; fi

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

demo: web-if-node ## serve a new store full of conversations, in English and Chinese (DATA=, LISTEN=, FOLDER= for more)
	@command -v cc >/dev/null || { echo "kith needs a C linker: apt-get install build-essential"; exit 1; }
	$(CARGO) build --release -p kith -p kith-load --bins
	@exec $(BUILT)/kith-load demo --port $(lastword $(subst :, ,$(LISTEN))) $(if $(filter file,$(origin DATA)),,--data $(DATA)) \
		crates/kith-load/sample/*.jsonl $(if $(FOLDER),$(wildcard $(FOLDER)/*.jsonl $(FOLDER)/*.jsonl.gz))

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
	rm -rf web/dist
