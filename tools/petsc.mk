# PETSC_CFLAGS and PETSC_LIBS of a PETSc on MPICH (tools/petsc.sh says where it looks); empty when there is none, or WITH_PETSC=0.
# Code that asks whether it is there asks for HM_WITH_PETSC.
PETSC_ENV = DEPS_DIR=$(call quoted,$(DEPS_DIR)) PETSC_DIR='$(PETSC_DIR)' PETSC_ARCH='$(PETSC_ARCH)' PKG_CONFIG='$(PKG_CONFIG)'
PETSC_CFLAGS :=
PETSC_LIBS :=
ifeq ($(WITH_PETSC),1)
PETSC_LIBS := $(shell $(PETSC_ENV) tools/petsc.sh libs 2>/dev/null || true)
ifneq ($(PETSC_LIBS),)
PETSC_CFLAGS := $(shell $(PETSC_ENV) tools/petsc.sh cflags 2>/dev/null || true) -DHM_WITH_PETSC
endif
endif
