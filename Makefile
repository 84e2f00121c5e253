# make build   the libraries, the header and the tool, under build/; FEATURES= leaves all network code out
# make demo    the main job on a sample tree on the local disk
# make test    what every change must pass, on real servers too; .ci/run calls it
# make help    these and the rest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Two builds of one target folder, and two installations, get in each other's way.
.NOTPARALLEL:

BUILD := build
SONAME := libcomptask_upgrade.so.1
# The cargo features of the libraries that `make build` leaves: what a cluster needs.
FEATURES ?= zookeeper-tls,hdfs-native
# What tries HDFS and ZooKeeper; one set of features, so that cargo compiles it once.
ALL_FEATURES := zookeeper-tls,hdfs-native,libhdfs
CLUSTER_TESTS := --locked --features $(ALL_FEATURES)
# What waits for servers, or is called a few times, is compiled faster than it would run.
cluster_cargo := CARGO_PROFILE_DEV_OPT_LEVEL=0 cargo
# The pages of the crate, with what is private, for whoever takes part.
cargo_doc = RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --features $(ALL_FEATURES)
# The program that starts the servers for the C++ tests and the demo.
TEST_CLUSTER := target/debug/examples/test-cluster
# Names of runs differ.
SAME_RUN := sed -E 's/[0-9]{19}-[0-9a-f]{16}/RUN/g'
# A job more than the machine has memory for ends a build on a small one.
JOBS ?= $(shell nproc)

.PHONY: help build libraries tool install test-install demo demo-hdfs test test-rust test-cpp test-cluster advisories bench clean header
.PHONY: test-abi abi-baseline fuzz test-fuzz test-schedules round-trip teeth test-valgrind test-threads test-miri coverage
.PHONY: setup setup-test setup-cluster hooks every-client test-cluster-long test-cluster-program test-ha test-kerberos
.PHONY: bench-scale bench-cluster docs setup-docs diagrams test-documents build-portable test-portable setup-portable

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

# make setup        the compilers and CLI11 that `make build` and `make demo` need
setup:
	@.ci/setup build

# make setup-test   what `make test` needs beside them
setup-test:
	@.ci/setup test

# make setup-cluster what the servers of `make demo-hdfs` and `make test-cluster` need: a JDK, Maven, and jars by Maven
setup-cluster:
	@.ci/setup cluster

libraries: setup
	cargo build --release --locked --features "$(FEATURES)"
	cargo build --release --locked --package cirrodata-terminal
	@mkdir -p $(BUILD)/lib/cirrodata $(BUILD)/include $(BUILD)/bin
	@# What is there already keeps its time, so that nothing is compiled and linked again for it.
	@install -C -m 644 target/release/libcomptask_upgrade.a $(BUILD)/lib/
	@install -C -m 755 target/release/libcomptask_upgrade.so $(BUILD)/lib/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/lib/libcomptask_upgrade.so
	@install -C -m 755 target/release/libcirrodata_terminal.so $(BUILD)/lib/cirrodata/
	@cp -rp include/. $(BUILD)/include/

tool: libraries
	cmake -S ffi_examples -B $(BUILD)/ffi_examples -DCMAKE_BUILD_TYPE=Release \
	  -DCOMPTASK_UPGRADE_INCLUDE_DIR=$(CURDIR)/$(BUILD)/include -DCOMPTASK_UPGRADE_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib \
	  -DCIRRODATA_TERMINAL_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib/cirrodata \
	  -DCMAKE_RUNTIME_OUTPUT_DIRECTORY=$(CURDIR)/$(BUILD)/bin
	cmake --build $(BUILD)/ffi_examples --parallel $(JOBS)

build: tool
	@echo "built: $(BUILD)/bin/cirrodata-tool, $(BUILD)/lib/libcomptask_upgrade.{so,a}, $(BUILD)/include/"

# make build-portable the libraries against glibc 2.17, for old systems; TARGET=aarch64-unknown-linux-gnu for ARM
TARGET ?= $(shell uname -m)-unknown-linux-gnu
setup-portable:
	@.ci/setup portable $(TARGET)

build-portable: setup-portable
	ffi_examples/install/portable.sh $(BUILD) $(SONAME) $(TARGET) "$(FEATURES)"

