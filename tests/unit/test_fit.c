/* Laws of scaling: exact ones are found again, published figures are met, the least is the least.
 */
#include "hm_fit.h"

#include <math.h>
#include <string.h>

#include "hm_sample.h"
#include "random.h"
#include "runner.h"

static double usl(double p, double a, double b) {
    return p / (1 + a * (p - 1) + b * p * (p - 1));
}

static void exact_laws_are_found_again(void) {
    const double cores[] = {1, 2, 4, 8, 16, 32, 64};
    double amdahl[7];
    double gustafson[7];
    double both[7];
    for (int i = 0; i < 7; ++i) {
        amdahl[i] = usl(cores[i], 0.05, 0);
        gustafson[i] = cores[i] - 0.1 * (cores[i] - 1);
        both[i] = usl(cores[i], 0.02, 0.0005);
    }
    hm_fit_t fit;
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_AMDAHL, cores, amdahl, 7, &fit, &err), HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[0], 0.05, 1e-12);
    CU_ASSERT_EQUAL(fit.points, 6);
    CU_ASSERT(fit.rms < 1e-12);
    double where = 0;
    double most = 0;
    hm_fit_limit(&fit, &where, &most);
    CU_ASSERT(isinf(where));
    CU_ASSERT_DOUBLE_EQUAL(most, 20, 1e-9); /* five percent serial: never more than 20 times */

    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_GUSTAFSON, cores, gustafson, 7, &fit, &err), HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[0], 0.1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(hm_fit_speedup(&fit, 101), 91, 1e-9);

    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_USL, cores, both, 7, &fit, &err), HM_OK);
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[0], 0.02, 1e-10);
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[1], 0.0005, 1e-11);
    hm_fit_limit(&fit, &where, &most);
    CU_ASSERT_DOUBLE_EQUAL(where, sqrt(0.98 / 0.0005), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(most, usl(where, 0.02, 0.0005), 1e-9);
    /* Amdahl's law on the same points is worse, and says so. */
    hm_fit_t worse;
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_AMDAHL, cores, both, 7, &worse, &err), HM_OK);
    CU_ASSERT(worse.rms > 0.05);
}

/* Scaled speed-ups of 1021, 1020 and 1016 on 1024 processors stand in Gustafson 1988 as serial
 * parts of the time of 0.4 to 0.8 percent. */
static void gustafson_s_own_figures(void) {
    const double cores = 1024;
    const double speedup[] = {1021, 1020, 1016};
    const double serial[] = {0.0029, 0.0039, 0.0078};
    for (int i = 0; i < 3; ++i) {
        hm_fit_t fit;
        CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_GUSTAFSON, &cores, &speedup[i], 1, &fit, NULL), HM_OK);
        CU_ASSERT_DOUBLE_EQUAL(fit.parameter[0], serial[i], 0.00005);
    }
}

/* The SPEC SDM 91 throughputs that Gunther 2007 shows: their most is between 72 and 108, where the
 * fitted law must have its own. */
static void throughput_that_falls_again(void) {
    const double load[] = {1, 18, 36, 72, 108, 144, 216};
    const double jobs[] = {64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2};
    double speedup[7];
    for (int i = 0; i < 7; ++i) {
        speedup[i] = jobs[i] / jobs[0];
    }
    hm_fit_t fit;
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_USL, load, speedup, 7, &fit, NULL), HM_OK);
    double where = 0;
    double most = 0;
    hm_fit_limit(&fit, &where, &most);
    CU_ASSERT(where > 72 && where < 108);
    /* The least squares of the same, by another program. */
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[0], 0.01116511, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(fit.parameter[1], 0.00011737, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(fit.worst, 0.08821, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(fit.worst_cores, 36, 0);
    CU_ASSERT(fit.error[0] > 0 && fit.error[1] > 0);
    char text[1024];
    CU_ASSERT_FALSE(hm_fit_doubts(&fit, text, sizeof text));
}

static double squares(const double *cores, const double *speedup, int count, double a, double b) {
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        double r = 1 - speedup[i] / usl(cores[i], a, b);
        sum += r * r;
    }
    return sum;
}

/* Around the parameters found there is nothing better, wherever points lie. */
static void no_neighbour_is_better(void) {
    const double cores[] = {2, 3, 5, 8, 20, 50};
    uint64_t random = 11;
    for (int trial = 0; trial < 200; ++trial) {
        double speedup[6];
        for (int i = 0; i < 6; ++i) {
            speedup[i] = cores[i] * (0.3 + (double)(next_random(&random) % 1000) / 1000);
        }
        hm_fit_t fit;
        CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_USL, cores, speedup, 6, &fit, NULL), HM_OK);
        CU_ASSERT(fit.parameter[0] >= 0 && fit.parameter[1] >= 0);
        double found = squares(cores, speedup, 6, fit.parameter[0], fit.parameter[1]);
        for (int k = 0; k < 50; ++k) {
            double a = fit.parameter[0] + ((double)(next_random(&random) % 2001) - 1000) * 1e-5;
            double b = fit.parameter[1] + ((double)(next_random(&random) % 2001) - 1000) * 1e-6;
            if (a >= 0 && b >= 0) {
                CU_ASSERT(squares(cores, speedup, 6, a, b) >= found - 1e-12);
            }
        }
    }
}

