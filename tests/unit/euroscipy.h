/**
 * @file euroscipy.h
 * The EuroSciPy 2012 case: 500 x 500 pixels, accumulated coordinates, at most 1000 updates. How
 * well its work can be balanced is known: equal contiguous rows, and portions of equally many
 * pixels, in their order, first come first served.
 */
#ifndef HM_TEST_EUROSCIPY_H
#define HM_TEST_EUROSCIPY_H

#include <stdint.h>

enum { EUROSCIPY_SIDE = 500, EUROSCIPY_MOST = 1000, EUROSCIPY_SUM = 51214485 };

/** Counts by pixel, and their sums by row; filled by euroscipy_count(). */
static int16_t euroscipy_counts[EUROSCIPY_SIDE * EUROSCIPY_SIDE];
static int64_t euroscipy_rows[EUROSCIPY_SIDE];

/** Returns the sum of all counts. The tutorial's loop; also its coordinates, by repeated addition.
 */
static inline int64_t euroscipy_count(void) {
    const double x1 = -2.13;
    const double x_step = (0.77 - x1) / (2 * EUROSCIPY_SIDE) * 2;
    const double y_step = (-1.3 - 1.3) / (2 * EUROSCIPY_SIDE) * 2;
    double ci = 1.3;
    int64_t sum = 0;
    for (int j = 0; j < EUROSCIPY_SIDE; ++j, ci += y_step) {
        double cr = x1;
        euroscipy_rows[j] = 0;
        for (int i = 0; i < EUROSCIPY_SIDE; ++i, cr += x_step) {
            double x = 0;
            double y = 0;
            int n = 0;
            for (; n < EUROSCIPY_MOST; ++n) {
                double next = x * x - y * y + cr;
                y = 2 * x * y + ci;
                x = next;
                if (x * x + y * y > 4) {
                    break;
                }
            }
            euroscipy_counts[j * EUROSCIPY_SIDE + i] = (int16_t)n;
            euroscipy_rows[j] += n;
        }
        sum += euroscipy_rows[j];
    }
    return sum;
}

/** Updates that a pixel took: one more than its count where it escaped. */
static inline int64_t euroscipy_updates(int64_t pixel) {
    return euroscipy_counts[pixel] + (euroscipy_counts[pixel] < EUROSCIPY_MOST);
}

/** What is known: with so many workers, and so many portions, this speed-up. */
typedef struct euroscipy_known_t {
    int workers, portions;
    double speed_up;
} euroscipy_known_t;

static const euroscipy_known_t euroscipy_served[] = {{4, 16, 3.87}, {4, 32, 3.96}, {4, 128, 4.00},
                                                     {8, 16, 5.95}, {8, 32, 7.53}, {8, 128, 7.98}};
enum { EUROSCIPY_SERVED = sizeof euroscipy_served / sizeof *euroscipy_served };

#endif
