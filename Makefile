# The few commands people type; CI runs the same ones.
MODULES := . dev
BIN     := bin
# Tools are pinned in tools/go.mod and built once.
TOOLS   := $(BIN)/golangci-lint $(BIN)/workflowcheck $(BIN)/govulncheck

.DEFAULT_GOAL := help
.PHONY: help demo dev test compose-test observability check build fmt format vet lint workflowcheck vuln race clean kubernetes licenses licenses-check release-check release

help: ## what can be typed
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## link one organization on a throw-away system, with live output
	go -C dev run . demo

dev: ## the whole system for yourself: Temporal, Web UI, simulated manager, worker
	go -C dev build -o ../$(BIN)/dev .
	exec $(BIN)/dev up

test: ## all tests
	@for tool in chromium zsh fish npm; do command -v $$tool >/dev/null || echo "$$tool is missing, so its tests are skipped: apt-get install $$tool"; done
	go test ./...
	go -C dev test ./...

compose-test: ## docker-compose.yml with everything in it failing; needs a Docker engine and curl
	deploy/compose/test.sh

observability: ## the alerts and the queries of the dashboard; needs promtool
	deploy/observability/check.sh

build: ## worker, starter and simulator into bin/
	go build -o $(BIN)/ ./worker ./starter ./simulator

fmt: ## format the code
	gofmt -w .

check: format vet lint workflowcheck vuln observability kubernetes licenses-check race ## what CI runs: format, vet, linters, vulnerabilities, tests with -race

format:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...
	go -C dev vet ./...

lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run ./...
	cd dev && ../$(BIN)/golangci-lint run --config ../.golangci.yml ./...

# Workflow code must be deterministic.
workflowcheck: $(BIN)/workflowcheck
	$(BIN)/workflowcheck -test=false -config .workflowcheck.yaml ./workflows/...

kubernetes: ## deploy/kubernetes against the schemas of Kubernetes, and by the worker
	go -C deploy/kubernetes/test vet ./...
	go -C deploy/kubernetes/test test -count=1 ./...

licenses: ## list the licences of what is in the programs
	go run ./scripts/licenses > THIRD_PARTY_LICENSES.md.new
	mv THIRD_PARTY_LICENSES.md.new THIRD_PARTY_LICENSES.md

licenses-check:
	go run ./scripts/licenses -check THIRD_PARTY_LICENSES.md

# Not in make check: goreleaser is as large as the rest of the tools together, and is
# built once.
GORELEASER := go run github.com/goreleaser/goreleaser/v2@v2.15.1

release-check: ## a release of the last commit, that nobody sees: built twice, and compared
	scripts/release-check.sh $(GORELEASER)

release: ## the release of the tag that is checked out, as a draft: docs/releasing.md
	$(GORELEASER) release --clean

# The database is on the network: where it cannot be reached, that is said, and
# only that is forgiven.
vuln: $(BIN)/govulncheck
	@for module in $(MODULES); do \
		output=$$($(BIN)/govulncheck -C $$module ./... 2>&1); code=$$?; \
		case "$$code $$output" in \
			0*) echo "govulncheck $$module: clean" ;; \
			*"fetching vulnerabilities"*|*"vulnerability database"*) echo "govulncheck $$module: SKIPPED, its database cannot be reached" ;; \
			*) echo "$$output"; exit 1 ;; \
		esac; \
	done

# CI: what a test looks with must be there, see dev/e2e/tool_test.go. Go does not see
# when what is outside of its module dev has changed, as the examples are.
race:
	go test -race ./...
	CI=true go -C dev test -race -count=1 ./...

$(TOOLS): tools/go.mod tools/go.sum
	@mkdir -p $(BIN)
	go -C tools build -o ../$(BIN)/ tool
	@touch $(TOOLS)

clean: ## remove what was built and the state of make dev
	rm -rf $(BIN) .dev
