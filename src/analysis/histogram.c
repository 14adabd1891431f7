/** @file histogram.c See histogram.h. */
#include "histogram.h"

uint64_t hm_histogram_between(const hm_histogram_t *h, uint64_t from, uint64_t to) {
    uint64_t sum = 0;
    for (int32_t i = 0; i < h->bins && hm_bin_first(i) < to; ++i) {
        sum += hm_bin_first(i) >= from ? h->bin[i] : 0;
    }
    return sum;
}

uint64_t hm_histogram_total(const hm_histogram_t *h) {
    uint64_t sum = 0;
    for (int32_t i = 0; i < h->bins; ++i) {
        sum += h->bin[i];
    }
    return sum;
}

bool hm_histogram_quantile(const hm_histogram_t *h, int permille, uint64_t *from, uint64_t *to) {
    const uint64_t total = hm_histogram_total(h);
    /* total * permille / 1000, rounded up, without overflow. */
    const uint64_t part = (uint64_t)permille;
    uint64_t wanted = total / 1000 * part + (total % 1000 * part + 999) / 1000;
    wanted = wanted > 0 ? wanted : 1;
    uint64_t sum = 0;
    for (int32_t i = 0; i < h->bins; ++i) {
        sum += h->bin[i];
        if (sum >= wanted) {
            const uint64_t end = hm_bin_first(i + 1);
            *from = hm_bin_first(i);
            *to = end < h->end ? end : h->end;
            return true;
        }
    }
    return false;
}
