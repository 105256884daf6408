# Five verbs, and one that needs LLVM, qemu-user and a C compiler: bench-arm64. Of the others everything but lint needs Go alone.
FUZZTIME ?= 1m
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4

.PHONY: test lint bench fuzz docs clients bench-arm64

test: ## what every change must pass
	go test ./...

lint: ## vet, the import table, golangci-lint at a pinned version
	go vet ./...
	go test ./internal/arch
	go run $(LINT) run ./...

bench: ## benchmarks of every package
	go test -run '^$$' -bench . -benchmem ./...

bench-arm64: ## cycles of the arm64 kernels' loops, and instructions of training steps, without such a machine
	go run ./bench/arm64
	go run ./bench/arm64 --instructions

fuzz: ## every fuzz target, FUZZTIME each
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

docs: ## prints the reference of every package
	@for pkg in $$(go list ./...); do go doc -all $$pkg; echo; done

clients: ## published clients of other products against the server (needs npm, pip and chromium)
	go test -tags=slow ./web/routes -run Clients -v
