# What there is to do here: make help. The work is in Go and in .ci/.

# hraban/opus would otherwise want libopusfile, which nothing here uses. Where
# git cannot tell the revision, Go is told not to ask.
VCS := $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 || echo -buildvcs=false)
# Where SpeexDSP is not installed, noise suppression is left out.
SPEEX := $(shell pkg-config --exists speexdsp 2>/dev/null || echo ,nospeexdsp)
export GOFLAGS := -tags=nolibopusfile$(SPEEX) $(VCS) $(GOFLAGS)

ARGS ?=
BENCH ?= .
BENCHTIME ?= 1s
BENCHCOUNT ?= 1
BENCHFLAGS ?=
FUZZTIME ?= 60s
ASANTIME ?= 10m
SOAKCOUNT ?= 20
FAULTS ?= 50
DEVICEFAULTS ?= 20
CAPACITY_RUNS ?= 5
CAPACITY_SECONDS ?= 8
CAPACITY_ROWS ?=
CAPACITY_JSON ?=
DESK_RUNS ?= 5
DESK_SECONDS ?= 20
DESK_ROWS ?=
DESK_JSON ?=
SOAK ?= 1h
HOSTILE ?= 10s
HOSTILE_RUNS ?= 5
HOSTILE_KINDS ?=
HOSTILE_JSON ?=
LOAD ?= 60s

.PHONY: help build run test bench bench-capacity bench-desk bench-load bench-hostile golden picture manuals fuzz asan soak soak-again soak-faults soak-calls lint fmt proto proto-image ci clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

build: ## bin/softphone and bin/server
	$(if $(SPEEX),@echo "callcenter: without noise suppression: SpeexDSP is not installed (libspeexdsp-dev)")
	go build -o bin/ ./softphone ./server

run: ## install what is missing, build, open the softphone on a server of this machine (ARGS=...)
	@.ci/deps build
	@$(MAKE) --no-print-directory build
	@.ci/dev $(ARGS)

test: ## every test, with and without the race detector, on a private sound server
	@.ci/deps test
	@.ci/test

bench: ## benchmarks (BENCH=regexp BENCHTIME=1s; BENCHCOUNT=10 for benchstat)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -count $(BENCHCOUNT) $(BENCHFLAGS) -p 1 ./...

bench-capacity: ## what a call costs beside the naive way, in one table (CAPACITY_RUNS=5 CAPACITY_SECONDS=8 CAPACITY_ROWS=regexp CAPACITY_JSON=file)
	@.ci/deps test
	CAPACITY_RUNS=$(CAPACITY_RUNS) CAPACITY_SECONDS=$(CAPACITY_SECONDS) CAPACITY_ROWS='$(CAPACITY_ROWS)' CAPACITY_JSON='$(abspath $(CAPACITY_JSON))' \
		go test -count 1 -timeout 0 -v -run TestTheServerBesideOthers ./softphone/e2e/capacity

bench-desk: ## what the softphone costs beside a bare pair of devices and Mumble's client (DESK_RUNS=5 DESK_SECONDS=20 DESK_ROWS=regexp DESK_JSON=file)
	@.ci/deps test
	DESK_RUNS=$(DESK_RUNS) DESK_SECONDS=$(DESK_SECONDS) DESK_ROWS='$(DESK_ROWS)' DESK_JSON='$(abspath $(DESK_JSON))' \
		go test -count 1 -timeout 0 -v -run TestTheWholeSoftphone ./softphone/e2e/desk

bench-load: ## what the server holds, beside a bare gRPC echo; on a machine that does nothing else (LOAD=60s each)
	LOAD=$(LOAD) go test -count 1 -timeout 0 -v -run TestAServerHoldsItsCallsUnderLoad ./softphone/e2e/hostile

bench-hostile: ## what others notice of hostile callers and attackers, on a machine that does nothing else (HOSTILE=10s each, HOSTILE_RUNS=5 HOSTILE_KINDS=regexp HOSTILE_JSON=file)
	HOSTILE=$(HOSTILE) HOSTILE_RUNS=$(HOSTILE_RUNS) HOSTILE_KINDS='$(HOSTILE_KINDS)' HOSTILE_JSON='$(abspath $(HOSTILE_JSON))' \
		go test -count 1 -timeout 0 -v -run 'TestHostileCallersChangeNothing|TestAttackersOfConnectionsChangeNothing' ./softphone/e2e/hostile

golden: ## rewrite the pictures and the transcript that the desks are tested against; review the diff
	go test ./softphone/internal/tui ./softphone/internal/plain -update

picture: build ## draw the pictures of the screen from the running program, into .github
	@.ci/picture .github

manuals: ## bin/man/*.1 and bin/completions/PROGRAM.{bash,zsh,fish}; man -l bin/man/softphone.1
	go run ./softphone/e2e/manuals bin

fuzz: ## every fuzz target, as many at a time as there are processors (FUZZTIME=60s each)
	@.ci/fuzz $(FUZZTIME)

asan: ## mutated Opus packets through a libopus with the address sanitizer (ASANTIME=10m); takes its source from apt-get
	@.ci/asan $(ASANTIME)

soak: ## the three below, one after the other; they take hours
	@$(MAKE) --no-print-directory soak-again
	@$(MAKE) --no-print-directory soak-faults
	@$(MAKE) --no-print-directory soak-calls

soak-again: ## the end-to-end tests again and again (SOAKCOUNT=20)
	@.ci/deps test
	FAULTS=2 go test -count $(SOAKCOUNT) -failfast -timeout 0 $$(go list ./softphone/e2e/... | grep -v /faults)

soak-faults: ## each fault again and again within one call (FAULTS=50 of links, DEVICEFAULTS=20 of devices)
	@.ci/deps test
	FAULTS=$(DEVICEFAULTS) go test -count 1 -timeout 0 -v -run TestACallOutlivesItsDevices ./softphone/e2e
	FAULTS=$(FAULTS) go test -count 1 -timeout 0 -v -run TestACallOutlivesItsLink ./softphone/e2e/faults

soak-calls: ## a hundred calls, faults all along, and nothing grows (SOAK=1h)
	@.ci/deps test
	SOAK=$(SOAK) go test -count 1 -timeout 0 -v -run TestManyCallsOutliveFaultsAndNothingGrows ./softphone/e2e/faults

lint: ## Go and shell
	@.ci/deps lint
	.ci/tool golangci-lint run
	shellcheck $(filter-out %.awk,$(wildcard .ci/*))

fmt: ## format Go and the contract
	.ci/tool golangci-lint fmt
	.ci/tool buf format -w proto

proto: ## regenerate api/ from proto/
	cd proto && ../.ci/tool buf generate

proto-image: ## declare the contract as it is now published: later changes must not break it
	.ci/tool buf build proto --exclude-source-info -o proto/published.json

ci: ## every check that .ci/run makes, without installing anything first
	@.ci/checks

clean: ## remove bin/
	rm -rf bin
