/** @file test_dataset_parallel.c The data set file written by all ranks at once. */
#include <hdf5.h>

#include "dataset_sample.h"
#include "hm_clock.h"
#include "mpi_runner.h"

enum { WIDTH = 203, HEIGHT = 157, ITERATIONS = 1u << HM_CHANNEL_ITERATIONS };

static char path[64];

static int rank_here(void) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static int rank_count(void) {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

/** Rank 0 makes the file; true everywhere when it could. */
static bool create(uint32_t channels) {
    bool made = true;
    long name = (long)getpid();
    MPI_Bcast(&name, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    snprintf(path, sizeof path, "/tmp/hm-parallel-%ld.h5", name);
    if (rank_here() == 0) {
        hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, channels);
        plan.overwrite = true;
        made = hm_dataset_create(path, &plan, NULL) == HM_OK;
    }
    return everywhere(made);
}

/** Each rank writes every size-th band of `band` rows; then rank 0 finishes and all read. */
static void write_and_check(MPI_Comm comm, uint32_t channels, int64_t band) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    const int rank = rank_here();
    const int size = rank_count();
    CU_ASSERT_FATAL(create(channels));
    bool good = hm_dataset_open(path, comm, &dataset, &err) == HM_OK;
    CU_ASSERT_FATAL(everywhere(good));
    for (int64_t first = rank * band; first < HEIGHT; first += size * band) {
        const int64_t rows = HEIGHT - first < band ? HEIGHT - first : band;
        good = good && sample_write(dataset, channels, WIDTH, first, rows, rank, &err) == HM_OK;
    }
    good = good && hm_dataset_flush(dataset, &err) == HM_OK;
    good = hm_dataset_close(dataset, &err) == HM_OK && good;
    CU_ASSERT(everywhere(good));
    const hm_dataset_result_t wanted = sample_result(WIDTH, HEIGHT);
    if (rank == 0) {
        hm_rank_account_t *accounts = calloc((size_t)size, sizeof *accounts);
        hm_dataset_result_t result = {.sum = wanted.sum, .inside = wanted.inside, .seconds = 3};
        good = hm_dataset_finish(path, accounts, size, &result, &err) == HM_OK && result.complete &&
               result.crc32 == wanted.crc32;
        free(accounts);
    }
    CU_ASSERT(everywhere(good));
    good = hm_reader_open(path, &reader, &info, &err) == HM_OK && info.result.complete &&
           info.result.crc32 == wanted.crc32 && info.result.sum == wanted.sum;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((channels >> channel) & 1u) {
            good = good && sample_holds(reader, (hm_channel_t)channel, WIDTH, 0, HEIGHT);
        }
    }
    hm_reader_close(reader);
    CU_ASSERT(everywhere(good));
}

static void test_together(void) {
    write_and_check(MPI_COMM_WORLD, ITERATIONS, 1);
    write_and_check(MPI_COMM_WORLD, ITERATIONS | 1u << HM_CHANNEL_SMOOTH, 7);
    write_and_check(MPI_COMM_WORLD, (1u << HM_CHANNEL_COUNT) - 1, HEIGHT);
}

static void test_each_by_itself(void) {
    write_and_check(MPI_COMM_SELF, ITERATIONS, 1);
    write_and_check(MPI_COMM_SELF, (1u << HM_CHANNEL_COUNT) - 1, 5);
}

/** Accounts of every row name who wrote it, whatever the order. */
static void test_rows_tell_who(void) {
    const int size = rank_count();
    bool good = true;
    write_and_check(MPI_COMM_WORLD, ITERATIONS | 1u << HM_CHANNEL_PERIOD, 4);
    if (rank_here() == 0) {
        static int32_t rank[HEIGHT];
        static uint64_t work[HEIGHT];
        static double seconds[HEIGHT];
        static uint32_t crc[HEIGHT][2];
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        const struct {
            const char *name;
            hid_t type;
            void *values;
        } tables[] = {{"/rows/rank", H5T_NATIVE_INT32, rank},
                      {"/rows/work", H5T_NATIVE_UINT64, work},
                      {"/rows/seconds", H5T_NATIVE_DOUBLE, seconds},
                      {"/rows/crc32", H5T_NATIVE_UINT32, crc}};
        for (int i = 0; i < 4; ++i) {
            hid_t table = H5Dopen2(file, tables[i].name, H5P_DEFAULT);
            good = good && H5Dread(table, tables[i].type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                   tables[i].values) >= 0;
            H5Dclose(table);
        }
        H5Fclose(file);
        for (int row = 0; row < HEIGHT; ++row) {
            good = good && rank[row] == row / 4 % size && work[row] == (uint64_t)row * 10 &&
                   seconds[row] == row / 8.0 &&
                   crc[row][0] == sample_crc(HM_CHANNEL_ITERATIONS, row, WIDTH) &&
                   crc[row][1] == sample_crc(HM_CHANNEL_PERIOD, row, WIDTH);
        }
    }
    CU_ASSERT(everywhere(good));
}

