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

.PHONY: help build libraries tool demo test clean header setup setup-test

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

# make header       writes include/comptask_upgrade.h anew from the Rust source
header:
	cargo build --locked
	cp "$$(ls -t target/debug/build/comptask-upgrade-*/out/comptask_upgrade.h | head -n 1)" include/comptask_upgrade.h

# make clean        removes what was built
clean:
	cargo clean
	rm -rf $(BUILD)
