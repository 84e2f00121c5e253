# make build   the libraries, the header and the tool, under build/
# make demo    the main job on a sample tree on the local disk
# make test    everything that proves it; .ci/run calls it
# make help    these and the rest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BUILD := build
SONAME := libcomptask_upgrade.so.1
# A job more than the machine has memory for ends a build on a small one.
JOBS ?= $(shell nproc)

.PHONY: help build libraries tool demo test test-rust test-cpp test-cluster test-kerberos advisories bench clean header setup setup-test

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

# make setup        the compilers and CLI11 that `make build` and `make demo` need
setup:
	@.ci/setup build

# make setup-test   what `make test` needs beside them
setup-test:
	@.ci/setup test

libraries: setup
	cargo build --release --locked
	@mkdir -p $(BUILD)/lib $(BUILD)/include $(BUILD)/bin
	@install -m 644 target/release/libcomptask_upgrade.a $(BUILD)/lib/
	@install -m 755 target/release/libcomptask_upgrade.so $(BUILD)/lib/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/lib/libcomptask_upgrade.so
	@cp -r include/. $(BUILD)/include/

tool: libraries
	cmake -S ffi_examples -B $(BUILD)/ffi_examples -DCMAKE_BUILD_TYPE=Release \
	  -DCOMPTASK_UPGRADE_INCLUDE_DIR=$(CURDIR)/$(BUILD)/include -DCOMPTASK_UPGRADE_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib \
	  -DCMAKE_RUNTIME_OUTPUT_DIRECTORY=$(CURDIR)/$(BUILD)/bin
	cmake --build $(BUILD)/ffi_examples --parallel $(JOBS)

build: tool
	@echo "built: $(BUILD)/bin/cirrodata-tool, $(BUILD)/lib/libcomptask_upgrade.{so,a}, $(BUILD)/include/"

demo: tool
	ffi_examples/demo.sh $(BUILD)/bin

# make test-rust    formatting, lints, Rust tests, documentation, licences
test-rust: setup-test
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features test-hooks,zookeeper,hdfs-native -- -D warnings
	cargo test --locked
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --features zookeeper,hdfs-native
	cargo deny --offline check licenses bans sources

# make test-cluster the adapters for HDFS and ZooKeeper, against real servers that the tests start; needs Java and Maven
test-cluster: setup-test
	@.ci/setup cluster
	cargo test --locked --features zookeeper,hdfs-native --lib
	cargo test --locked --features zookeeper,hdfs-native --examples \
	  --test test_cluster --test zookeeper --test hdfs_native --test ha

# make test-kerberos HDFS under Kerberos, with a key distribution centre of the tests' own; needs kinit beside those
test-kerberos: setup-test
	@.ci/setup kerberos
	cargo test --locked --features zookeeper,hdfs-native --example on-hdfs --test kerberos

# make test-cpp     the C and C++ tests, shared and static, plain and with the sanitizers; the examples and the demo
test-cpp: setup-test tool
	git ls-files -co --exclude-standard '*.c' '*.h' '*.cpp' '*.hpp' | grep -v '^include/comptask_upgrade\.h$$' \
	  | xargs clang-format --dry-run -Werror
	cargo build --locked --features test-hooks
	@mkdir -p $(BUILD)/hooks && cp target/debug/libcomptask_upgrade.so $(BUILD)/hooks/
	@for kind in plain sanitized; do \
	  sanitize=OFF; [ $$kind = plain ] || sanitize=ON; \
	  cmake -S cpp_tests -B $(BUILD)/cpp_tests_$$kind -DCOMPTASK_UPGRADE_SANITIZE=$$sanitize \
	    -DCOMPTASK_UPGRADE_INCLUDE_DIR=$(CURDIR)/$(BUILD)/include -DCOMPTASK_UPGRADE_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib \
	    -DCOMPTASK_UPGRADE_HOOKS_LIBRARY=$(CURDIR)/$(BUILD)/hooks/libcomptask_upgrade.so || exit; \
	  cmake --build $(BUILD)/cpp_tests_$$kind --parallel $(JOBS) || exit; \
	  ctest --test-dir $(BUILD)/cpp_tests_$$kind --output-on-failure --no-tests=error || exit; \
	done
	ffi_examples/demo.sh $(BUILD)/bin | sed -E 's/[0-9]{19}-[0-9a-f]{16}/RUN/g' | diff -u ffi_examples/demo.expected -
	@echo "the demo's output is as expected"

test: test-rust test-cpp
	@echo "all tests passed"

# make advisories   holds the dependencies against the advisory database, which it fetches
advisories:
	cargo deny check advisories

# make bench        what a task costs at 1,000 and at 100,000 tasks, as a ratio
bench:
	cargo bench --locked --bench local_scale

# make header       writes include/comptask_upgrade.h anew from the Rust source
header:
	cargo build --locked
	cp "$$(ls -t target/debug/build/comptask-upgrade-*/out/comptask_upgrade.h | head -n 1)" include/comptask_upgrade.h

# make clean        removes what was built
clean:
	cargo clean
	rm -rf $(BUILD)
