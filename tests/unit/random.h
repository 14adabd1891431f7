/** @file random.h Numbers that look random and are the same in every run, for property tests. */
#ifndef HM_TEST_RANDOM_H
#define HM_TEST_RANDOM_H

#include <stdint.h>

/** The next of a sequence that starts at any *state but 0: xorshift64*, Marsaglia 2003,
 * doi:10.18637/jss.v008.i14, with the multiplier of Vigna 2016, doi:10.1145/2845077. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
