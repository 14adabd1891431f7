# Where PETSc on MPICH is: PETSC_DIR, pkg-config, or the folder that tools/petsc.sh builds into. Empty when there is none yet.
ifeq ($(WITH_PETSC),1)
PETSC_CFLAGS := $(shell DEPS_DIR='$(DEPS_DIR)' tools/petsc.sh cflags 2>/dev/null)
PETSC_LIBS := $(shell DEPS_DIR='$(DEPS_DIR)' tools/petsc.sh libs 2>/dev/null)
ifneq ($(PETSC_LIBS),)
PETSC_CFLAGS += -DHM_WITH_PETSC
endif
endif
