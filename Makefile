# `make run` and `make test` install what they need on a fresh Debian 12 that has a Rust toolchain, make, and root or sudo.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

DATA ?= lectern-data
LISTEN ?= 127.0.0.1:3000
CARGO_TARGET ?= $(or $(CARGO_TARGET_DIR),target)

.PHONY: help run build test soak bench check fmt packages test-packages

help: ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## Build and start Lectern with a sample recording
	tests/media/make.sh .cache/sample sample
	deploy/run.sh "$(CARGO_TARGET)/release/lectern" "$(DATA)" "$(LISTEN)" .cache/sample/sample.mp4

build: packages ## Build the release executables
	cargo build --release --locked -p lectern -p lectern-engine

packages: ## Install the Debian packages that building and running need
	deploy/packages.sh run

test-packages: packages ## Install what the tests need besides
	deploy/packages.sh test

test: test-packages ## Run every test
	tests/run.sh

soak: test-packages ## The players' harness tested, the kill tests at 200 points, and the whole suite as a fleet (hours)
	LECTERN_KILL_POINTS=200 tests/run.sh soak

bench: test-packages ## Measure `lectern encode` against one ffmpeg command
	benches/encode/run.sh

fmt: ## Format
	cargo fmt --all

check: packages ## Formatting, layers, clippy, and the dependencies' licences and sources
	tests/run.sh check
