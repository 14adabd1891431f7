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
REVISION := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

# --- where things are -----------------------------------------------------------------------------------------------
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
DEPS_DIR ?= $(CURDIR)/.deps
WITH_PETSC ?= 1
V ?= 0
Q := $(if $(filter 0,$(V)),@,)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2),@:)
quoted = '$(subst ','\'',$(1))'
comma := ,

# MPICH by its own name where the distribution has several MPIs.
MPICC ?= $(firstword $(shell command -v mpicc.mpich mpicc 2>/dev/null) mpicc.mpich)
MPIRUN ?= $(firstword $(shell command -v mpirun.mpich mpirun 2>/dev/null) mpirun.mpich)
PKG_CONFIG ?= pkg-config
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
# nproc would take OMP_NUM_THREADS for the number of processors.
PROCESSORS := $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
NP ?= $(PROCESSORS)
JOBS ?= $(PROCESSORS)

include tools/petsc.mk

# Others' headers are not ours to warn about: -isystem. HDF5 comes from HDF5_DIR when that is set (a module of a cluster), else by
# pkg-config, under the name that says which MPI it is on where there is one.
system = $(patsubst -I%,-isystem %,$(1))
# inih stands first: UCX below MPICH brings functions of the same names, with other settings, in libucs.
PACKAGES := inih jansson libpng zlib libdeflate mpfr
ifneq ($(HDF5_DIR),)
HDF5_CFLAGS := -isystem $(HDF5_DIR)/include
HDF5_LIBS := -L$(HDF5_DIR)/lib -Wl,-rpath,$(HDF5_DIR)/lib -lhdf5
else
PACKAGES := $(firstword $(shell for p in hdf5-mpich hdf5; do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p; done; true) hdf5-mpich) $(PACKAGES)
endif
PKG_CFLAGS := $(call system,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null || true)) $(HDF5_CFLAGS)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs inih 2>/dev/null || true) \
            $(shell $(PKG_CONFIG) --libs $(filter-out inih,$(PACKAGES)) 2>/dev/null || true) $(HDF5_LIBS) -lhdf5_hl

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wundef -Werror
# -ffp-contract=off is a promise (textbook arithmetic), not a matter of taste: it stands behind CFLAGS.
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS) $(SANITIZE) -ffp-contract=off -fno-math-errno -fopenmp \
             -D_GNU_SOURCE -Iinclude $(PKG_CFLAGS) $(PETSC_CFLAGS) -MMD -MP
ALL_LDFLAGS = $(CFLAGS) $(SANITIZE) -fopenmp -Wl,--as-needed $(LDFLAGS)
LIBS = $(PKG_LIBS) -ldl -lm

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

# What is worth its compiling where speed counts; a minute of it with sanitizers.
FAST := -O3
FLAGS_src/plane/kernel_avx2 := $(FAST) -mavx2 -mfma
FLAGS_src/plane/kernel_avx512 := $(FAST) -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma \
                                 -mprefer-vector-width=512
FLAGS_src/plane/kernel_scalar := $(FAST)
FLAGS_src/plane/kernel_neon := $(FAST)
FLAGS_src/analysis/counts := $(FAST)
FLAGS_src/base/version = -DHM_VERSION='"$(VERSION)"' -DHM_REVISION='"$(REVISION)"' \
                         -DHM_COMPILER_FLAGS='"$(CFLAGS) -ffp-contract=off"'

.PHONY: all
all: hpcmandel ## compile; the program is ./hpcmandel (the default)

hpcmandel: $(BUILD)/hpcmandel
	$(Q)cp -f $< $@

$(BUILD)/hpcmandel: $(MAIN) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(MPICC) $(ALL_LDFLAGS) -o $@ $(MAIN) $(LIBRARY) $(PETSC_LIBS) $(LIBS)

$(LIBRARY): $(OBJECTS) $(BUILD)/contents
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_CFLAGS) $(FLAGS_$(basename $<)) -c -o $@ $<

# --- what was built with what ---------------------------------------------------------------------------------------
# Small files that remember a text. They are made anew only when the text differs from what they hold, and what depends on them
# with them; when nothing differs, nothing is done at all.
.PHONY: FORCE
FORCE:
# Equal texts lie in each other.
changed = $(if $(and $(findstring $(strip $(2)),$(strip $(file <$(1)))),$(findstring $(strip $(file <$(1))),$(strip $(2)))),,FORCE)

