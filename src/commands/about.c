/* --version: what this program is made of. */
#include <hdf5.h>
#include <jansson.h>
#include <mpfr.h>
#include <png.h>
#include <stdio.h>
#include <zlib.h>
#ifdef HM_WITH_PETSC
#include <petscversion.h>
#endif

#include "hm_command.h"
#include "hm_kernel.h"
#include "hm_version.h"
#include "provenance.h"

void hm_about_print(FILE *out) {
    char mpi[PROVENANCE_TEXT];
    provenance_mpi(mpi, sizeof mpi);
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    H5get_libversion(&major, &minor, &release);
    fprintf(out, "hpcmandel %s\n", hm_version());
    fprintf(out, "revision  %s\n", hm_revision());
    fprintf(out, "compiler  %s\n", hm_compiler());
    fprintf(out, "mpi       %s\n", mpi);
    fprintf(out, "hdf5      %u.%u.%u%s\n", major, minor, release,
#ifdef H5_HAVE_PARALLEL
            " parallel"
#else
            " serial"
#endif
    );
#ifdef HM_WITH_PETSC
    fprintf(out, "petsc     %d.%d.%d\n", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
            PETSC_VERSION_SUBMINOR);
#else
    fprintf(out, "petsc     none (built with WITH_PETSC=0)\n");
#endif
    fprintf(out, "libraries zlib %s, libpng %s, mpfr %s, jansson %s\n", zlibVersion(),
            png_get_libpng_ver(NULL), mpfr_get_version(), JANSSON_VERSION);
    fprintf(out, "kernels  ");
    for (int isa = 0; isa < HM_ISA_COUNT; ++isa) {
        if (hm_kernel_built() & (1u << isa)) {
            fprintf(out, " %s%s", hm_isa_name((hm_isa_t)isa),
                    hm_cpu_has((hm_isa_t)isa) ? "" : " (not usable here)");
        }
    }
    fprintf(out, "\n");
}
