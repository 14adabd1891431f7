/** @file test_reduce.c Reductions of the analysis: the same as by one rank. */
#include "../../src/analysis/boxes.h"
#include "../../src/analysis/reduce.h"
#include "../../src/analysis/share.h"
#include "hm_crc32.h"
#include "mpi_runner.h"

#include <stdlib.h>
#include <string.h>

static int rank_here(void) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static int size_here(void) {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

/** Stretches of different lengths, some empty, in the ranks' order. */
static void test_stretch(void) {
    enum { WORDS = 1000 };
    uint32_t words[WORDS];
    for (uint32_t i = 0; i < WORDS; ++i) {
        words[i] = i * 2654435761u;
    }
    const int rank = rank_here();
    const int size = size_here();
    const int first = WORDS * rank / size;
    const int end = rank % 3 == 1 ? first : WORDS * (rank + 1) / size;
    hm_stretch_t mine = {hm_crc32_words(words + first, (size_t)(end - first)),
                         (uint64_t)(end - first) * 4};
    CU_ASSERT(everywhere(hm_reduce_stretch(MPI_COMM_WORLD, &mine, NULL) == HM_OK));
    uint32_t kept[WORDS];
    size_t count = 0;
    for (int r = 0; r < size; ++r) {
        for (int i = WORDS * r / size; r % 3 != 1 && i < WORDS * (r + 1) / size; ++i) {
            kept[count++] = words[i];
        }
    }
    CU_ASSERT(everywhere(rank != 0 ||
                         (mine.crc == hm_crc32_words(kept, count) && mine.bytes == 4 * count)));
}

/** More numbers than travel at once; carries from the lower word to the higher one. */
static void test_sums(void) {
    enum { COUNT = 70000 };
    const uint64_t size = (uint64_t)size_here();
    uint64_t *plain = malloc(COUNT * sizeof *plain);
    hm_wide_t *wide = malloc(COUNT * sizeof *wide);
    CU_ASSERT_FATAL(everywhere(plain && wide));
    for (uint64_t i = 0; i < COUNT; ++i) {
        plain[i] = i;
        wide[i] = (hm_wide_t){UINT64_MAX, i};
    }
    bool good = hm_reduce_sums(MPI_COMM_WORLD, plain, COUNT, NULL) == HM_OK &&
                hm_reduce_wide(MPI_COMM_WORLD, wide, COUNT, NULL) == HM_OK;
    for (uint64_t i = 0; i < COUNT && rank_here() == 0; ++i) {
        good = good && plain[i] == size * i && wide[i].low == (uint64_t)0 - size &&
               wide[i].high == size * i + size - 1;
    }
    CU_ASSERT(everywhere(good));
    free(plain);
    free(wide);
}

/** Equal costs go by row, lists may be longer than what there is. */
static void test_costly(void) {
    enum { TOP = 7 };
    const int rank = rank_here();
    const int size = size_here();
    hm_costly_t mine[TOP];
    for (int i = 0; i < TOP; ++i) {
        mine[i] = (hm_costly_t){0, -1, 0, 0};
    }
    /* Row r of rank r % size; cost r / 2. */
    const int rows = 3 * size;
    for (int row = rank; row < rows; row += size) {
        hm_costly_insert(mine, TOP, (hm_costly_t){(uint64_t)row / 2, row, rank, row * 0.5});
    }
    bool good = hm_reduce_costly(MPI_COMM_WORLD, mine, TOP, NULL) == HM_OK;
    int64_t last = INT64_MAX;
    for (int i = 0; i < TOP && rank == 0; ++i) {
        if (i >= rows) {
            good = good && mine[i].row == -1;
            continue;
        }
        /* The costliest first: pairs from the end, each in order. */
        const uint64_t work = (uint64_t)mine[i].row / 2;
        good = good && mine[i].row >= 0 && mine[i].work == work &&
               mine[i].rank == mine[i].row % size && mine[i].seconds == (double)mine[i].row * 0.5 &&
               (i == 0 || work < (uint64_t)last / 2 ||
                (work == (uint64_t)last / 2 && mine[i].row > last));
        last = mine[i].row;
    }
    CU_ASSERT(everywhere(good));
}

static bool is_inside(int64_t row, int64_t column) {
    return (row * row / 7 + column * column / 5) % 97 < 40;
}

/** Boxes of an image by all ranks and, on rank 0, by one look at each. */
static void test_boxes(int64_t width, int64_t height) {
    const hm_share_t share =
        hm_share_of(height, hm_boxes_base(width, height), rank_here(), size_here());
    const int64_t words = (width + 63) / 64;
    uint64_t *row = malloc((size_t)words * sizeof *row);
    hm_boxes_t *boxes = NULL;
    uint64_t count[HM_BOX_LEVELS] = {0};
    int levels = 0;
    CU_ASSERT_FATAL(
        everywhere(row && hm_boxes_make(width, height, share.first, &boxes, NULL) == HM_OK));
    const int64_t end = share.first < share.end && share.end < height ? share.end + 1 : share.end;
    for (int64_t j = share.first; j < end; ++j) {
        memset(row, 0, (size_t)words * sizeof *row);
        for (int64_t i = 0; i < width; ++i) {
            row[i / 64] |= (uint64_t)is_inside(j, i) << (i % 64);
        }
        hm_boxes_row(boxes, row);
    }
    CU_ASSERT(everywhere(hm_boxes_reduce(MPI_COMM_WORLD, boxes, count, &levels, NULL) == HM_OK));
    bool good = true;
    for (int level = 0; level < levels && rank_here() == 0; ++level) {
        const int64_t side = (int64_t)1 << level;
        uint64_t known = 0;
        for (int64_t j = 0; j < height - 1; j += side) {
            for (int64_t i = 0; i < width - 1; i += side) {
                bool some = false;
                bool all = true;
                for (int64_t y = j; y <= j + side && y < height; ++y) {
                    for (int64_t x = i; x <= i + side && x < width; ++x) {
                        some = some || is_inside(y, x);
                        all = all && is_inside(y, x);
                    }
                }
                known += some && !all;
            }
        }
        good = good && count[level] == known;
    }
    CU_ASSERT(everywhere(good));
    hm_boxes_free(boxes);
    free(row);
}

static void test_all_boxes(void) {
    test_boxes(130, 67);
    test_boxes(65, 129);
    test_boxes(64, 64);
    test_boxes(1, 5);
    test_boxes(5, 1);
    test_boxes(2, 2);
    /* So wide that the map's boxes are larger than one point: rows of boxes span ranks' shares. */
    CU_ASSERT(hm_boxes_base(6000, 5000) == 1 && hm_boxes_base((int64_t)1 << 31, 2) > 0);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"stretches by their checksums", test_stretch},
        {"sums", test_sums},
        {"costliest rows", test_costly},
        {"boxes", test_all_boxes},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "reduce", cases);
}
