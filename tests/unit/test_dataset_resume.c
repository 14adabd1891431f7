/** @file test_dataset_resume.c Going on with a data set file: same work or refused, torn rows
 * found. */
#include <fcntl.h>
#include <math.h>
#include <mpi.h>
#include <sys/stat.h>

#include "dataset_sample.h"
#include "runner.h"

enum { WIDTH = 37, HEIGHT = 29, CHANNELS = 1u << HM_CHANNEL_ITERATIONS | 1u << HM_CHANNEL_SMOOTH };

static char path[64];

static hm_dataset_plan_t plan_here(void) {
    hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, CHANNELS);
    plan.overwrite = true;
    plan.configuration = "center = -0.75,0\nspan = 3.0\nmax-iter = 1000\nbailout = 2\n";
    return plan;
}

/** A file with rows [0, done) in it, its session not ended, as after a kill. */
static bool killed_after(int64_t done) {
    hm_dataset_t *dataset = NULL;
    const hm_dataset_plan_t plan = plan_here();
    return hm_dataset_create(path, &plan, NULL) == HM_OK &&
           hm_dataset_open(path, MPI_COMM_SELF, &dataset, NULL) == HM_OK &&
           sample_write(dataset, CHANNELS, WIDTH, 0, done, 0, NULL) == HM_OK &&
           hm_dataset_close(dataset, NULL) == HM_OK;
}

/** Changes bytes of the file. */
static void overwrite(int64_t offset, const void *bytes, size_t size) {
    const int file = open(path, O_RDWR);
    CU_ASSERT_TRUE(file >= 0 && pwrite(file, bytes, size, offset) == (ssize_t)size);
    close(file);
}

/** Where the four bytes of a point stand: where the file holds this row of the sample. */
static int64_t find_row(hm_channel_t channel, int64_t row) {
    uint32_t wanted[WIDTH];
    struct stat found;
    int64_t at = -1;
    const int file = open(path, O_RDONLY);
    fstat(file, &found);
    char *bytes = malloc((size_t)found.st_size);
    CU_ASSERT_EQUAL(read(file, bytes, (size_t)found.st_size), (ssize_t)found.st_size);
    close(file);
    sample_row(channel, row, WIDTH, wanted);
    for (int64_t i = 0; i + (int64_t)sizeof wanted <= found.st_size && at < 0; ++i) {
        at = memcmp(bytes + i, wanted, sizeof wanted) == 0 ? i : -1;
    }
    free(bytes);
    CU_ASSERT_NOT_EQUAL(at, -1);
    return at;
}

static void test_same_work_goes_on(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_session_t *sessions = NULL;
    uint8_t good[HEIGHT];
    hm_verified_t verified = {0};
    int count = 0;
    hm_session_t session = {.start = "2026-01-02T03:04:05Z", .ranks = 64, .strategy = "pool"};
    hm_dataset_plan_t plan = plan_here();
    CU_ASSERT_FATAL(killed_after(11));
    plan.session = &session;
    plan.formula.interior = HM_INTERIOR_NONE; /* cannot change a count */
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_EQUAL(info.rows_done, 11);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 0, HEIGHT, good, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(verified.good, 11);
    CU_ASSERT_EQUAL(verified.torn, 0);
    CU_ASSERT_EQUAL(good[10], 1);
    CU_ASSERT_EQUAL(good[11], 0);
    const hm_dataset_result_t part = sample_result(WIDTH, 11);
    CU_ASSERT_EQUAL(verified.sum, part.sum);
    CU_ASSERT_EQUAL(verified.inside, part.inside);
    hm_reader_close(reader);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, CHANNELS, WIDTH, 11, HEIGHT - 11, 5, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_close(dataset, &err), HM_OK);
    const hm_dataset_result_t wanted = sample_result(WIDTH, HEIGHT);
    hm_dataset_result_t result = {.sum = wanted.sum, .inside = wanted.inside, .seconds = 7};
    CU_ASSERT_EQUAL(hm_dataset_finish(path, NULL, 0, &result, &err), HM_OK);
    CU_ASSERT_TRUE(result.complete);
    CU_ASSERT_EQUAL(result.crc32, wanted.crc32);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_history(reader, &sessions, &count, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(sessions[0].ended, "");
    CU_ASSERT_STRING_EQUAL(sessions[1].start, session.start);
    CU_ASSERT_STRING_EQUAL(sessions[1].strategy, "pool");
    CU_ASSERT_EQUAL(sessions[1].ranks, 64);
    CU_ASSERT_EQUAL(sessions[1].rows_before, 11);
    CU_ASSERT_EQUAL(sessions[1].seconds, 7);
    CU_ASSERT_STRING_EQUAL(sessions[1].ended, "complete");
    free(sessions);
    hm_reader_close(reader);
    /* Complete: says so, and leaves the history as it is. */
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_OK);
    CU_ASSERT_TRUE(info.result.complete);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_history(reader, &sessions, &count, &err), HM_OK);
    CU_ASSERT_EQUAL(count, 2);
    free(sessions);
    hm_reader_close(reader);
}