FLAGS_OF_FILES := $(foreach v,$(sort $(filter-out FLAGS_src/base/version,$(filter FLAGS_src/%,$(.VARIABLES)))),$(v)=$($(v)))
FLAGS_TEXT := $(MPICC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS) $(PETSC_LIBS) $(WITH_PETSC) $(FLAGS_OF_FILES)
# Whoever names a compiler or libraries on the command line answers for them (a cross compiler has no MPI).
NEEDS := $(if $(filter command,$(firstword $(origin MPICC))),,mpi) \
         $(if $(filter command,$(firstword $(origin PKG_CFLAGS)) $(firstword $(origin MPICC))),,libraries) \
         $(if $(filter 1,$(WITH_PETSC)),$(if $(PETSC_LIBS),,petsc))
$(BUILD)/flags: $(call changed,$(BUILD)/flags,$(FLAGS_TEXT))
	$(Q)MPICC='$(MPICC)' PKG_CONFIG='$(PKG_CONFIG)' PACKAGES='$(PACKAGES)' CFLAGS_SEEN='$(PKG_CFLAGS)' tools/ready.sh $(NEEDS)
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' $(call quoted,$(FLAGS_TEXT)) > $@

$(BUILD)/contents: $(call changed,$(BUILD)/contents,$(OBJECTS))
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' '$(OBJECTS)' > $@

$(BUILD)/obj/base/version.o: $(BUILD)/revision
$(BUILD)/revision: $(call changed,$(BUILD)/revision,$(VERSION) $(REVISION))
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' '$(VERSION) $(REVISION)' > $@

# --- from a bare machine to a picture -------------------------------------------------------------------------------
# What was missing when make read this file is there afterwards: so make is called anew.
again = +$(Q)$(MAKE) --no-print-directory

.PHONY: deps run run-now
deps: ## install what building and running needs (apt), and provide PETSc on MPICH
	$(Q)tools/deps.sh run
	$(if $(filter 1,$(WITH_PETSC)),$(Q)$(PETSC_ENV) MPICC='$(MPICC)' MPIRUN='$(MPIRUN)' tools/petsc.sh provide,@:)

.PHONY: deps-test viewer
viewer: ## provide OpenSeadragon (by npm) for the pages of `hpcmandel export --dzi`
	$(Q)tools/viewer.sh $(call quoted,$(DEPS_DIR))/openseadragon
deps-test: deps viewer
	$(Q)tools/deps.sh test

run: deps ## deps, all, then configs/default.ini on all cores (NP=): results/default.h5 and .png
	$(again) -j $(JOBS) hpcmandel
	$(again) run-now

run-now: hpcmandel
	$(MPIRUN) -np $(NP) ./hpcmandel --config configs/default.ini --overwrite