# make install      headers, libraries, the tool with completions and man page, pkg-config, CMake, below PREFIX=/usr/local; LIBDIR=lib64, DESTDIR=
PREFIX ?= /usr/local
LIBDIR ?= lib
DESTDIR ?=
install: tool
	ffi_examples/install/install.sh $(BUILD) $(SONAME) "$(PREFIX)" "$(LIBDIR)" "$(DESTDIR)"

demo: tool
	ffi_examples/demo.sh $(BUILD)/bin
	@echo
	@echo "that was the demo; its tree is gone again. A tree to try by yourself: $(BUILD)/bin/make_sample_tree FOLDER --tasks 1000,"
	@echo "then $(BUILD)/bin/cirrodata-tool comptask-upgrade status --root FOLDER/cluster.compact; --help has the rest"

test-cluster-program: setup-cluster
	$(cluster_cargo) build $(CLUSTER_TESTS) --example test-cluster

# make demo-hdfs    the same on a real HDFS and a real ZooKeeper, which it starts; the first time it fetches them
demo-hdfs: tool test-cluster-program
	ffi_examples/demo_hdfs.sh $(BUILD)/bin $(TEST_CLUSTER)

# make test-rust    formatting, lints, Rust tests, documentation, licences
test-rust: setup-test setup-cluster
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --features zookeeper -- -D warnings
	cargo clippy --locked --features hdfs-native -- -D warnings
	cargo clippy --locked --features libhdfs -- -D warnings
	cargo clippy --locked --all-targets --features test-hooks,$(ALL_FEATURES) -- -D warnings
	cargo clippy --locked --package cirrodata-terminal --all-targets -- -D warnings
	cargo test --locked
	cargo test --locked --package cirrodata-terminal
	$(cargo_doc)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --package cirrodata-terminal
	cargo fetch --locked --quiet
	cargo deny --offline --workspace check licenses bans sources
	tests/teeth/run.sh --check

# make test-abi     the header's functions and structs against those that callers were compiled with, by abidiff
test-abi: setup-test
	cpp_tests/abi/check.sh

# make abi-baseline writes what test-abi compares with anew: for a change that is meant, and looked at
abi-baseline: setup-test
	cpp_tests/abi/check.sh baseline

# make fuzz         the fuzz targets, a minute each; FUZZ_SECONDS=600 for longer
FUZZ_SECONDS ?= 60
fuzz: setup
	fuzz/run.sh $(FUZZ_SECONDS)

# The same for ten seconds each.
test-fuzz: setup-test
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --release --locked --all-targets --manifest-path fuzz/Cargo.toml -- -D warnings
	fuzz/run.sh 10

# make test-schedules a million random courses, every pair of faults of every kind, the whole model; an hour or so
test-schedules: setup-test
	COMPTASK_SCHEDULES=1000000 cargo test --locked --test random_schedules -- --nocapture
	COMPTASK_ALL_FAULTS=1 cargo test --locked --test double_faults --test protocol_model -- --nocapture

# make round-trip   a million generated tasks from V1 to V2 and back, through their bytes
round-trip: setup
	COMPTASK_ROUND_TRIPS=1000000 cargo test --release --locked --test round_trip -- --nocapture

# make teeth        plants bugs in a copy, one after another, and sees that a test catches each; half an hour
teeth: setup
	tests/teeth/run.sh

# make test-valgrind the C and C++ tests under valgrind; many minutes
test-valgrind: setup-test setup-cluster tool hooks
	@.ci/setup valgrind
	cmake -S cpp_tests -B $(BUILD)/cpp_tests_plain -DCOMPTASK_UPGRADE_SANITIZE=OFF $(CPP_TESTS)
	cmake --build $(BUILD)/cpp_tests_plain --parallel $(JOBS)
	cpp_tests/valgrind/run.sh $(BUILD)/cpp_tests_plain

# make test-threads the C and C++ tests and the library, both with ThreadSanitizer; needs nightly Rust
test-threads: setup-test
	@.ci/setup nightly rust-src
	cpp_tests/threads/run.sh $(BUILD)

# make test-miri    what of the unsafe code Miri can run; needs nightly Rust
MIRI_TESTS := capi::text capi::structs capi::boundary capi::buffer capi::tests::a_ layout:: tree::
test-miri: setup
	@.ci/setup nightly miri rust-src
	MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=4 cargo +nightly miri test --locked --lib -- $(MIRI_TESTS)