/** Bands of all ranks in collective writes, some ranks with none; and hints, good and bad. */
static void test_rounds(void) {
    enum { BAND = 3, BANDS = (HEIGHT + BAND - 1) / BAND };
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_verified_t verified = {0};
    uint8_t done[HEIGHT];
    const int rank = rank_here();
    const int size = rank_count();
    const uint32_t channels = ITERATIONS | 1u << HM_CHANNEL_DISTANCE;
    const hm_attribute_t hints[] = {{"cb_nodes", "1"}, {"romio_cb_write", "enable"}};
    const hm_attribute_t bad = {"", "1"};
    CU_ASSERT_FATAL(create(channels));
    CU_ASSERT(everywhere(hm_dataset_open_hinted(path, MPI_COMM_WORLD, &bad, 1, &dataset, &err) ==
                         HM_EUSAGE));
    bool good = hm_dataset_open_hinted(path, MPI_COMM_WORLD, hints, 2, &dataset, &err) == HM_OK;
    CU_ASSERT_FATAL(everywhere(good));
    uint32_t *values[HM_DATASET_ROUND][2];
    for (int k = 0; k < HM_DATASET_ROUND; ++k) {
        values[k][0] = malloc(BAND * WIDTH * sizeof(uint32_t));
        values[k][1] = malloc(BAND * WIDTH * sizeof(uint32_t));
    }
    int64_t next = 0;
    for (int round = 0; next < BANDS; ++round) {
        hm_band_data_t band[HM_DATASET_ROUND] = {{0}};
        int count = 0;
        /* Ranks take another number of bands in each round; all know who takes which. */
        for (int other = 0; other < size; ++other) {
            for (int k = 0; k < (round + other) % (HM_DATASET_ROUND + 1) && next < BANDS; ++k) {
                if (other == rank) {
                    hm_band_data_t *b = &band[count];
                    b->first = (BANDS - 1 - next) * BAND;
                    b->rows = HEIGHT - b->first < BAND ? HEIGHT - b->first : BAND;
                    b->rank = rank;
                    for (int64_t row = 0; row < b->rows; ++row) {
                        sample_row(HM_CHANNEL_ITERATIONS, b->first + row, WIDTH,
                                   values[count][0] + row * WIDTH);
                        sample_row(HM_CHANNEL_DISTANCE, b->first + row, WIDTH,
                                   values[count][1] + row * WIDTH);
                    }
                    b->channel[HM_CHANNEL_ITERATIONS] = values[count][0];
                    b->channel[HM_CHANNEL_DISTANCE] = values[count][1];
                    ++count;
                }
                ++next;
            }
        }
        good = good && hm_dataset_write_bands(dataset, count, band, &err) == HM_OK;
    }
    for (int k = 0; k < HM_DATASET_ROUND; ++k) {
        free(values[k][0]);
        free(values[k][1]);
    }
    good = hm_dataset_close(dataset, &err) == HM_OK && good;
    CU_ASSERT(everywhere(good));
    good = hm_reader_open(path, &reader, &info, &err) == HM_OK &&
           hm_reader_verify(reader, 0, HEIGHT, done, &verified, &err) == HM_OK &&
           verified.good == HEIGHT &&
           sample_holds(reader, HM_CHANNEL_ITERATIONS, WIDTH, 0, HEIGHT) &&
           sample_holds(reader, HM_CHANNEL_DISTANCE, WIDTH, 0, HEIGHT);
    hm_reader_close(reader);
    CU_ASSERT(everywhere(good));
}

/** A file that cannot be opened is the same failure on every rank, and nobody hangs. */
static void test_refused_everywhere(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_t *dataset = NULL;
    CU_ASSERT(
        everywhere(hm_dataset_open("/nowhere/x.h5", MPI_COMM_WORLD, &dataset, &err) == HM_EIO));
    CU_ASSERT_FATAL(create(ITERATIONS));
    if (rank_here() == 0 && truncate(path, 3000) != 0) {
        CU_FAIL("cannot cut the file");
    }
    CU_ASSERT(everywhere(true));
    CU_ASSERT(everywhere(hm_dataset_open(path, MPI_COMM_WORLD, &dataset, &err) == HM_EDATA));
    CU_ASSERT(everywhere(err.text[0] != '\0'));
    CU_ASSERT(everywhere(hm_dataset_close(NULL, &err) == HM_OK));
}

/** What opening and closing cost, for the record. */
static void test_time_of_open_and_close(void) {
    hm_dataset_t *dataset = NULL;
    const MPI_Comm comms[] = {MPI_COMM_WORLD, MPI_COMM_SELF};
    CU_ASSERT_FATAL(create(ITERATIONS));
    for (int i = 0; i < 2; ++i) {
        CU_ASSERT(everywhere(true));
        const double start = hm_clock_now();
        bool good = hm_dataset_open(path, comms[i], &dataset, NULL) == HM_OK;
        const double opened = hm_clock_now();
        good = good && hm_dataset_close(dataset, NULL) == HM_OK;
        const double closed = hm_clock_now();
        CU_ASSERT(everywhere(good));
        printf(" %s: open %.4f s, close %.4f s;", i ? "alone" : "together", opened - start,
               closed - opened);
    }
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"written together", test_together},
        {"written each by itself", test_each_by_itself},
        {"rows tell who", test_rows_tell_who},
        {"rounds", test_rounds},
        {"refused everywhere", test_refused_everywhere},
        {"time of open and close", test_time_of_open_and_close},
        {NULL, NULL},
    };
    const int result = hm_run_mpi_cases(&argc, &argv, "dataset parallel", cases);
    unlink(path);
    return result;
}
