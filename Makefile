GO ?= go
SEEDS ?= 2000
# The seed of a single simulation; empty: SEEDS simulations run.
SEED ?=
# How often a replica is killed in `make chaos`.
KILLS ?= 500

# The versions of the tools are pinned in tools.mod, apart from the program's own dependencies.
TOOL := $(GO) tool -modfile=tools.mod

# The browser tests are a module of their own, so that their dependencies are not the program's.
BROWSER := adapters/web/browser

# An emulator of Slack from npm, verified by the checksums of its lock file.
EMULATE := adapters/slack/testdata/emulate

.DEFAULT_GOAL := help
.PHONY: help run test race sim chaos contract bench shots lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## start the bot with nothing configured, data in ./tocsin-data
	$(GO) run ./cmd/tocsin serve

test: ## run all tests; installs the programs that they need with apt, if it can
	@.ci/deps
	$(GO) test -timeout 20m ./...
	cd $(BROWSER) && $(GO) test ./...

race: ## run all tests with the race detector
	$(GO) test -race ./...

sim: ## run simulations with SEEDS=2000 seeds, or with SEED=7 alone
	$(GO) test ./bot/bottest -run TestSimulation -count=1 -v $(if $(SEED),-seed=$(SEED),-seeds=$(SEEDS))

chaos: ## kill replicas over Redis KILLS=500 times at commits and sends
	$(GO) test ./cmd/tocsin -run TestX2Chaos -count=1 -v -timeout 60m -kills=$(KILLS)

contract: ## run calls to Slack against npm's emulator, and show where it differs from Slack's documentation
	@cd $(EMULATE) && if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then npm ci --ignore-scripts --no-progress --no-audit --no-fund --loglevel=error; fi
	$(GO) test -tags contract ./adapters/slack -run TestContract -count=1 -v

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) test -run '^$$' -bench . -benchmem ./cmd/tocsin -redis
	cd $(BROWSER) && $(GO) test -run '^$$' -bench . ./...

shots: ## save screenshots of every page, in three widths and both themes, in ./shots
	cd $(BROWSER) && $(GO) test -run TestShots -count=1 -shots=$(CURDIR)/shots ./...

lint: ## check formatting, linters, vet, go.mod and the import rule
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then \
		printf 'not formatted; run: $(TOOL) gofumpt -w .\n%s\n' "$$unformatted" >&2; exit 1; \
	fi
	$(TOOL) golangci-lint run
	$(GO) vet ./...
	$(GO) vet -tags contract ./adapters/slack/...
	$(GO) mod tidy -diff
	cd $(BROWSER) && $(GO) vet ./... && $(GO) mod tidy -diff
	$(GO) test ./cmd/tocsin -run TestImportRule -count=1