# --- tests ----------------------------------------------------------------------------------------------------------
# tests/unit/test_*.c: CUnit, one process. tests/mpi/test_*.c: CUnit under mpirun. Each is a program of its own on tests/unit/runner.h.
# tests/mpi/commands.c is no test, but something that tests use.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
MPI_TESTS := $(patsubst tests/mpi/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/mpi/*.c)))

$(BUILD)/obj/tests/%.o: tests/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_CFLAGS) -Itests/unit -c -o $@ $<
$(UNIT_TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcunit $(PETSC_LIBS) $(LIBS)
$(MPI_TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/mpi/%.o $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcunit $(PETSC_LIBS) $(LIBS)

.PHONY: unit-tests unit-tests-serial asan
unit-tests-serial: $(UNIT_TESTS)
unit-tests: $(UNIT_TESTS) $(MPI_TESTS) ## compile the CUnit programs

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan: ## compile the serial ones, and the program, with AddressSanitizer and UBSan, without PETSc, in build-asan
	$(again) BUILD=build-asan CFLAGS='-O1 -g' FAST=-O1 WITH_PETSC=0 SANITIZE='$(SANITIZERS)' unit-tests-serial build-asan/hpcmandel

.PHONY: test test-now test-emulated
test: deps-test ## deps, all, run, and every test; the last line says how many passed and failed
	$(again) -j $(JOBS) hpcmandel unit-tests
	$(again) test-now

RUN_TESTS = BUILD='$(BUILD)' MPIRUN='$(MPIRUN)' PYTHON='$(PYTHON)' WITH_PETSC='$(WITH_PETSC)' DEPS_DIR=$(call quoted,$(DEPS_DIR)) JOBS='$(JOBS)' tests/run
test-now: hpcmandel unit-tests
	+$(Q)$(RUN_TESTS) $(STAGES)

test-emulated: deps-test ## the whole test bench of kernels on an old x86-64, an Arm, and one with AVX-512, emulated (minutes)
	$(Q)tools/deps.sh emulated
	$(again) -j $(JOBS) hpcmandel
	+$(Q)$(RUN_TESTS) emulated emulated_long

test-%: deps-test ## one stage of the tests, as in test-unit (`tests/run --list`), or one file, as in test-slurm and test-pbs
	$(again) -j $(JOBS) hpcmandel unit-tests
	$(again) test-now STAGES='$*'

KILLS ?= 1000
MUTATIONS ?= 3000
SEED ?= 1
.PHONY: soak
soak: hpcmandel ## kill a running program KILLS=1000 times, give it MUTATIONS=3000 damaged files (SEED=)
	HM_KILLS=$(KILLS) HM_MUTATIONS=$(MUTATIONS) HM_SEED=$(SEED) MPIRUN='$(MPIRUN)' PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/cli \
	    $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/faults -k 'random_moments or mutations'

# --- measuring ------------------------------------------------------------------------------------------------------
.PHONY: bench
bench: bench-kernel bench-numba bench-strategies bench-io ## what this machine does: every `hpcmandel bench`
bench-strategies: hpcmandel ## strategies against each other on all cores (ARGS=)
	$(MPIRUN) -np $(NP) ./hpcmandel bench strategies $(ARGS)
bench-io: hpcmandel ## ways to the file against plain pwrite (ARGS='--megabytes 4296 --folder DIR')
	$(MPIRUN) -np $(NP) ./hpcmandel bench io $(ARGS)
bench-kernel: hpcmandel ## kernels against the ceiling of this core (ARGS= for more options)
	./hpcmandel bench kernel $(ARGS)
bench-numba: hpcmandel ## the kernel against the textbook's loop compiled by Numba (ARGS=)
	$(PYTHON) tools/bench_numba.py $(ARGS)

.PHONY: gallery
gallery: hpcmandel ## docs/gallery/ anew, from configs/
	$(PYTHON) tools/gallery.py ./hpcmandel $(MPIRUN) $(NP)
.PHONY: bench-politeness
bench-politeness: hpcmandel ## 64 ranks on the processors there are, against 2 and against a bare MPI program (ARGS='RANKS REPETITIONS')
	MPIRUN='$(MPIRUN)' MPICC='$(MPICC)' tools/politeness.sh $(ARGS)

.PHONY: bench-plan
bench-plan: hpcmandel ## what plan predicts against real runs here, about six minutes (ARGS='--only whole,channels -n 9')
	HPCMANDEL=./hpcmandel MPIRUN='$(MPIRUN)' $(PYTHON) tools/plan_check.py $(ARGS)

.PHONY: scaling
scaling: hpcmandel ## strong and weak scaling on this machine, explained: results/scaling/index.html
	tools/scaling.sh

# --- looking after the code -----------------------------------------------------------------------------------------
C_FILES := $(sort $(wildcard src/*.c src/*/*.[ch] src/*/*/*.[ch] include/*.h tests/*/*.[ch] tools/*.c))
.PHONY: format format-check
format: ## clang-format every C file
	$(Q)clang-format -i $(C_FILES)
format-check: ## does clang-format agree with every C file?
	$(Q)clang-format --dry-run -Werror $(C_FILES)

TIDIED := $(wildcard src/main.c) $(SOURCES) $(sort $(wildcard tests/unit/*.c tests/mpi/*.c))
HEADERS := $(sort $(wildcard include/*.h))
# clang sees what gcc sees: MPI's folder by the wrapper, and gcc's omp.h (alone: its other headers are not for clang).
TIDY_FLAGS = -std=c11 -D_GNU_SOURCE -fopenmp -Iinclude -Itests/unit \
             $(call system,$(filter -I%,$(shell $(MPICC) -show 2>/dev/null))) $(PKG_CFLAGS) $(PETSC_CFLAGS) \
             -idirafter $(BUILD)/lint/omp
SCRIPTS = $(shell find tools tests jobs .ci -type f ! -name '*.py' ! -name '*.[ch]' -exec grep -lE '^\#!.*[/ ](ba)?sh\b|^\# shellcheck shell=' {} + | sort)
RUN_LINTS := $(TIDIED:%=$(BUILD)/lint/%.tidy) $(HEADERS:%=$(BUILD)/lint/%.alone)

$(BUILD)/lint/omp/omp.h: $(BUILD)/flags
	$(Q)mkdir -p $(@D)
	$(Q)ln -sf $$($(MPICC) -print-file-name=include/omp.h) $@
$(BUILD)/lint/%.tidy: % .clang-tidy tests/.clang-tidy tools/analyzer.h $(HEADERS) $(BUILD)/flags | $(BUILD)/lint/omp/omp.h
	$(call say,TIDY,$<)
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(TIDY_FLAGS) \
	    $(if $(filter src/base/error.c src/store/h5.c src/store/together.c src/cluster/agree.c src/commands/command.c,$<),,-include tools/analyzer.h) $(FLAGS_$(basename $<)) 2> $@.log || { cat $@.log >&2; exit 1; }
	$(Q)touch $@
# Every public header compiles alone.
$(BUILD)/lint/%.h.alone: %.h $(HEADERS) $(BUILD)/flags
	$(Q)mkdir -p $(@D)
	$(Q)$(MPICC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -fsyntax-only -x c $<
	$(Q)touch $@

.PHONY: lint lint-now lint-cppcheck lint-shell lint-rooms
lint: ## clang-tidy, cppcheck, shellcheck, headers alone, includes one way
	$(again) -k -j $(JOBS) lint-now
lint-now: $(RUN_LINTS) lint-cppcheck lint-shell lint-rooms
lint-cppcheck:
	$(call say,CPPCHECK,src)
	$(Q)mkdir -p $(BUILD)/lint/cppcheck
	$(Q)cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppressions-list=tools/cppcheck.txt --cppcheck-build-dir=$(BUILD)/lint/cppcheck -D_GNU_SOURCE -DPETSC_USE_REAL_DOUBLE -Iinclude \
	    $(wildcard src/main.c) $(SOURCES)
lint-shell:
	$(call say,SHELL,"tools tests jobs .ci")
	$(Q)shellcheck -x -P SCRIPTDIR $(SCRIPTS)
lint-rooms:
	$(call say,ROOMS,src)
	$(Q)$(PYTHON) tools/rooms.py

# --- installing -----------------------------------------------------------------------------------------------------
# The PETSc that was built here is installed along with the program, which then looks for it there.
OWN_PETSC := $(filter -L$(DEPS_DIR)/petsc/lib,$(PETSC_LIBS))
$(BUILD)/hpcmandel.installed: $(MAIN) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(MPICC) $(ALL_LDFLAGS) -o $@ $(MAIN) $(LIBRARY) \
	    $(patsubst -Wl$(comma)-rpath$(comma)$(DEPS_DIR)/%,-Wl$(comma)-rpath$(comma)'$$ORIGIN/../lib/hpcmandel',$(PETSC_LIBS)) $(LIBS)

SHARED := configs jobs
TO := $(call quoted,$(DESTDIR)$(PREFIX))
.PHONY: install uninstall
install: $(BUILD)/hpcmandel.installed ## install below PREFIX (default /usr/local); DESTDIR for packagers
	$(Q)install -D -m 755 $< $(TO)/bin/hpcmandel
	$(Q)find $(SHARED) -type f -printf '%m %p\n' | while read -r mode file; do \
	    install -D -m "$$([[ $$mode == *[1357]* ]] && echo 755 || echo 644)" "$$file" $(TO)/share/hpcmandel/"$$file"; done
	$(Q)if [ -d $(call quoted,$(DEPS_DIR))/openseadragon ]; then \
	    mkdir -p $(TO)/share/hpcmandel && cp -R $(call quoted,$(DEPS_DIR))/openseadragon $(TO)/share/hpcmandel/; fi
	$(if $(OWN_PETSC),$(Q)mkdir -p $(TO)/lib/hpcmandel && cp -P $(call quoted,$(DEPS_DIR))/petsc/lib/libpetsc.so* $(TO)/lib/hpcmandel/)

uninstall: ## remove what install put there
	$(Q)rm -f $(TO)/bin/hpcmandel
	$(Q)rm -rf $(TO)/share/hpcmandel $(TO)/lib/hpcmandel

# --- the rest -------------------------------------------------------------------------------------------------------
.PHONY: clean help
clean: ## remove what was built (not results/, not the PETSc in DEPS_DIR)
	$(Q)rm -rf build build-asan $(BUILD) hpcmandel

help: ## this list
	@echo 'make TARGET [NAME=value...]'
	@sed -nE 's/^([a-z][a-z%-]*):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf '  %-14s %s\n' "$$name" "$$what"; done
	@printf '  %-14s %s\n' print-NAME 'the value of a variable here'
	@echo 'Often set: PREFIX= DESTDIR= NP= WITH_PETSC=0 CFLAGS= MPICC= HDF5_DIR= PETSC_DIR= DEPS_DIR= BUILD= V=1'

print-%:
	@printf '%s\n' $(call quoted,$($*))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
