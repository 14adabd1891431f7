/* Bands out of rows, and portions out of bands. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_band.h"
#include "hm_portion.h"
#include "random.h"
#include "runner.h"

/* 0 .. n-1 */
static int draw(uint64_t *state, int n) {
    return (int)(next_random(state) >> 33) % n;
}

/* Every row that is not done is in exactly one band, in order, and no band is longer than asked. */
static void check_bands(int64_t height, const uint8_t *done, int64_t band_rows) {
    hm_bands_t bands = {0};
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_FATAL(hm_bands_make(height, done, band_rows, &bands, &err) == HM_OK);
    int64_t row = 0;
    int64_t rows = 0;
    for (int64_t i = 0; i < bands.count; ++i) {
        const hm_band_t band = bands.band[i];
        CU_ASSERT(band.rows >= 1 && band.rows <= band_rows && band.twin == -1);
        for (; row < band.first; ++row) {
            CU_ASSERT(done != NULL && done[row] != 0);
        }
        for (; row < band.first + band.rows; ++row) {
            CU_ASSERT(row < height && (done == NULL || done[row] == 0));
        }
        rows += band.rows;
    }
    for (; row < height; ++row) {
        CU_ASSERT(done != NULL && done[row] != 0);
    }
    CU_ASSERT(bands.rows == rows && bands.band_rows == band_rows);
    hm_bands_free(&bands);
    CU_ASSERT(bands.band == NULL && bands.count == 0);
}

static void test_bands_whole(void) {
    for (int64_t height = 0; height <= 20; ++height) {
        for (int64_t rows = 1; rows <= 22; ++rows) {
            check_bands(height, NULL, rows);
        }
    }
    hm_bands_t bands;
    CU_ASSERT(hm_bands_make(500, NULL, 32, &bands, NULL) == HM_OK);
    CU_ASSERT(bands.count == 16 && bands.band[15].rows == 20);
    hm_bands_free(&bands);
}

static void test_bands_resumed(void) {
    uint64_t state = 1;
    for (int i = 0; i < 300; ++i) {
        uint8_t done[50] = {0};
        int64_t height = draw(&state, 51);
        int density = draw(&state, 5);
        for (int64_t row = 0; row < height; ++row) {
            done[row] = draw(&state, 4) < density;
        }
        check_bands(height, done, 1 + draw(&state, 9));
    }
}

/* Every row that is to do is in one band or one band's twin, and bands with twins are of nothing
 * else. */
static void test_bands_paired(void) {
    enum { HEIGHT = 41, SUM = 44 }; /* rows 4 .. 21 and 40 .. 23 */
    uint64_t state = 3;
    for (int turn = 0; turn < 300; ++turn) {
        uint8_t rows[HEIGHT] = {0};
        int written[HEIGHT] = {0};
        int wanted = 0;
        for (int64_t row = 0; row < HEIGHT; ++row) {
            rows[row] = turn > 0 && draw(&state, 4) == 0 ? HM_ROW_DONE : HM_ROW_TODO;
            wanted += rows[row] == HM_ROW_TODO;
        }
        uint8_t before[HEIGHT];
        memcpy(before, rows, sizeof rows);
        for (int64_t row = 4; row <= 21; ++row) {
            if (rows[row] == HM_ROW_TODO && rows[SUM - row] == HM_ROW_TODO) {
                rows[row] = HM_ROW_PAIRED;
                rows[SUM - row] = HM_ROW_DONE;
            }
        }
        hm_bands_t bands = {0};
        const int64_t band_rows = turn > 0 ? 1 + draw(&state, 9) : 9;
        CU_ASSERT_FATAL(hm_bands_make_paired(HEIGHT, rows, SUM, band_rows, &bands, NULL) == HM_OK);
        CU_ASSERT(bands.rows == wanted);
        for (int64_t i = 0; i < bands.count; ++i) {
            const hm_band_t *band = &bands.band[i];
            CU_ASSERT_FATAL(band->rows >= 1 && band->rows <= band_rows);
            for (int64_t k = 0; k < band->rows; ++k) {
                const int64_t row = band->first + k;
                ++written[row];
                CU_ASSERT((rows[row] == HM_ROW_PAIRED) == (band->twin >= 0));
                if (band->twin >= 0) {
                    CU_ASSERT_FATAL(band->twin + band->rows - 1 - k == SUM - row);
                    ++written[SUM - row];
                }
            }
        }
        for (int64_t row = 0; row < HEIGHT; ++row) {
            CU_ASSERT(written[row] == (before[row] == HM_ROW_TODO));
        }
        CU_ASSERT(turn > 0 || bands.count == 1 + 2 + 1);
        hm_bands_free(&bands);
    }
}

