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

.DEFAULT_GOAL := help
.PHONY: help run test race sim chaos bench shots lint

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## start the bot with nothing configured, data in ./tocsin-data
	$(GO) run ./cmd/tocsin serve

test: ## run every test; installs what tests run against if apt can
	@.ci/deps
	$(GO) test ./...
	cd $(BROWSER) && $(GO) test ./...

race: ## run every test under the race detector
	$(GO) test -race ./...

sim: ## run the seeded simulation: SEEDS=2000 of them, or SEED=7 alone
	$(GO) test ./bot/bottest -run TestSimulation -count=1 -v $(if $(SEED),-seed=$(SEED),-seeds=$(SEEDS))

chaos: ## let replicas over Redis kill themselves KILLS=500 times at commits and sends
	$(GO) test ./cmd/tocsin -run TestX2Chaos -count=1 -v -timeout 60m -kills=$(KILLS)

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
	$(GO) mod tidy -diff
	cd $(BROWSER) && $(GO) vet ./... && $(GO) mod tidy -diff
	$(GO) test ./cmd/tocsin -run TestImportRule -count=1
