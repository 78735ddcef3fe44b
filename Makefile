GO ?= go
SEEDS ?= 2000
# One seed to run again; empty runs SEEDS of them.
SEED ?=
# How often processes die in `make chaos`.
KILLS ?= 500

# Versions of the tools are pinned in tools.mod, away from the program's own requirements.
TOOL := $(GO) tool -modfile=tools.mod

# The browser's tests are a module of their own: nothing of it is a dependency of the program.
BROWSER := adapters/web/browser

# An emulator of Slack, by the sums of its lock file.
EMULATE := adapters/slack/testdata/emulate

.DEFAULT_GOAL := help
.PHONY: help run test race sim chaos contract bench shots lint

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## start the bot with nothing configured, data in ./tocsin-data
	$(GO) run ./cmd/tocsin serve

test: ## run every test; installs what tests run against if apt can
	@.ci/deps
	$(GO) test -timeout 20m ./...
	cd $(BROWSER) && $(GO) test ./...

race: ## run every test under the race detector
	$(GO) test -race ./...

sim: ## run the seeded simulation: SEEDS=2000 of them, or SEED=7 alone
	$(GO) test ./bot/bottest -run TestSimulation -count=1 -v $(if $(SEED),-seed=$(SEED),-seeds=$(SEEDS))

chaos: ## let replicas over Redis kill themselves KILLS=500 times at commits and sends
	$(GO) test ./cmd/tocsin -run TestX2Chaos -count=1 -v -timeout 60m -kills=$(KILLS)

contract: ## play what goes out to Slack against npm's emulate, and show where it differs from Slack's documents
	@cd $(EMULATE) && if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then npm ci --ignore-scripts --no-progress --no-audit --no-fund --loglevel=error; fi
	$(GO) test -tags contract ./adapters/slack -run TestContract -count=1 -v

bench: ## run the benchmarks and print their figures
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) test -run '^$$' -bench . -benchmem ./cmd/tocsin -redis
	cd $(BROWSER) && $(GO) test -run '^$$' -bench . ./...

shots: ## take pictures of every page, in three widths and both themes, into ./shots
	cd $(BROWSER) && $(GO) test -run TestShots -count=1 -shots=$(CURDIR)/shots ./...

lint: ## check format, taste, vet, go.mod and who imports whom
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