static void test_bands_refused(void) {
    hm_bands_t bands = {.count = 77};
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT(hm_bands_make(10, NULL, 0, &bands, &err) == HM_EUSAGE);
    CU_ASSERT(hm_bands_make(-1, NULL, 1, &bands, &err) == HM_EUSAGE);
    CU_ASSERT(bands.count == 77);
}

static void test_rows_auto(void) {
    CU_ASSERT(hm_band_rows_auto(0, 1, 8, 1000) == 1);
    CU_ASSERT(hm_band_rows_auto(1, 64, 8, 1000) == 1);
    CU_ASSERT(hm_band_rows_auto(30000, 2, 120000, 4 << 20) <= (4 << 20) / 120000);
    CU_ASSERT(hm_band_rows_auto(30000, 1, INT64_MAX, 1) == 1);
    for (int workers = 1; workers <= 1024; workers *= 2) {
        int64_t rows = hm_band_rows_auto(1 << 20, workers, 20000, INT64_MAX);
        CU_ASSERT((1 << 20) / rows >= 64 * workers); /* enough to balance */
        CU_ASSERT((1 << 20) / rows <= 512 * workers);
    }
}

static void check_portions(hm_portion_t kind, int64_t bands, int takers, int64_t least,
                           const double *cost) {
    hm_portions_t p = {0};
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_FATAL(hm_portions_make(kind, bands, cost, takers, least, &p, &err) == HM_OK);
    CU_ASSERT(p.first[0] == 0 && p.first[p.count] == bands);
    for (int64_t k = 0; k < p.count; ++k) {
        int64_t size = p.first[k + 1] - p.first[k];
        CU_ASSERT(size >= 1 && (size >= least || k + 1 == p.count));
        CU_ASSERT(kind != HM_PORTION_FIXED || size == least || k + 1 == p.count);
        CU_ASSERT(k == 0 || kind == HM_PORTION_FIXED || k + 1 == p.count ||
                  size <= p.first[k] - p.first[k - 1]); /* they shrink */
    }
    uint8_t *seen = calloc((size_t)bands + 1, 1);
    CU_ASSERT_FATAL(seen != NULL);
    for (int64_t place = 0; place < bands; ++place) {
        int64_t band = hm_portions_band(&p, place);
        CU_ASSERT_FATAL(band >= 0 && band < bands);
        CU_ASSERT(seen[band] == 0);
        seen[band] = 1;
        CU_ASSERT(p.order == NULL || place == 0 ||
                  cost[p.order[place - 1]] >= cost[p.order[place]]);
    }
    free(seen);
    hm_portions_free(&p);
}

static void test_portions(void) {
    const hm_portion_t kinds[] = {HM_PORTION_AUTO, HM_PORTION_FIXED, HM_PORTION_GUIDED,
                                  HM_PORTION_FACTORING};
    uint64_t state = 2;
    double cost[1000];
    for (int i = 0; i < 1000; ++i) {
        cost[i] = draw(&state, 10);
    }
    for (int k = 0; k < 4; ++k) {
        for (int takers = 1; takers <= 65; takers += 16) {
            for (int64_t bands = 0; bands <= 1000; bands = 3 * bands + 1) {
                check_portions(kinds[k], bands, takers, 1, NULL);
                check_portions(kinds[k], bands, takers, 4, NULL);
                check_portions(kinds[k], bands, takers, 1, cost);
            }
        }
    }
}

/* Guided self-scheduling and factoring as their papers cut, with halved guided portions. */
static void test_portion_sizes(void) {
    hm_portions_t p = {0};
    const int64_t guided[] = {0, 25, 44, 58};
    const int64_t factoring[] = {0, 25, 50, 63, 76, 82, 88};
    CU_ASSERT_FATAL(hm_portions_make(HM_PORTION_GUIDED, 100, NULL, 2, 1, &p, NULL) == HM_OK);
    for (size_t i = 0; i < sizeof guided / sizeof *guided; ++i) {
        CU_ASSERT(p.first[i] == guided[i]);
    }
    hm_portions_free(&p);
    CU_ASSERT_FATAL(hm_portions_make(HM_PORTION_FACTORING, 100, NULL, 2, 1, &p, NULL) == HM_OK);
    for (size_t i = 0; i < sizeof factoring / sizeof *factoring; ++i) {
        CU_ASSERT(p.first[i] == factoring[i]);
    }
    hm_portions_free(&p);
}

