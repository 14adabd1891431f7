# hpcmandel: `make help` lists what can be made.
#
# Non-recursive. Every .c below src/ is found by itself: a new file needs no line here. Options for one file only stand
# in `FLAGS_<path of the source without .c>`.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VERSION := 0.1.0
REVISION := $(shell git -C $(CURDIR) describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

# --- where things are -----------------------------------------------------------------------------------------------
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
DEPS_DIR ?= $(CURDIR)/.deps
WITH_PETSC ?= 1
V ?= 0
Q := $(if $(filter 0,$(V)),@,)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2),@:)

# MPICH by its own name where the distribution has several MPIs.
MPICC ?= $(firstword $(shell command -v mpicc.mpich mpicc 2>/dev/null) mpicc.mpich)
MPIRUN ?= $(firstword $(shell command -v mpirun.mpich mpirun 2>/dev/null) mpirun.mpich)
PKG_CONFIG ?= pkg-config
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
NP ?= $(shell nproc)

include tools/petsc.mk

PACKAGES := hdf5-mpich inih jansson libpng zlib libdeflate mpfr
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wundef -Werror
# -ffp-contract=off is a promise (textbook arithmetic), not a matter of taste: it stands behind CFLAGS.
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS) $(SANITIZE) -ffp-contract=off -fno-math-errno -fopenmp \
             -D_GNU_SOURCE -Iinclude $(PKG_CFLAGS) -MMD -MP
ALL_LDFLAGS = $(CFLAGS) $(SANITIZE) -fopenmp $(LDFLAGS)
LIBS = $(PKG_LIBS) -lhdf5_hl -ldl -lm

# --- what is built --------------------------------------------------------------------------------------------------
ARCH := $(shell $(MPICC) -dumpmachine 2>/dev/null | cut -d- -f1)
KERNELS_x86_64 := avx2 avx512
KERNELS_aarch64 := neon
NOT_HERE := $(filter-out $(KERNELS_$(ARCH)),avx2 avx512 neon)

