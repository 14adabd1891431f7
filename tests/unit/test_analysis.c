/** @file test_analysis.c The analysis' parts that compute by themselves. */
#include "../../src/analysis/counts.h"
#include "../../src/analysis/estimate.h"
#include "../../src/analysis/histogram.h"
#include "../../src/analysis/share.h"
#include "../../src/analysis/wide.h"
#include "hm_cpu.h"
#include "hm_find.h"
#include "runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Every count is in its bin, bins follow each other, and powers of two begin bins. */
static void test_bins(void) {
    for (uint64_t count = 0; count <= UINT32_MAX; count += count < 100000 ? 1 : count / 1000) {
        const int32_t bin = hm_bin_of((uint32_t)count);
        CU_ASSERT(hm_bin_first(bin) <= count && count < hm_bin_first(bin + 1));
        CU_ASSERT(hm_bin_first(bin + 1) - hm_bin_first(bin) <= 1 + count / 8192);
        CU_ASSERT(hm_bin_of((uint32_t)hm_bin_first(bin)) == bin);
    }
    for (int k = 0; k < 32; ++k) {
        CU_ASSERT(hm_bin_first(hm_bin_of((uint32_t)1 << k)) == (uint64_t)1 << k);
    }
    CU_ASSERT(hm_bin_first(hm_bins_for(UINT32_MAX)) == (uint64_t)1 << 32);
}

static void test_quantiles(void) {
    uint64_t bin[10] = {0, 3, 0, 0, 1, 0, 0, 0, 6, 0};
    const hm_histogram_t histogram = {bin, 10, 10};
    const struct {
        int permille;
        uint64_t wanted;
    } known[] = {{1, 1}, {300, 1}, {301, 4}, {400, 4}, {401, 8}, {1000, 8}};
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        uint64_t from = 99;
        uint64_t to = 99;
        CU_ASSERT(hm_histogram_quantile(&histogram, known[i].permille, &from, &to));
        CU_ASSERT(from == known[i].wanted && to == from + 1);
    }
    const hm_histogram_t empty = {bin, 1, 10};
    uint64_t untouched = 7;
    CU_ASSERT(!hm_histogram_quantile(&empty, 500, &untouched, &untouched) && untouched == 7);
    CU_ASSERT(hm_histogram_between(&histogram, 1, 8) == 4);
    CU_ASSERT(hm_histogram_total(&histogram) == 10);
}

/** Products against schoolbook ones by halves of other sizes, sums with carries. */
static void test_wide(void) {
    const uint64_t most = UINT64_MAX;
    hm_wide_t sum = {0, 0};
    hm_wide_add_product(&sum, most, most); /* 2^128 - 2^65 + 1 */
    CU_ASSERT(sum.low == 1 && sum.high == most - 1);
    hm_wide_add(&sum, (hm_wide_t){most, 0});
    CU_ASSERT(sum.low == 0 && sum.high == most);
    hm_wide_t other = {0, 0};
    hm_wide_add_product(&other, 0x123456789abcdef0u, 0xfedcba9876543210u);
    CU_ASSERT(other.high == 0x121fa00ad77d7422u && other.low == 0x236d88fe5618cf00u);
    hm_wide_t time = {0, 0};
    for (int i = 0; i < 1000; ++i) {
        hm_wide_add_seconds(&time, 0.001);
    }
    CU_ASSERT(time.high == 0 && time.low == 1000000000000u);
    CU_ASSERT(hm_wide_seconds(time) == 1);
}

/** All rows, each once, in order, for any number of ranks; shares begin at whole blocks. */
static void test_shares(void) {
    for (int64_t rows = 1; rows < 70; ++rows) {
        for (int size = 1; size < 20; ++size) {
            for (int base = 0; base < 4; ++base) {
                int64_t next = 0;
                for (int rank = 0; rank < size; ++rank) {
                    const hm_share_t share = hm_share_of(rows, base, rank, size);
                    CU_ASSERT(share.first == next && share.end >= share.first);
                    CU_ASSERT(share.first % (1 << base) == 0 || share.first == rows);
                    next = share.end;
                }
                CU_ASSERT(next == rows);
            }
        }
    }
}

