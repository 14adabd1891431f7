/**
 * @file hm_fit.h
 * Laws of scaling, fitted to measured speed-ups. p cores are S(p) times as fast as one:
 *
 * - Amdahl: S = p / (1 + f (p - 1)). f is the serial part of the work, the same work for all p
 *   (G. M. Amdahl 1967, doi:10.1145/1465482.1465560).
 * - Gustafson: S = p - s (p - 1). s is the serial part of the time, the work growing with p
 *   (J. L. Gustafson 1988, doi:10.1145/42411.42415).
 * - Universal Scalability Law: S = p / (1 + a (p - 1) + b p (p - 1)). a: waiting for what is
 *   shared; b: everybody talking to everybody (N. J. Gunther 1993; Guerrilla Capacity Planning,
 *   2007, doi:10.1007/978-3-540-31010-5).
 *
 * All are least squares of relative residuals, as timings err by a share of themselves: p/S is
 * linear in f, a and b, S in s, so that the least one is found exactly. No parameter may be below
 * 0, f and s not above 1.
 *
 * Not collective, no state.
 */
#ifndef HM_FIT_H
#define HM_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "hm_error.h"

typedef enum hm_law_t { HM_LAW_AMDAHL, HM_LAW_GUSTAFSON, HM_LAW_USL, HM_LAW_COUNT } hm_law_t;

/** The law's name, and those of its parameters (0 or 1). */
const char *hm_law_name(hm_law_t law);
const char *hm_law_parameter(hm_law_t law, int parameter);
int hm_law_parameters(hm_law_t law);

typedef struct hm_fit_t {
    hm_law_t law;
    int parameters, points; /**< points above one core: the others say nothing */
    double parameter[2];
    double error[2]; /**< standard error of each; NAN where points leave no freedom to tell */
    bool bound[2];   /**< it would have left its range, and was held at its end */
    double rms;      /**< root of the mean squared relative residual of S */
    double worst; /**< the largest relative residual, with its sign: measured above the law > 0 */
    double worst_cores;
    double most_cores; /**< largest p among the points */
} hm_fit_t;

/**
 * Fits a law to speedup[count] on cores[count] (>= 1; those of 1 are left out: there every law is
 * 1). HM_EUSAGE: no point above one core, or numbers that are not positive and finite.
 */
hm_status_t hm_fit(hm_law_t law, const double *cores, const double *speedup, int count,
                   hm_fit_t *fit, hm_error_t *err);

/** What the law says of `cores` cores. */
double hm_fit_speedup(const hm_fit_t *fit, double cores);

/** Cores where the law's speed-up is largest, and that speed-up: INFINITY where it grows without
 * end. For Amdahl cores are INFINITY, the speed-up 1/f. */
void hm_fit_limit(const hm_fit_t *fit, double *cores, double *speedup);

/**
 * What speaks against believing the fit, as sentences in `text` of `size` bytes; empty when
 * nothing does: as few points as parameters, a parameter at the end of its range or not to be told
 * from 0, residuals above a tenth, only few cores measured. Returns true when the fit says nothing
 * at all.
 */
bool hm_fit_doubts(const hm_fit_t *fit, char *text, size_t size);

/**
 * The serial part that a speed-up stands for by itself, (1/S - 1/p) / (1 - 1/p), p > 1: where it
 * grows with p something else than a serial part is at work (A. H. Karp, H. P. Flatt 1990,
 * doi:10.1145/78607.78614).
 */
double hm_karp_flatt(double cores, double speedup);

#endif