static void test_parts(void) {
    for (int parts = 1; parts < 20; ++parts) {
        for (int64_t bands = 0; bands < 60; ++bands) {
            CU_ASSERT(hm_part_start(bands, 0, parts) == 0);
            CU_ASSERT(hm_part_start(bands, parts, parts) == bands);
            for (int part = 0; part < parts; ++part) {
                int64_t size =
                    hm_part_start(bands, part + 1, parts) - hm_part_start(bands, part, parts);
                CU_ASSERT(size >= bands / parts && size <= bands / parts + 1);
            }
        }
    }
}

/* Every rank of a node is in one group, that of the writer before it; none is too large. */
static void test_pipe_groups(void) {
    for (int size = 1; size < 70; ++size) {
        int writers = 0;
        for (int rank = 0; rank < size; ++rank) {
            const hm_pipe_group_t g = hm_pipe_group(rank, size);
            CU_ASSERT(g.writer <= rank && rank <= g.writer + g.senders);
            CU_ASSERT(g.senders <= HM_PIPE_SENDERS && g.writer + g.senders < size);
            CU_ASSERT(hm_pipe_group(g.writer, size).writer == g.writer);
            writers += g.writer == rank;
        }
        CU_ASSERT(writers == (size + HM_PIPE_SENDERS) / (HM_PIPE_SENDERS + 1));
    }
}

/* Parts of equal cost: their boundaries rise, and are the nearest there are. */
static void test_predicted_parts(void) {
    enum { BANDS = 50 };
    uint64_t state = 3;
    double sum[BANDS + 1] = {0};
    const double none[BANDS + 1] = {0};
    for (int b = 0; b < BANDS; ++b) {
        sum[b + 1] = sum[b] + draw(&state, 5);
    }
    for (int parts = 1; parts < 70; ++parts) {
        for (int part = 0; part <= parts; ++part) {
            const int64_t start = hm_predict_start(sum, BANDS, part, parts);
            const double share = sum[BANDS] * part / parts;
            CU_ASSERT(part == 0 ? start == 0
                                : start >= hm_predict_start(sum, BANDS, part - 1, parts));
            CU_ASSERT(part < parts || start == BANDS);
            for (int b = 0; b <= BANDS; ++b) {
                CU_ASSERT(fabs(sum[b] - share) >= fabs(sum[start] - share));
            }
            CU_ASSERT(hm_predict_start(none, BANDS, part, parts) ==
                      hm_part_start(BANDS, part, parts));
        }
    }
}

/* `hier`: one claim of each portion draws the next, and none is the portion's last where others
 * are left to compute meanwhile. */
static void test_hier_draws(void) {
    for (int size = 1; size < 20; ++size) {
        for (int64_t length = 1; length < 60; ++length) {
            int draws = 0;
            for (int64_t offset = 0; offset < length; ++offset) {
                const bool draw = hm_hier_draws(offset, length, size);
                draws += draw;
                CU_ASSERT(!draw || length - 1 - offset >= (length > size ? size : length - 1));
            }
            CU_ASSERT(draws == 1);
        }
    }
    CU_ASSERT(hm_hier_takers(5, 2) == 3 && hm_hier_takers(8, 4) == 2 && hm_hier_takers(1, 1) == 1);
}

int main(void) {
    static const hm_case_t cases[] = {
        {"bands of all rows", test_bands_whole},
        {"bands of the rows that are left", test_bands_resumed},
        {"bands with twins", test_bands_paired},
        {"bands that cannot be", test_bands_refused},
        {"rows of a band chosen by itself", test_rows_auto},
        {"portions cover all bands once", test_portions},
        {"portions' sizes", test_portion_sizes},
        {"equal parts", test_parts},
        {"groups of a pipe", test_pipe_groups},
        {"parts of equal cost", test_predicted_parts},
        {"who draws for a node", test_hier_draws},
        {NULL, NULL},
    };
    return hm_run_cases("band", cases);
}