static void fits_that_say_nothing_say_so(void) {
    const double cores[] = {1, 2, 4};
    const double speedup[] = {1, 1.9, 3.4};
    const double superlinear[] = {1, 2.2, 4.5};
    char text[1024];
    hm_fit_t fit;
    /* one point, one parameter */
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_AMDAHL, cores, speedup, 2, &fit, NULL), HM_OK);
    CU_ASSERT(isnan(fit.error[0]));
    CU_ASSERT_TRUE(hm_fit_doubts(&fit, text, sizeof text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "says nothing"));
    CU_ASSERT_PTR_NULL(strstr(text, "told from 0"));
    /* two points, two parameters */
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_USL, cores, speedup, 3, &fit, NULL), HM_OK);
    CU_ASSERT_TRUE(hm_fit_doubts(&fit, text, sizeof text));
    /* two points, one parameter: it says something, but of few cores */
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_AMDAHL, cores, speedup, 3, &fit, NULL), HM_OK);
    CU_ASSERT_FALSE(hm_fit_doubts(&fit, text, sizeof text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "above 4 cores"));
    /* faster than cores: held at 0, and told */
    CU_ASSERT_EQUAL_FATAL(hm_fit(HM_LAW_AMDAHL, cores, superlinear, 3, &fit, NULL), HM_OK);
    CU_ASSERT_EQUAL(fit.parameter[0], 0);
    CU_ASSERT_TRUE(fit.bound[0]);
    hm_fit_doubts(&fit, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "held at 0"));
    /* a short buffer is cut, not overrun */
    char little[8];
    hm_fit_doubts(&fit, little, sizeof little);
    CU_ASSERT(strlen(little) < sizeof little);
}

static void refuses_what_is_no_speedup(void) {
    static const double cores[][2] = {{1, 1}, {1, 0}, {1, NAN}, {1, INFINITY},
                                      {1, 2}, {1, 2}, {1, 2}};
    static const double speedup[][2] = {{1, 1}, {1, 2}, {1, 2}, {1, 2}, {1, 0}, {1, -1}, {1, NAN}};
    for (size_t i = 0; i < sizeof cores / sizeof *cores; ++i) {
        hm_fit_t fit = {.points = 42};
        CU_ASSERT_EQUAL(hm_fit(HM_LAW_USL, cores[i], speedup[i], 2, &fit, NULL), HM_EUSAGE);
        CU_ASSERT_EQUAL(fit.points, 42);
    }
}

static void karp_flatt_of_an_exact_law(void) {
    for (double p = 2; p < 5000; p *= 3) {
        CU_ASSERT_DOUBLE_EQUAL(hm_karp_flatt(p, usl(p, 0.07, 0)), 0.07, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(hm_karp_flatt(p, p), 0, 1e-12);
    }
}

static void intervals_of_medians(void) {
    /* 1 - 2/2^6 and, one value in from both ends, 1 - 2 (1 + 12)/2^12: the tables of order
     * statistics say 96.9 % and 99.4 % */
    double six[] = {6, 5, 4, 3, 2, 1};
    hm_interval_t i = hm_interval(six, 6);
    CU_ASSERT_DOUBLE_EQUAL(i.median, 3.5, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.low, 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.high, 6, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.level, 0.96875, 1e-9);
    double twelve[] = {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    i = hm_interval(twelve, 12);
    CU_ASSERT_DOUBLE_EQUAL(i.low, 3, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.high, 10, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.level, 1 - 2 * 79.0 / 4096, 1e-9);
    double five[] = {1, 2, 3, 4, 5};
    i = hm_interval(five, 5);
    CU_ASSERT_DOUBLE_EQUAL(i.level, 0.9375, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(i.low, 1, 0);
    double one[] = {3};
    i = hm_interval(one, 1);
    CU_ASSERT_EQUAL(i.level, 0);
    CU_ASSERT_DOUBLE_EQUAL(i.low, 3, 0);
    double many[1000];
    for (int k = 0; k < 1000; ++k) {
        many[k] = k;
    }
    i = hm_interval(many, 1000); /* about 1.96 sqrt(n) / 2 on either side */
    CU_ASSERT(i.level >= 0.95 && i.level < 0.96);
    CU_ASSERT_DOUBLE_EQUAL(i.high - i.low, 63, 2);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"exact laws are found again", exact_laws_are_found_again},
        {"Gustafson's own figures", gustafson_s_own_figures},
        {"a throughput that falls again", throughput_that_falls_again},
        {"no neighbour is better", no_neighbour_is_better},
        {"fits that say nothing say so", fits_that_say_nothing_say_so},
        {"refuses what is no speed-up", refuses_what_is_no_speedup},
        {"Karp and Flatt's figure of an exact law", karp_flatt_of_an_exact_law},
        {"intervals of medians", intervals_of_medians},
        {NULL, NULL}};
    return hm_run_cases("fit", cases);
}
