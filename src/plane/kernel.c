/* The table of kernels, and the checks that all of them share. A new kernel is one line in it. */
#include "hm_kernel.h"

#include <math.h>

#include "kernel_private.h"

static const hm_kernel_t *const kernels[] = {
    &hm_kernel_scalar,
#if defined(__x86_64__)
    &hm_kernel_avx2,   &hm_kernel_avx2_shared, &hm_kernel_avx512, &hm_kernel_avx512_shared,
#elif defined(__aarch64__)
    &hm_kernel_neon,
#endif
};

enum { KERNELS = sizeof kernels / sizeof kernels[0] };

/* Is it made for this processor's units? `shared`: hm_cpu_shares_units(). */
static bool suits(const hm_kernel_t *kernel, bool shared) {
    return kernel->units == HM_UNITS_ANY || (kernel->units == HM_UNITS_SHARED) == shared;
}

hm_status_t hm_kernel_best(const hm_kernel_t **kernel) {
    const hm_kernel_t *best = &hm_kernel_scalar;
    const bool shared = hm_cpu_shares_units();
    for (int k = 0; k < KERNELS; ++k) {
        if (hm_cpu_has(kernels[k]->isa) && kernels[k]->isa > best->isa &&
            suits(kernels[k], shared)) {
            best = kernels[k];
        }
    }
    *kernel = best;
    return HM_OK;
}

hm_status_t hm_kernel_find(hm_isa_t isa, const hm_kernel_t **kernel, hm_error_t *err) {
    const bool shared = hm_cpu_shares_units();
    for (int k = 0; k < KERNELS; ++k) {
        if (kernels[k]->isa == isa && suits(kernels[k], shared)) {
            if (!hm_cpu_has(isa)) {
                return hm_error_set(err, HM_EMISSING,
                                    "isa: this machine cannot run %s; leave it at auto",
                                    hm_isa_name(isa));
            }
            *kernel = kernels[k];
            return HM_OK;
        }
    }
    return hm_error_set(err, HM_EMISSING,
                        "isa: this program was built without %s; leave it at auto",
                        hm_isa_name(isa));
}

hm_isa_t hm_kernel_isa(const hm_kernel_t *kernel) {
    return kernel->isa;
}

uint32_t hm_kernel_built(void) {
    uint32_t mask = 0;
    for (int k = 0; k < KERNELS; ++k) {
        mask |= 1u << kernels[k]->isa;
    }
    return mask;
}

bool hm_kernel_has_channels(const hm_kernel_t *kernel) {
    return kernel->has_channels;
}

static bool all_finite(const double *values, int64_t count) {
    double sum = 0.0; /* 0 * finite is 0, 0 * anything else is not a number */
    for (int64_t k = 0; k < count; ++k) {
        sum += 0.0 * values[k];
    }
    return sum == 0.0;
}

hm_status_t hm_kernel_compute(const hm_kernel_t *kernel, const hm_formula_t *formula,
                              const hm_tile_t *tile, const hm_channels_t *channels, uint64_t *work,
                              const hm_poll_t *poll, hm_error_t *err) {
    if (formula->max_iter < 1 || formula->max_iter > UINT32_MAX - 1) {
        return hm_error_set(err, HM_EUSAGE, "max-iter: must be 1 to %u", UINT32_MAX - 1);
    }
    if (!(formula->bailout > 0.0) || !isfinite(formula->bailout)) {
        return hm_error_set(err, HM_EUSAGE, "bailout: must be a finite number greater than 0");
    }
    if (tile->width < 0 || tile->width > INT32_MAX || tile->rows < 0) {
        return hm_error_set(err, HM_EUSAGE, "a tile's width must be 0 to %d", INT32_MAX);
    }
    if (!all_finite(tile->re, tile->width) || !all_finite(tile->im, tile->rows) ||
        (formula->julia && !(isfinite(formula->julia_re) && isfinite(formula->julia_im)))) {
        return hm_error_set(err, HM_EUSAGE, "coordinates must be finite");
    }
    if ((channels->smooth || channels->distance || channels->period) && !kernel->has_channels) {
        return hm_error_set(err, HM_EMISSING, "channels: the %s kernel computes iterations alone",
                            hm_isa_name(kernel->isa));
    }
    return kernel->compute(kernel, formula, tile, channels, work, poll, err);
}

void hm_kernel_total(const hm_kernel_t *kernel, const uint32_t *counts, int64_t points,
                     uint32_t max_iter, uint64_t *sum, uint64_t *inside) {
    kernel->total(counts, points, max_iter, sum, inside);
}

double hm_kernel_ceiling(const hm_kernel_t *kernel, hm_arith_t arith, double seconds) {
    return kernel->ceiling(kernel, arith, seconds);
}