SOURCES := $(sort $(wildcard src/*/*.c src/*/*/*.c))
SOURCES := $(filter-out $(NOT_HERE:%=src/plane/kernel_%.c),$(SOURCES))
ifneq ($(WITH_PETSC),1)
SOURCES := $(filter-out src/analysis/potential%.c,$(SOURCES))
endif
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
LIBRARY := $(BUILD)/libhpcmandel.a
MAIN := $(BUILD)/obj/main.o

FLAGS_src/plane/kernel_avx2 := -O3 -mavx2 -mfma
FLAGS_src/plane/kernel_avx512 := -O3 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma \
                                 -mprefer-vector-width=512
FLAGS_src/plane/kernel_scalar := -O3
FLAGS_src/plane/kernel_neon := -O3
FLAGS_src/base/version = -DHM_VERSION='"$(VERSION)"' -DHM_REVISION='"$(REVISION)"' \
                         -DHM_COMPILER_FLAGS='"$(CFLAGS) -ffp-contract=off"'

# Goals that compile. The others must work where nothing is installed yet.
BUILDING := all hpcmandel unit-tests unit-tests-serial run-now test-now bench bench-kernel install $(BUILD)/%

.PHONY: all
all: hpcmandel

hpcmandel: $(BUILD)/hpcmandel
	$(Q)cp -f $< $@

$(BUILD)/hpcmandel: $(MAIN) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(MPICC) $(ALL_LDFLAGS) -o $@ $(MAIN) $(LIBRARY) $(PETSC_LIBS) $(LIBS)

$(LIBRARY): $(OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_CFLAGS) $(FLAGS_$(basename $<)) $(PETSC_CFLAGS) -c -o $@ $<

# Changes when the flags do, so that objects are made anew.
FLAGS_TEXT = $(MPICC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS) $(PETSC_CFLAGS) $(PETSC_LIBS) $(WITH_PETSC)
ifneq ($(filter $(BUILDING),$(or $(MAKECMDGOALS),all)),)
# $(call remember,FILE,TEXT): the file's time changes when the text does.
remember = $(shell mkdir -p $(BUILD); printf '%s\n' '$(2)' | cmp -s - $(1) || printf '%s\n' '$(2)' > $(1))
$(call remember,$(BUILD)/flags,$(subst ',,$(FLAGS_TEXT)))
$(call remember,$(BUILD)/revision,$(VERSION) $(REVISION))
# A plain `make` brings nothing from outside: it says what to do instead.
ifeq ($(WITH_PETSC)$(strip $(PETSC_LIBS)),1)
$(error no PETSc on MPICH found: `make deps` provides it, WITH_PETSC=0 does without)
endif
endif
$(BUILD)/obj/base/version.o: $(BUILD)/revision

# --- tests ----------------------------------------------------------------------------------------------------------
# tests/unit/test_*.c: CUnit, one process. tests/mpi/test_*.c: CUnit under mpirun. Each is a program of its own on tests/unit/runner.h.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
MPI_TESTS := $(patsubst tests/mpi/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/mpi/test_*.c)))

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY) $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcunit $(PETSC_LIBS) $(LIBS)
$(BUILD)/tests/%: tests/mpi/%.c $(LIBRARY) $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcunit $(PETSC_LIBS) $(LIBS)

.PHONY: unit-tests unit-tests-serial
unit-tests: $(UNIT_TESTS) $(MPI_TESTS)
unit-tests-serial: $(UNIT_TESTS)

.PHONY: asan
asan:
	$(Q)$(MAKE) --no-print-directory BUILD=build-asan CFLAGS='-O1 -g' WITH_PETSC=0 \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' unit-tests-serial

# --- what users call ------------------------------------------------------------------------------------------------
# deps may bring the compiler itself: what comes after it is made by a make of its own, which looks anew.
.PHONY: deps deps-run deps-test
deps: deps-run
deps-run:
	$(Q)tools/deps.sh run $(if $(filter 1,$(WITH_PETSC)),petsc)
ifeq ($(WITH_PETSC),1)
	$(Q)DEPS_DIR='$(DEPS_DIR)' tools/petsc.sh provide
endif
deps-test: deps-run
	$(Q)tools/deps.sh test

.PHONY: run
run: deps-run
	$(Q)$(MAKE) --no-print-directory -j $(NP) hpcmandel
	$(Q)$(MAKE) --no-print-directory run-now
.PHONY: run-now
run-now: hpcmandel
	$(MPIRUN) -np $(NP) ./hpcmandel --config configs/default.ini --overwrite

.PHONY: test
test: deps-test
	$(Q)$(MAKE) --no-print-directory -j $(NP) hpcmandel unit-tests
	$(Q)$(MAKE) --no-print-directory test-now
.PHONY: test-now
test-now: hpcmandel unit-tests
	$(Q)MPIRUN=$(MPIRUN) PYTHON=$(PYTHON) tests/run

.PHONY: test-emulated
test-emulated: deps-run
	$(Q)tools/deps.sh test emulated
	$(Q)MPIRUN=$(MPIRUN) PYTHON=$(PYTHON) tests/run emulated

.PHONY: bench bench-kernel
bench: bench-kernel
bench-kernel: hpcmandel
	$(Q)./hpcmandel bench kernel

.PHONY: install uninstall
SHARE = $(DESTDIR)$(PREFIX)/share/hpcmandel
install: hpcmandel
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/configs $(SHARE)/jobs
	$(Q)install -m 755 hpcmandel $(DESTDIR)$(PREFIX)/bin/hpcmandel
	$(Q)cp -R configs jobs $(SHARE)/
uninstall:
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/hpcmandel
	$(Q)rm -rf $(SHARE)

.PHONY: clean
clean:
	$(Q)rm -rf build build-asan hpcmandel

.PHONY: help
help:
	@printf '%s\n' \
	  'make            builds ./hpcmandel' \
	  'make run        installs what is missing, builds, renders configs/default.ini into results/' \
	  'make test       installs what is missing, builds, tests' \
	  'make deps       installs what is missing (packages; PETSc on MPICH into .deps/)' \
	  'make bench      measures; make bench-kernel: kernels only' \
	  'make test-emulated   kernels on processors that this machine is not, emulated' \\
	  'make asan       builds the unit tests with address and undefined-behaviour sanitizers' \
	  'make format     formats the C sources; make format-check only looks' \
	  'make lint       clang-tidy, cppcheck, shellcheck' \
	  'make install    PREFIX=/usr/local DESTDIR=; make uninstall' \
	  'make clean      removes what was built; leaves .deps/ and results/' \
	  'make print-VAR  prints a variable' \
	  'Variables: WITH_PETSC=0 (no potential), CFLAGS, MPICC, MPIRUN, NP, BUILD, DEPS_DIR, PETSC_DIR, V=1 (show commands)'

# --- hygiene --------------------------------------------------------------------------------------------------------
C_FILES = $(shell git ls-files '*.c' '*.h' 2>/dev/null)
SHELL_FILES = $(shell git ls-files 2>/dev/null | xargs -r awk 'FNR == 1 { if (/^\#!.*(bash|\/sh)/) print FILENAME; nextfile }')

.PHONY: format format-check lint lint-c lint-cppcheck lint-shell
format:
	$(Q)clang-format -i $(C_FILES)
format-check:
	$(Q)clang-format --dry-run --Werror $(C_FILES)
lint: lint-c lint-cppcheck lint-shell
TIDY_FLAGS = $(filter-out -fopenmp -MMD -MP,$(ALL_CFLAGS)) $(PETSC_CFLAGS) $(shell $(MPICC) -show -c x.c 2>/dev/null | grep -oE -- '-I[^ ]+' | sort -u)
LINTED = $(filter src/%.c,$(C_FILES))
lint-c:
	$(call say,TIDY,src)
	$(Q)printf '%s\n' $(filter-out %_neon.c,$(LINTED)) | xargs -n 3 -P $(NP) sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- \
	    -mavx2 -mfma -mavx512f -mavx512dq -mavx512vl $(subst ',,$(TIDY_FLAGS)) 2>/dev/null' tidy
lint-cppcheck:
	$(call say,CPPCHK,src)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=unknownMacro -j $(NP) -Iinclude src
lint-shell:
	$(call say,SHCHK,scripts)
	$(Q)shellcheck -x $(SHELL_FILES)

print-%:
	@echo '$($*)'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
