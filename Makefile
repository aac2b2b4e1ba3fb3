# SPDX-License-Identifier: Apache-2.0
# A thin front: Meson builds, scripts/ holds the work. `make demo`, `make check` and `make interop`
# install what they miss on a fresh Debian; everything else says what it needs.

FUZZ_SECONDS ?= 60
CHALLENGES ?= 100000
DESTDIR ?=
export FUZZ_SECONDS CHALLENGES

.PHONY: all deps demo check check-long bench fuzz mutate interop vectors install clean

all: deps
	@scripts/build release

deps:
	@scripts/deps base

demo: deps
	@scripts/build release
	@scripts/demo

# The kernel of the machine that is booted; without it that test says what is missing.
check:
	@scripts/deps base system
	@scripts/kernel >/dev/null || true
	@scripts/check

check-long:
	@scripts/deps base long
	@scripts/check-long

bench:
	@scripts/deps base bench
	@scripts/bench

fuzz:
	@scripts/deps base fuzz
	@scripts/fuzz

mutate: deps
	@scripts/mutate

# Without a toolchain the rows of its programs fail, each with a sentence.
interop: deps
	@scripts/deps interop || true
	@scripts/interop

vectors:
	@scripts/vectors

install: deps
	@scripts/build release
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild
	@[ -n "$(DESTDIR)" ] || /sbin/ldconfig

clean:
	@rm -rf build build-asan build-clang build-fuzz build-kernel build-mutate
