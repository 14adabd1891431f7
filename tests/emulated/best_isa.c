/**
 * @file best_isa.c
 * `best_isa NAME`: is NAME the best instruction set that this program finds usable here, and is
 * there a kernel for it? Ends with status 0 if so. Run first on an emulated processor: without it,
 * tests of "every usable kernel" would pass where the kernel in question is not usable.
 */
#include <stdio.h>
#include <string.h>

#include "hm_kernel.h"

int main(int argc, char **argv) {
    const hm_kernel_t *kernel = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: best_isa NAME\n");
        return HM_EUSAGE;
    }
    if (hm_kernel_best(&kernel) != HM_OK) {
        fprintf(stderr, "best_isa: no kernel\n");
        return HM_EMISSING;
    }
    const char *best = hm_isa_name(hm_kernel_isa(kernel));
    printf("best_isa: %s (usable %#x, built in %#x)\n", best, (unsigned)hm_cpu_isas(),
           (unsigned)hm_kernel_built());
    return strcmp(best, argv[1]) == 0 ? 0 : 1;
}