/** OEIS A000740. */
static void test_centres(void) {
    const double known[] = {1, 1, 3, 6, 15, 27, 63, 120, 252, 495};
    for (int period = 1; period <= 10; ++period) {
        CU_ASSERT(hm_estimate_centres(period) == known[period - 1]);
    }
    CU_ASSERT(hm_estimate_centres(0) == 0);
    CU_ASSERT(hm_estimate_centres(53) == 0x1p52 - 1);
    CU_ASSERT(hm_estimate_centres(64) == 0x1p63 - 0x1p31);
    CU_ASSERT(hm_estimate_centres(1023) == 0x1p1022);
}

static void test_estimates(void) {
    /* Areas 2 + 5/k: the rest beyond k is 5/k. */
    const hm_estimate_t rest = hm_estimate_rest(2 + 5.0 / 100, 2 + 5.0 / 200, 2 + 5.0 / 400);
    CU_ASSERT_DOUBLE_EQUAL(rest.value, 5.0 / 400, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(rest.error, rest.value / 4, 1e-12);
    /* Nothing escapes any more; or no law can be seen: then all of the last step is uncertain. */
    CU_ASSERT(hm_estimate_rest(2, 2, 2).value == 0 && hm_estimate_rest(2, 2, 2).error == 0);
    CU_ASSERT(hm_estimate_rest(2.1, 2.05, 2).error > 0.049);
    const uint64_t plane[] = {4096, 1024, 256, 64, 16};
    const uint64_t line[] = {256, 128, 64, 32, 16};
    hm_estimate_t dimension = {0, 0};
    CU_ASSERT(hm_estimate_dimension(plane, 5, &dimension));
    CU_ASSERT(dimension.value == 2 && dimension.error == 0);
    CU_ASSERT(hm_estimate_dimension(line, 5, &dimension) && dimension.value == 1);
    CU_ASSERT(!hm_estimate_dimension(line + 2, 3, &dimension) && dimension.value == 1);
    CU_ASSERT(hm_estimate_grid_error(0.25, 16) == 1);
}

/** One point with these values. */
static bool holds(const char *text, uint32_t count, float distance) {
    hm_expression_t *expression = NULL;
    const double re = -0.5;
    hm_points_t points = {.row = 3, .column = 4, .count = 1, .im = 0.25, .re = &re, .max_iter = 9};
    points.channel[HM_CHANNEL_ITERATIONS] = &count;
    points.channel[HM_CHANNEL_DISTANCE] = &distance;
    uint8_t found = 7;
    if (hm_expression_compile(text, &expression, NULL) == HM_OK) {
        hm_expression_evaluate(expression, &points, &found);
    }
    hm_expression_free(expression);
    CU_ASSERT(found != 7);
    return found == 1;
}

static void test_binding(void) {
    CU_ASSERT(holds("1 + 2 * 3 == 7", 0, 0));
    CU_ASSERT(holds("(1 + 2) * 3 == 9", 0, 0));
    CU_ASSERT(holds("2 - 3 - 4 == -5 && 8 / 4 / 2 == 1", 0, 0));
    CU_ASSERT(holds("1 || 0 && 0", 0, 0));
    CU_ASSERT(holds("not 0 and 1", 0, 0));
    CU_ASSERT(holds("!(count > 5) == 1", 5, 0));
    CU_ASSERT(holds("row == 3 && column == 4 && re == -.5 && im == 2.5e-1", 0, 0));
    CU_ASSERT(holds("inside", 9, 0) && !holds("inside", 8, 0));
    CU_ASSERT(holds("- -3 == +3", 0, 0));
    CU_ASSERT(holds("abs(re) == 0.5", 0, 0));
    /* What is no number is neither less nor more nor equal, and not true. */
    CU_ASSERT(!holds("distance < 1 || distance >= 1 || distance == distance", 0, NAN));
    CU_ASSERT(!holds("distance", 0, NAN) && holds("distance != distance", 0, NAN));
    CU_ASSERT(holds("distance < 0.5", 0, 0.25f));
}

/** Blocks and ends of rows: every point is looked at, with its own values. */
static void test_long_rows(void) {
    enum { COUNT = 1000 };
    uint32_t counts[COUNT];
    double re[COUNT];
    uint8_t found[COUNT];
    for (int i = 0; i < COUNT; ++i) {
        counts[i] = (uint32_t)(i * 7919 % 1000);
        re[i] = i;
    }
    hm_points_t points = {.count = COUNT, .re = re, .max_iter = 1000};
    points.channel[HM_CHANNEL_ITERATIONS] = counts;
    hm_expression_t *expression = NULL;
    CU_ASSERT_FATAL(hm_expression_compile("count > 500 && re == column", &expression, NULL) ==
                    HM_OK);
    CU_ASSERT(hm_expression_channels(expression) == 1u << HM_CHANNEL_ITERATIONS);
    hm_expression_evaluate(expression, &points, found);
    for (int i = 0; i < COUNT; ++i) {
        CU_ASSERT(found[i] == (counts[i] > 500));
    }
    hm_expression_free(expression);
}

enum { ROW = 1000, LARGEST = 40000 };

/** A row of runs, single points, points inside; of counts up to LARGEST. */
static void make_row(uint32_t seed, int64_t width, uint32_t *row) {
    uint32_t state = seed;
    for (int64_t i = 0; i < width;) {
        state = state * 1664525u + 1013904223u;
        const uint32_t count = state >> 30 == 0 ? LARGEST : (state >> 8) % LARGEST;
        const int64_t run = seed % 3 == 0 ? 1 : seed % 3 == 1 ? (state >> 5) % 200 : 11;
        for (int64_t end = i + run + 1; i < end && i < width; ++i) {
            row[i] = count;
        }
    }
}

/** What is added up against the plainest way, with and without the processor's best. */
static void check_row(bool avx2, uint32_t seed, int64_t width) {
    uint32_t row[ROW];
    uint64_t inside[ROW / 64 + 1];
    uint64_t again[ROW / 64 + 1];
    uint64_t sum = 0;
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    bool good = true;
    hm_counts_t sums;
    CU_ASSERT_FATAL(hm_counts_make(&sums, LARGEST, NULL) == HM_OK);
    CU_ASSERT(sums.avx2 == hm_cpu_has(HM_ISA_AVX2));
    sums.avx2 = avx2;
    uint64_t *bin = calloc((size_t)sums.bins, sizeof *bin);
    CU_ASSERT_FATAL(bin != NULL);
    make_row(seed, width, row);
    CU_ASSERT(hm_counts_add(&sums, row, width, inside) == -1);
    hm_counts_join(&sums);
    hm_counts_inside(row, width, LARGEST, again);
    for (int64_t i = 0; i < width; ++i) {
        const bool in = row[i] == LARGEST;
        sum += row[i];
        good = good && (inside[i / 64] >> (i % 64) & 1u) == in;
        good = good && (again[i / 64] >> (i % 64) & 1u) == in;
        if (!in) {
            ++bin[hm_bin_of(row[i])];
            least = row[i] < least ? row[i] : least;
            most = row[i] > most ? row[i] : most;
        }
    }
    CU_ASSERT(good && sums.sum == sum && sums.least == least && sums.most == most);
    CU_ASSERT(memcmp(bin, sums.bin, (size_t)sums.bins * sizeof *bin) == 0);
    for (int64_t bad = width - 1; bad >= 0; bad -= 37) {
        row[bad] = LARGEST + 1 + seed;
        CU_ASSERT(hm_counts_add(&sums, row, width, inside) == bad);
    }
    free(bin);
    free(sums.bin);
}

static void test_counts(void) {
    for (uint32_t seed = 0; seed < 60; ++seed) {
        for (int64_t width = 1; width <= ROW; width += width < 130 ? 1 : 145) {
            check_row(false, seed, width);
            if (hm_cpu_has(HM_ISA_AVX2)) {
                check_row(true, seed, width);
            }
        }
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"bins", test_bins},
        {"quantiles", test_quantiles},
        {"counts of rows", test_counts},
        {"128 bits", test_wide},
        {"shares", test_shares},
        {"centres of components", test_centres},
        {"estimates", test_estimates},
        {"what binds how", test_binding},
        {"long rows", test_long_rows},
        {NULL, NULL},
    };
    return hm_run_cases("analysis", cases);
}
