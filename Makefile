# The commands that people type. CI runs the same ones.
MODULES := . dev
BIN     := bin
# Tools are pinned in tools/go.mod and built once.
TOOLS   := $(BIN)/golangci-lint $(BIN)/workflowcheck $(BIN)/govulncheck
# Those that check the documents are pinned in dev/docs/go.mod and its package-lock.json.
DOCS    := dev/docs/node_modules
# The time limit for a test that hangs: the end-to-end tests take about 25 minutes with
# -race on two cores.
TEST    := test -timeout 40m
COMPILING := Compiling the embedded Temporal server. The first time this takes about 5 minutes \
	on two cores and downloads about 200 modules from the Go module proxy (go env GOPROXY).

.DEFAULT_GOAL := help
.PHONY: man recording help demo dev test bench bench-10k bench-profile chaos chaos-short seeded compose-test observability check build fmt format vet lint workflowcheck vuln race clean kubernetes licenses licenses-check docs-check release-check release

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## link one organization on a throw-away system, with live output
	@echo "$(COMPILING)"
	go -C dev run . demo

dev: ## the whole system: Temporal, Web UI, simulated manager, worker
	@echo "$(COMPILING)"
	go -C dev build -o ../$(BIN)/dev .
	exec $(BIN)/dev up

test: ## all tests
	@for tool in chromium zsh fish npm; do command -v $$tool >/dev/null || echo "$$tool is missing, so its tests are skipped: apt-get install $$tool"; done
	go $(TEST) ./...
	go -C dev $(TEST) ./...

# With -v, so that the table is also shown on success.
CHAOS := go -C dev test -count=1 -v -timeout 60m ./chaos -run '^TestCampaign$$'

BENCHMARK := go -C dev run ./bench $(if $(JSON),-json $(abspath $(JSON)))

bench: LINKS ?= 1000
bench: ## what links cost, beside rivals, in about ten minutes; LINKS and JSON=file
	$(BENCHMARK) -links $(LINKS)

bench-10k: INTERVAL ?= 45s
bench-10k: ## 10,000 links that wait, and a restart of the worker; INTERVAL is the longest between two polls
	$(BENCHMARK) -only restart -links 10000 -settle 10m -manager-config 'max_poll_interval = "$(INTERVAL)"'

bench-profile: ## what the CPU time of a poll and of a creation is spent on, in four minutes; PROFILES=directory keeps the profiles
	$(BENCHMARK) -only profile $(if $(PROFILES),-profiles $(abspath $(PROFILES)))

chaos: SEED ?= $(shell date +%s)
chaos: DURATION ?= 10m
chaos: LINKS ?= 300
chaos: ## ten minutes under faults of every kind; SEED, DURATION and LINKS change the campaign
	$(CHAOS) -seed $(SEED) -duration $(DURATION) -links $(LINKS) $(if $(KEEP),-keep $(abspath $(KEEP)))

chaos-short: ## the same in about two minutes, as CI runs it
	$(CHAOS) -seed 6 -duration 70s -links 80

seeded: ## enable known bugs one by one, and check that the tests find them
	scripts/seeded-bugs.sh

compose-test: ## docker-compose.yml, while each part of it fails; needs a Docker engine and curl
	deploy/compose/test.sh

observability: ## test the alerts and the queries of the dashboard; needs promtool
	deploy/observability/check.sh

build: ## build worker, starter and simulator into bin/
	go build -o $(BIN)/ ./worker ./starter ./simulator

# The date of the pages is that of the last commit, so that a release is reproducible.
man: ## write the man pages of starter into bin/man/
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) go -C dev run ./reference -man ../$(BIN)/man

recording: ## record make demo into docs/images/demo.svg; needs asciinema and npm
	scripts/recording.sh

fmt: ## format the code
	gofmt -w .

check: format vet lint docs-check workflowcheck vuln observability kubernetes licenses-check race chaos-short ## what CI runs: format, vet, linters, documents, vulnerabilities, tests with -race, faults

format:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...
	go -C dev vet ./...

lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run ./...
	cd dev && ../$(BIN)/golangci-lint run --config ../.golangci.yml ./...

docs-check: $(BIN)/vale $(DOCS) ## check the documents: plain English, links, diagrams
	scripts/docs-check.sh

# Workflow code must be deterministic.
workflowcheck: $(BIN)/workflowcheck
	$(BIN)/workflowcheck -test=false -config .workflowcheck.yaml ./workflows/...

kubernetes: ## check deploy/kubernetes against the schemas of Kubernetes, and with the worker
	go -C deploy/kubernetes/test vet ./...
	go -C deploy/kubernetes/test $(TEST) -count=1 ./...

licenses: ## list the licences of the code in the programs
	go -C dev run ./licenses > THIRD_PARTY_LICENSES.md.new
	mv THIRD_PARTY_LICENSES.md.new THIRD_PARTY_LICENSES.md

licenses-check:
	@licenses=$$(go -C dev run ./licenses) || exit 1; printf "%s\n" "$$licenses" | diff -u THIRD_PARTY_LICENSES.md - || { echo "run make licenses"; exit 1; }

# Not in make check: goreleaser is as large as the other tools together. It is built
# once.
GORELEASER := go run github.com/goreleaser/goreleaser/v2@v2.16.0

release-check: ## build an unpublished release of the last commit twice, and compare
	scripts/release-check.sh $(GORELEASER)

release: ## draft the release of the checked-out tag: docs/releasing.md
	@[ -f "$(SIGNING_KEY)" ] || { echo "SIGNING_KEY must be the file of the SSH key that signs releases: docs/releasing.md"; exit 1; }
	$(GORELEASER) release --clean

# If the vulnerability database cannot be reached, this is reported but is no failure.
vuln: $(BIN)/govulncheck
	@for module in $(MODULES); do \
		output=$$($(BIN)/govulncheck -C $$module ./... 2>&1); code=$$?; \
		case "$$code $$output" in \
			0*) echo "govulncheck $$module: clean" ;; \
			*"fetching vulnerabilities"*|*"vulnerability database"*) echo "govulncheck $$module: SKIPPED, its database cannot be reached" ;; \
			*) echo "$$output"; exit 1 ;; \
		esac; \
	done

# With CI=true, a missing tool is a failure, see dev/e2e/tool_test.go. -count=1 because
# Go does not notice changes outside the module dev, such as the examples. Packages with
# the Temporal server are tested without the race detector: compiling the server a
# second time takes five minutes.
race:
	go $(TEST) -race ./...
	CI=true go -C dev $(TEST) -count=1 . ./stack ./temporalserver/...
	CI=true go -C dev $(TEST) -race -count=1 ./chaos ./clients ./licenses ./reaper ./reference ./schema
	CI=true go -C dev $(TEST) -race -count=1 -p 1 ./e2e ./bench # alone: they measure time

$(TOOLS): tools/go.mod tools/go.sum
	@mkdir -p $(BIN)
	go -C tools build -o ../$(BIN)/ tool
	@touch $(TOOLS)

$(BIN)/vale: dev/docs/go.mod dev/docs/go.sum
	@mkdir -p $(BIN)
	go -C dev/docs build -o ../../$(BIN)/ tool
	@touch $@

# Without scripts, puppeteer downloads no browser: the system's chromium renders.
$(DOCS): dev/docs/package.json dev/docs/package-lock.json
	npm --prefix dev/docs ci --ignore-scripts --no-audit --no-fund
	@touch $@

clean: ## remove built programs and the state of make dev
	rm -rf $(BIN) .dev $(DOCS)