/** Resuming `plan` is refused with a message that has all of these words. */
static void refused(const hm_dataset_plan_t *plan, const char *key, const char *old,
                    const char *new) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info = {.rows_done = -7};
    char wanted[200];
    CU_ASSERT_EQUAL(hm_dataset_resume(path, plan, &info, &err), HM_EDATA);
    snprintf(wanted, sizeof wanted, "%s is %s there and %s here", key, old, new);
    if (!strstr(err.text, wanted)) {
        CU_FAIL("another message");
        printf("\n  wanted: %s\n  got:    %s\n", wanted, err.text);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_EQUAL(info.rows_done, -7);
}

static void test_other_work_is_refused(void) {
    CU_ASSERT_FATAL(killed_after(3));
    hm_dataset_plan_t plan = plan_here();
    plan.grid.width = 38;
    refused(&plan, "size", "37x29", "38x29");
    plan = plan_here();
    plan.grid.height = 1;
    refused(&plan, "size", "37x29", "37x1");
    plan = plan_here();
    plan.grid.coords = HM_COORDS_ACCUMULATED;
    refused(&plan, "coords", "exact", "accumulated");
    plan = plan_here();
    plan.grid.re0 = nextafter(plan.grid.re0, 0);
    plan.configuration = "center = -0.74999999999999999,0\nspan = 3.0\n";
    refused(&plan, "center", "-0.75,0", "-0.74999999999999999,0");
    plan.configuration = "center = -0.75,0\nspan = 3.1\n";
    refused(&plan, "span", "3.0", "3.1");
    plan.configuration = "region = 0:1,0:1\n";
    refused(&plan, "center", "-0.75,0", "not given");
    plan.configuration = "center = -0.75,0\nspan = 3.0\nregion = 0:1,0:1\n";
    refused(&plan, "region", "not given", "0:1,0:1");
    plan.configuration = NULL;
    plan.grid.im_step = -0.0;
    refused(&plan, "center", "-0.75,0", "not given");
    plan = plan_here();
    plan.formula.max_iter = 1001;
    plan.configuration = "max-iter = 1001\n";
    refused(&plan, "max-iter", "1000", "1001");
    plan = plan_here();
    plan.formula.bailout = 4;
    refused(&plan, "bailout", "2", "4");
    plan = plan_here();
    plan.formula.julia = true;
    plan.formula.julia_re = 0.5;
    refused(&plan, "julia", "not given", "0.5,0");
    plan = plan_here();
    plan.formula.arith = HM_ARITH_FMA;
    refused(&plan, "arith", "ieee", "fma");
    plan = plan_here();
    plan.channels = 1u << HM_CHANNEL_ITERATIONS;
    refused(&plan, "channels", "iterations,smooth", "iterations");
}

static void test_torn_rows_are_found(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    uint8_t good[HEIGHT];
    hm_verified_t verified = {0};
    CU_ASSERT_FATAL(killed_after(20));
    /* One bit of a count; one of a float; and a row's beginning that never reached the disk. */
    const uint32_t bit = sample_value(HM_CHANNEL_ITERATIONS, 4, WIDTH - 1) ^ 1u;
    overwrite(find_row(HM_CHANNEL_ITERATIONS, 4) + (WIDTH - 1) * 4, &bit, 4);
    const uint32_t low = sample_value(HM_CHANNEL_SMOOTH, 7, 0) ^ 0x80000000u;
    overwrite(find_row(HM_CHANNEL_SMOOTH, 7), &low, 4);
    overwrite(find_row(HM_CHANNEL_ITERATIONS, 19), "\0\0\0\0\0\0\0\0", 8);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 20);
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 0, 10, good, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 10, HEIGHT - 10, good + 10, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(verified.good, 17);
    CU_ASSERT_EQUAL(verified.torn, 3);
    for (int row = 0; row < HEIGHT; ++row) {
        CU_ASSERT_EQUAL(good[row], row < 20 && row != 4 && row != 7 && row != 19);
    }
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 10, HEIGHT, good, &verified, &err), HM_EBUG);
    hm_reader_close(reader);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_unmark(dataset, 4, 1, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_unmark(dataset, 19, 5, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_unmark(dataset, 29, 1, &err), HM_EBUG);
    CU_ASSERT_EQUAL(hm_dataset_close(dataset, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 18);
    CU_ASSERT_EQUAL(hm_reader_done(reader, 0, HEIGHT, good, &err), HM_OK);
    CU_ASSERT_EQUAL(good[3] + good[4] + good[5] + good[18] + good[19], 3);
    hm_reader_close(reader);
}

/** Changed headers are refused before anybody believes them; bytes that HDF5 itself changes are
 * not. */
static void test_damaged_headers_are_refused(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info = {.rows_done = -7};
    hm_reader_t *reader = NULL;
    const hm_dataset_plan_t plan = plan_here();
    const int64_t offsets[] = {8, 19, 24, 95, 700, 5000, 60000};
    CU_ASSERT_FATAL(killed_after(5));
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; ++i) {
        unsigned char byte = 0;
        const int file = open(path, O_RDONLY);
        CU_ASSERT_EQUAL(pread(file, &byte, 1, offsets[i]), 1);
        close(file);
        const unsigned char other = (unsigned char)(byte ^ 4u);
        overwrite(offsets[i], &other, 1);
        CU_ASSERT_EQUAL(hm_reader_open(path, &reader, &info, &err), HM_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
        CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_EDATA);
        CU_ASSERT_PTR_NULL(reader);
        CU_ASSERT_EQUAL(info.rows_done, -7);
        overwrite(offsets[i], &byte, 1);
    }
    overwrite(20, "\1", 1); /* a process that had it open for writing was killed */
    CU_ASSERT_EQUAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    hm_reader_close(reader);
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 5);
}