# make coverage     what of plan, run, layout and task the Rust tests reach, by line and branch; needs nightly Rust
coverage: setup-test
	@.ci/setup nightly llvm-tools
	tests/coverage.sh

# The library with the hooks has no network code in it: the tests of what such a library says need one.
hooks:
	$(cluster_cargo) build --locked --features test-hooks
	@mkdir -p $(BUILD)/hooks && cp target/debug/libcomptask_upgrade.so $(BUILD)/hooks/$(SONAME)

# The library with every client of HDFS.
every-client: setup-cluster
	$(cluster_cargo) build $(CLUSTER_TESTS) --lib
	@mkdir -p $(BUILD)/every_client && cp target/debug/libcomptask_upgrade.so $(BUILD)/every_client/$(SONAME)

CPP_TESTS := -DCOMPTASK_UPGRADE_INCLUDE_DIR=$(CURDIR)/$(BUILD)/include \
  -DCOMPTASK_UPGRADE_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib \
  -DCIRRODATA_TERMINAL_LIBRARY_DIR=$(CURDIR)/$(BUILD)/lib/cirrodata \
  -DCOMPTASK_UPGRADE_HOOKS_LIBRARY=$(CURDIR)/$(BUILD)/hooks/$(SONAME) \
  -DCOMPTASK_UPGRADE_TEST_CLUSTER=$(CURDIR)/$(TEST_CLUSTER) \
  -DCOMPTASK_UPGRADE_EVERY_CLIENT_DIR=$(CURDIR)/$(BUILD)/every_client

# make test-cpp     the C and C++ tests, shared and static, plain and with the sanitizers; the examples and the demo
test-cpp: setup-test setup-cluster tool hooks
	git ls-files -co --exclude-standard '*.c' '*.h' '*.cpp' '*.hpp' | grep -v '^include/comptask_upgrade\.h$$' \
	  | xargs clang-format --dry-run -Werror
	@for kind in plain sanitized; do \
	  sanitize=OFF; [ $$kind = plain ] || sanitize=ON; \
	  cmake -S cpp_tests -B $(BUILD)/cpp_tests_$$kind -DCOMPTASK_UPGRADE_SANITIZE=$$sanitize $(CPP_TESTS) || exit; \
	  cmake --build $(BUILD)/cpp_tests_$$kind --parallel $(JOBS) || exit; \
	  ctest --test-dir $(BUILD)/cpp_tests_$$kind --label-exclude cluster --parallel $(JOBS) --output-on-failure \
	    --no-tests=error || exit; \
	done
	ffi_examples/demo.sh $(BUILD)/bin | $(SAME_RUN) | diff -u ffi_examples/demo.expected -
	@echo "the demo's output is as expected"

# The tool against servers that are killed, stopped and full; what happened is printed.
TOOL_ON_CLUSTER := CIRRODATA_TOOL=$(CURDIR)/$(BUILD)/bin/cirrodata-tool \
  $(cluster_cargo) test $(CLUSTER_TESTS) --test tool_on_cluster -- --nocapture

# make test-cluster what needs HDFS and ZooKeeper, on real servers that the tests start: the adapters, the tool, the demo
test-cluster: setup-test tool hooks every-client test-cluster-program
	$(cluster_cargo) test --locked --features zookeeper --lib capi::zookeeper
	$(cluster_cargo) test $(CLUSTER_TESTS) --lib
	$(cluster_cargo) test $(CLUSTER_TESTS) --examples --test test_cluster --test zookeeper --test hdfs
	cmake -S cpp_tests -B $(BUILD)/cpp_tests_plain -DCOMPTASK_UPGRADE_SANITIZE=OFF $(CPP_TESTS)
	cmake --build $(BUILD)/cpp_tests_plain --parallel $(JOBS) --target cluster_test shared_jvm_test cirrodata-tool
	ctest --test-dir $(BUILD)/cpp_tests_plain --label-regex cluster --output-on-failure --no-tests=error
	$(TOOL_ON_CLUSTER)
	ffi_examples/demo_hdfs.sh $(BUILD)/bin $(TEST_CLUSTER) | sed -E -f ffi_examples/demo_hdfs.sed | $(SAME_RUN) \
	  | diff -u <(cat ffi_examples/demo_hdfs.expected ffi_examples/demo.expected) -
	@echo "the demo's output on HDFS is as expected"

