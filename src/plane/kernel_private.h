/**
 * @file kernel_private.h
 * What the kernels and their table share. Not for other modules.
 */
#ifndef HM_KERNEL_PRIVATE_H
#define HM_KERNEL_PRIVATE_H

#include "hm_kernel.h"

/** One kernel: an instruction set and what is done with it. Arguments have been checked. */
struct hm_kernel_t {
    hm_isa_t isa;
    bool has_channels;
    hm_status_t (*compute)(const hm_formula_t *formula, const hm_tile_t *tile,
                           const hm_channels_t *channels, uint64_t *work, const hm_poll_t *poll,
                           hm_error_t *err);
    double (*ceiling)(hm_arith_t arith, double seconds);
};

extern const hm_kernel_t hm_kernel_scalar;
#if defined(__x86_64__)
extern const hm_kernel_t hm_kernel_avx2;
extern const hm_kernel_t hm_kernel_avx512;
#elif defined(__aarch64__)
extern const hm_kernel_t hm_kernel_neon;
#endif

/** Has the caller asked to give the tile up? */
static inline bool hm_poll_stops(const hm_poll_t *poll) {
    return poll && poll->call && poll->call(poll->context);
}

#endif