/** More sessions than there is room for: the file keeps its size, the last one is always there. */
static void test_history_has_an_end(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info;
    hm_reader_t *reader = NULL;
    hm_session_t *sessions = NULL;
    hm_session_t session = {.ranks = 1};
    struct stat before;
    struct stat after;
    int count = 0;
    hm_dataset_plan_t plan = plan_here();
    CU_ASSERT_FATAL(killed_after(1));
    stat(path, &before);
    plan.session = &session;
    for (int i = 1; i <= 300; ++i) {
        session.threads = i;
        CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_OK);
    }
    stat(path, &after);
    CU_ASSERT_EQUAL(before.st_size, after.st_size);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_history(reader, &sessions, &count, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(count, 256);
    CU_ASSERT_EQUAL(sessions[254].threads, 254);
    CU_ASSERT_EQUAL(sessions[255].threads, 300);
    free(sessions);
    hm_reader_close(reader);
}

static void test_ranks_come_back(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info;
    hm_reader_t *reader = NULL;
    hm_rank_account_t *found = NULL;
    hm_dataset_result_t result = {0};
    int count = 0;
    const hm_rank_account_t accounts[2] = {
        {"here", 0, "avx2", 4, 1ll << 40, 1ll << 50, 1.5, 2.5, 3.5, 4.5},
        {"there", 1, "", 1, 0, 0, 0, 0, 0, 0}};
    CU_ASSERT_FATAL(killed_after(1));
    CU_ASSERT_EQUAL(hm_dataset_finish(path, accounts, 2, &result, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_reader_ranks(reader, &found, &count, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(found[0].host, "here");
    CU_ASSERT_STRING_EQUAL(found[0].isa, "avx2");
    CU_ASSERT_EQUAL(found[0].iterations, 1ll << 50);
    CU_ASSERT_EQUAL(found[0].talking, 4.5);
    CU_ASSERT_STRING_EQUAL(found[1].host, "there");
    CU_ASSERT_EQUAL(found[1].node, 1);
    free(found);
    hm_reader_close(reader);
}

static void test_what_cannot_be_resumed(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_info_t info;
    const hm_dataset_plan_t plan = plan_here();
    struct stat found;
    unlink(path);
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_EIO);
    CU_ASSERT_FATAL(killed_after(5));
    stat(path, &found);
    CU_ASSERT_EQUAL(truncate(path, found.st_size - 1), 0);
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_EDATA);
    stat(path, &found);
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
    CU_ASSERT_EQUAL(hm_dataset_resume(path, &plan, &info, &err), HM_EDATA);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"the same work goes on", test_same_work_goes_on},
        {"other work is refused", test_other_work_is_refused},
        {"torn rows are found", test_torn_rows_are_found},
        {"damaged headers are refused", test_damaged_headers_are_refused},
        {"the history has an end", test_history_has_an_end},
        {"accounts of ranks come back", test_ranks_come_back},
        {"what cannot be resumed", test_what_cannot_be_resumed},
        {NULL, NULL},
    };
    MPI_Init(&argc, &argv);
    snprintf(path, sizeof path, "/tmp/hm-resume-%ld.h5", (long)getpid());
    const int result = hm_run_cases("dataset resume", cases);
    unlink(path);
    MPI_Finalize();
    return result;
}