# make test-cluster-long a folder with 100,000 tasks, upgraded on a real HDFS; many minutes
test-cluster-long: setup-test tool setup-cluster
	$(TOOL_ON_CLUSTER) --ignored

# make test-ha      HDFS with two NameNodes, the active one of which is killed or fails over in mid-run, by either client
test-ha: setup-test setup-cluster
	$(cluster_cargo) test $(CLUSTER_TESTS) --test ha

# make test-kerberos HDFS under Kerberos, by either client, with a key distribution centre of the tests' own
test-kerberos: setup-test setup-cluster
	@.ci/setup kerberos
	$(cluster_cargo) build $(CLUSTER_TESTS) --example on-hdfs
	$(cluster_cargo) test $(CLUSTER_TESTS) --test kerberos

# make test-install the same, into a folder of its own, and hosts built with what lies there: CMake, pkg-config, cargo
test-install: setup-test tool
	cpp_tests/install/check.sh $(BUILD) $(SONAME)

# make test-documents every command and every program in the documents is run, and what they show compared
test-documents: setup-test tool every-client
	COMPTASK_BUILD=$(CURDIR)/$(BUILD) COMPTASK_EVERY_CLIENT=$(CURDIR)/$(BUILD)/every_client \
	  $(cluster_cargo) test $(CLUSTER_TESTS) --test documents -- --nocapture

# make test-portable what build-portable left: no glibc symbol above 2.17, the same exports, and programs that run
OLD_GLIBC ?=
test-portable: setup-test libraries build-portable
	@[ $(TARGET) != aarch64-unknown-linux-gnu ] || [ $$(uname -m) = aarch64 ] || .ci/setup arm64
	cpp_tests/portable/check.sh $(BUILD) $(SONAME) $(TARGET) "$(OLD_GLIBC)"

# What is fetched is fetched first: a closed network should show at once.
test: setup-test setup-docs setup-cluster setup-portable test-rust docs test-cpp test-install test-portable test-abi test-fuzz test-cluster test-documents
	@echo "all tests passed"

# make advisories   holds the dependencies against the advisory database, which it fetches
advisories:
	cargo deny --workspace check advisories

# make bench        on a local disk: a task's time and memory to 100,000 tasks, the bare limit, start-up, sizes; minutes
BENCH_FOLDER ?= $(or $(TMPDIR),/tmp)
bench: libraries
	cargo bench --locked --features "$(FEATURES)" --bench scale -- $(BENCH_FOLDER)
	cargo bench --locked --features "$(FEATURES)" --bench local_limit -- $(BENCH_FOLDER)
	cargo bench --locked --features "$(FEATURES)" --bench start_up -- $(BENCH_FOLDER) --libraries $(CURDIR)/$(BUILD)/lib

# make bench-scale  the same to a million tasks, which take 15 GB for the time, and draws docs/scale.svg anew
bench-scale: setup
	cargo bench --locked --features "$(FEATURES)" --bench scale -- $(BENCH_FOLDER) --to 1000000 --plot $(CURDIR)/docs/scale.svg

# make bench-cluster UPGRADE on a real HDFS beside files alone, a plain Java client and hdfs dfs commands; ten minutes
bench-cluster: setup-cluster
	cargo bench $(CLUSTER_TESTS) --bench cluster -- $(BENCH_ARGUMENTS)

# make diagrams     writes docs/diagrams.md anew, from what the code does
diagrams:
	COMPTASK_WRITE_DIAGRAMS=1 cargo test --locked --test diagrams

# make docs         the headers and the crate as pages, below build/docs/
docs: setup-docs
	@mkdir -p $(BUILD)/docs/abi
	doxygen docs/Doxyfile
	$(cargo_doc)
	@rm -rf $(BUILD)/docs/crate && cp -r target/doc $(BUILD)/docs/crate
	@echo "written: $(BUILD)/docs/abi/html/index.html, $(BUILD)/docs/crate/comptask_upgrade/index.html"

setup-docs: setup-cluster
	@.ci/setup docs

# make header       writes include/comptask_upgrade.h anew from the Rust source
header:
	cargo build --locked
	cp "$$(ls -t target/debug/build/comptask-upgrade-*/out/comptask_upgrade.h | head -n 1)" include/comptask_upgrade.h

# make clean        removes what was built
clean:
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
	rm -rf $(BUILD)
