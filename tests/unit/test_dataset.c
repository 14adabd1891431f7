/** @file test_dataset.c The data set file by one process: made, written, read, finished, refused.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "dataset_sample.h"
#include "hm_clock.h"
#include "runner.h"

#ifdef __SANITIZE_ADDRESS__
/** HDF5 1.10 loses a buffer of its own when closing a file fails on a full disk. */
const char *__lsan_default_suppressions(void);  /* NOLINT(bugprone-reserved-identifier) */
const char *__lsan_default_suppressions(void) { /* NOLINT(bugprone-reserved-identifier) */
    return "leak:libhdf5\n";
}
#endif

static char folder[] = "/tmp/hm-dataset-XXXXXX";

enum { ITERATIONS = 1u << HM_CHANNEL_ITERATIONS, ALL = (1u << HM_CHANNEL_COUNT) - 1 };

/** A path in the tests' folder, with whatever stood there removed. */
static const char *fresh(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    return path;
}

/** Files left in the folder whose name ends in .part. */
static int leftovers(void) {
    char command[160];
    int count = -1;
    snprintf(command, sizeof command, "ls -a %s | grep -c '\\.part$'", folder);
    FILE *pipe = popen(command, "r");
    if (!pipe || fscanf(pipe, "%d", &count) != 1) {
        count = -1;
    }
    if (pipe) {
        pclose(pipe);
    }
    return count;
}

static void round_trip(int64_t width, int64_t height, uint32_t channels, int64_t band) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_result_t result;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    const char *path = fresh("round.h5");
    const hm_status_t made = sample_whole(path, width, height, channels, band, &result, &err);
    CU_ASSERT_EQUAL(made, HM_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    const hm_dataset_result_t wanted = sample_result(width, height);
    CU_ASSERT_TRUE(result.complete);
    CU_ASSERT_EQUAL(result.crc32, wanted.crc32);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    const hm_dataset_plan_t plan = sample_plan(width, height, channels);
    CU_ASSERT_EQUAL(info.grid.width, width);
    CU_ASSERT_EQUAL(info.grid.height, height);
    CU_ASSERT_EQUAL(info.grid.re0, plan.grid.re0);
    CU_ASSERT_EQUAL(info.grid.re_step, plan.grid.re_step);
    CU_ASSERT_EQUAL(info.grid.im0, plan.grid.im0);
    CU_ASSERT_EQUAL(info.grid.im_step, plan.grid.im_step);
    CU_ASSERT_EQUAL(info.grid.coords, HM_COORDS_EXACT);
    CU_ASSERT_EQUAL(info.formula.max_iter, SAMPLE_MAX_ITER);
    CU_ASSERT_EQUAL(info.formula.bailout, 2);
    CU_ASSERT_EQUAL(info.channels, channels);
    CU_ASSERT_EQUAL(info.rows_done, height);
    CU_ASSERT_TRUE(info.result.complete);
    CU_ASSERT_EQUAL(info.result.sum, wanted.sum);
    CU_ASSERT_EQUAL(info.result.inside, wanted.inside);
    CU_ASSERT_EQUAL(info.result.crc32, wanted.crc32);
    CU_ASSERT_EQUAL(info.result.seconds, 1.5);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((channels >> channel) & 1u) {
            CU_ASSERT_TRUE(sample_holds(reader, (hm_channel_t)channel, width, 0, height));
            CU_ASSERT_TRUE(sample_holds(reader, (hm_channel_t)channel, width, height / 2, 1));
        } else {
            uint32_t value;
            CU_ASSERT_EQUAL(hm_reader_rows(reader, (hm_channel_t)channel, 0, 1, &value, &err),
                            HM_EDATA);
        }
    }
    hm_reader_close(reader);
}

static void test_round_trips(void) {
    round_trip(1, 1, ITERATIONS, 1);
    round_trip(1, 1, ALL, 1);
    round_trip(70, 1, ALL, 1);
    round_trip(1, 70, ALL, 3);
    round_trip(31, 17, ITERATIONS, 4);
    round_trip(31, 17, ALL, 17);
    round_trip(3, 9000, ITERATIONS | 1u << HM_CHANNEL_PERIOD, 5000);
    round_trip(2000, 3, ITERATIONS | 1u << HM_CHANNEL_DISTANCE, 2);
}

static void test_other_plans_come_back(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    char *text = NULL;
    const char *path = fresh("julia.h5");
    const hm_attribute_t attributes[] = {{"version", "1.2.3"}, {"job_id", ""}, {"note", "ä"}};
    hm_dataset_plan_t plan = sample_plan(5, 7, ITERATIONS);
    plan.attributes = attributes;
    plan.attribute_count = 3;
    plan.grid.coords = HM_COORDS_ACCUMULATED;
    plan.grid.fine = true;
    plan.formula =
        (hm_formula_t){4294967294u, 1e10, HM_ARITH_FMA, HM_INTERIOR_NONE, true, 0.322, -0.05};
    CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 0);
    CU_ASSERT_FALSE(info.result.complete);
    CU_ASSERT_EQUAL(info.grid.coords, HM_COORDS_ACCUMULATED);
    CU_ASSERT_TRUE(info.grid.fine);
    CU_ASSERT_EQUAL(info.formula.max_iter, 4294967294u);
    CU_ASSERT_EQUAL(info.formula.bailout, 1e10);
    CU_ASSERT_EQUAL(info.formula.arith, HM_ARITH_FMA);
    CU_ASSERT_EQUAL(info.formula.interior, HM_INTERIOR_NONE);
    CU_ASSERT_TRUE(info.formula.julia);
    CU_ASSERT_EQUAL(info.formula.julia_re, 0.322);
    CU_ASSERT_EQUAL(info.formula.julia_im, -0.05);
    CU_ASSERT_EQUAL_FATAL(hm_reader_configuration(reader, &text, &err), HM_OK);
    CU_ASSERT_STRING_EQUAL(text, "max-iter = 1000\n");
    free(text);
    uint8_t done[7];
    CU_ASSERT_EQUAL(hm_reader_done(reader, 0, 7, done, &err), HM_OK);
    CU_ASSERT_EQUAL(done[0] + done[6], 0);
    CU_ASSERT_EQUAL(hm_reader_done(reader, 1, 7, done, &err), HM_EBUG);
    CU_ASSERT_EQUAL(hm_reader_done(reader, -1, 1, done, &err), HM_EBUG);
    hm_reader_close(reader);
}

/** Channels begin where the plan wants them, in the file as it lies there. */
static void test_alignment(void) {
    hm_error_t err = HM_ERROR_NONE;
    const int64_t alignments[] = {0, 4096, 1 << 20};
    hm_dataset_plan_t plan = sample_plan(100, 200, ITERATIONS | 1u << HM_CHANNEL_SMOOTH);
    for (int i = 0; i < 3; ++i) {
        const char *path = fresh("aligned.h5");
        plan.alignment = alignments[i];
        CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        hid_t smooth = H5Dopen2(file, "smooth", H5P_DEFAULT);
        const haddr_t wanted = alignments[i] ? (haddr_t)alignments[i] : 4096;
        CU_ASSERT_EQUAL(H5Dget_offset(smooth) % wanted, 0);
        H5Dclose(smooth);
        H5Fclose(file);
    }
    const int64_t bad[] = {-4096, 1000, (int64_t)1 << 40};
    for (int i = 0; i < 3; ++i) {
        plan.alignment = bad[i];
        CU_ASSERT_EQUAL(hm_dataset_create(fresh("aligned.h5"), &plan, &err), HM_EUSAGE);
    }
}

static void test_part_done_is_not_complete(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_dataset_result_t result = {.sum = 5, .seconds = 2, .complete = true, .crc32 = 9};
    const char *path = fresh("part.h5");
    const hm_dataset_plan_t plan = sample_plan(10, 10, ITERATIONS);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, ITERATIONS, 10, 2, 7, 0, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, ITERATIONS, 10, 5, 6, 0, &err), HM_EBUG);
    CU_ASSERT_EQUAL(hm_dataset_close(dataset, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_finish(path, NULL, 0, &result, &err), HM_OK);
    CU_ASSERT_FALSE(result.complete);
    CU_ASSERT_EQUAL(result.crc32, 0);
    CU_ASSERT_STRING_EQUAL(result.ended, "stopped");
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 7);
    CU_ASSERT_FALSE(info.result.complete);
    CU_ASSERT_EQUAL(info.result.sum, 5);
    hm_reader_close(reader);
}

static void test_accounts_change_length(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_result_t result = {0};
    hm_rank_account_t *accounts = calloc(3000, sizeof *accounts);
    struct stat before;
    struct stat after;
    const char *path = fresh("ranks.h5");
    const hm_dataset_plan_t plan = sample_plan(4, 4, ITERATIONS);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
    stat(path, &before);
    for (int i = 0; i < 3000; ++i) {
        snprintf(accounts[i].host, sizeof accounts[i].host, "node%d", i);
        snprintf(accounts[i].isa, sizeof accounts[i].isa, "avx2");
        accounts[i].rows = i;
        accounts[i].talking = i / 2.0;
    }
    const int lengths[] = {2, 64, 1, 3000};
    const hsize_t kept[] = {2, 64, 1, 1024};
    for (int k = 0; k < 4; ++k) {
        CU_ASSERT_EQUAL(hm_dataset_finish(path, accounts, lengths[k], &result, &err), HM_OK);
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        hid_t ranks = H5Dopen2(file, "/run/ranks", H5P_DEFAULT);
        hid_t space = H5Dget_space(ranks);
        hsize_t length = 0;
        H5Sget_simple_extent_dims(space, &length, NULL);
        CU_ASSERT_EQUAL(length, kept[k]);
        H5Sclose(space);
        H5Dclose(ranks);
        H5Fclose(file);
    }
    stat(path, &after);
    CU_ASSERT_EQUAL(before.st_size, after.st_size);
    free(accounts);
}

static void test_existing_file_is_kept(void) {
    hm_error_t err = HM_ERROR_NONE;
    struct stat found;
    const char *path = fresh("kept.h5");
    FILE *file = fopen(path, "w");
    fputs("precious", file);
    fclose(file);
    hm_dataset_plan_t plan = sample_plan(4, 4, ITERATIONS);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "kept.h5"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--overwrite"));
    stat(path, &found);
    CU_ASSERT_EQUAL(found.st_size, 8);
    plan.overwrite = true;
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_OK);
    stat(path, &found);
    CU_ASSERT_TRUE(found.st_size > 1000);
    CU_ASSERT_EQUAL(leftovers(), 0);
}

/** What stands where the file shall be may be no regular file; a link is followed. */
static void test_overwrite_spares_devices_and_folders(void) {
    hm_error_t err = HM_ERROR_NONE;
    struct stat found;
    char target[160];
    hm_dataset_plan_t plan = sample_plan(4, 4, ITERATIONS);
    plan.overwrite = true;
    CU_ASSERT_EQUAL(hm_dataset_create(folder, &plan, &err), HM_ECREATE);
    const char *path = fresh("fifo");
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    lstat(path, &found);
    CU_ASSERT_TRUE(S_ISFIFO(found.st_mode));
    unlink(path);
    snprintf(target, sizeof target, "%s/target.h5", folder);
    FILE *file = fopen(target, "w");
    fclose(file);
    path = fresh("link.h5");
    CU_ASSERT_EQUAL(symlink(target, path), 0);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_OK);
    lstat(path, &found);
    CU_ASSERT_TRUE(S_ISLNK(found.st_mode));
    stat(target, &found);
    CU_ASSERT_TRUE(found.st_size > 1000);
    unlink(path);
}

static void test_impossible_places(void) {
    hm_error_t err = HM_ERROR_NONE;
    char path[200];
    const hm_dataset_plan_t plan = sample_plan(4, 4, ITERATIONS);
    snprintf(path, sizeof path, "%s/none/x.h5", folder);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No such file or directory"));
    FILE *file = fopen(fresh("plain"), "w");
    fclose(file);
    snprintf(path, sizeof path, "%s/plain/x.h5", folder);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    CU_ASSERT_EQUAL(hm_dataset_create("/proc/x.h5", &plan, &err), HM_ECREATE);
    CU_ASSERT_EQUAL(hm_dataset_create("", &plan, &err), HM_ECREATE);
    snprintf(path, sizeof path, "%s/", folder);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    char *long_path = malloc(5000);
    memset(long_path, 'a', 4999);
    long_path[4999] = '\0';
    CU_ASSERT_EQUAL(hm_dataset_create(long_path, &plan, &err), HM_ECREATE);
    free(long_path);
}

static void test_limits_of_size(void) {
    hm_error_t err = HM_ERROR_NONE;
    struct rlimit before;
    const char *path = fresh("limit.h5");
    hm_dataset_plan_t plan = sample_plan(2147483647, 2147483647, ITERATIONS);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_EUSAGE);
    plan = sample_plan(1 << 23, 1 << 23, ITERATIONS);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no room"));
    plan = sample_plan(1000, 1000, ITERATIONS);
    getrlimit(RLIMIT_FSIZE, &before);
    const struct rlimit small = {2000000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const hm_status_t limited = hm_dataset_create(path, &plan, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    CU_ASSERT_EQUAL(limited, HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ulimit"));
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    char *text = malloc(70000);
    memset(text, '#', 69999);
    text[69999] = '\0';
    plan.configuration = text;
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_EUSAGE);
    text[60000] = '\0';
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_OK);
    free(text);
    CU_ASSERT_EQUAL(leftovers(), 0);
}

/** Writes all rows, one band, to a file made before: what writing into trouble says. */
static hm_status_t write_all(const char *path, int64_t width, int64_t height, hm_error_t *err) {
    hm_dataset_t *dataset = NULL;
    hm_status_t status = hm_dataset_open(path, MPI_COMM_SELF, &dataset, err);
    for (int64_t row = 0; row < height && status == HM_OK; ++row) {
        status = sample_write(dataset, ITERATIONS, width, row, 1, 0, err);
    }
    (void)hm_dataset_close(dataset, NULL);
    return status;
}

/** The file gets too large for a limit that came after it was made. */
static void test_limit_while_writing(void) {
    hm_error_t err = HM_ERROR_NONE;
    struct rlimit before;
    const char *path = fresh("late.h5");
    const hm_dataset_plan_t plan = sample_plan(1000, 1000, ITERATIONS);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    const struct rlimit small = {2000000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const hm_status_t limited = write_all(path, 1000, 1000, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    CU_ASSERT_EQUAL(limited, HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "File too large"));
}

/** A disk that has less room than the file, and one that gets full; only root may make one. */
static void test_full_disk(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_verified_t verified = {0};
    uint8_t good[1000];
    char disk[128];
    char path[160];
    snprintf(disk, sizeof disk, "%s/disk", folder);
    snprintf(path, sizeof path, "%s/x.h5", disk);
    mkdir(disk, 0700);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=2m") != 0) {
        printf(" (left out: mounting is not allowed here) ");
        return;
    }
    hm_dataset_plan_t plan = sample_plan(1000, 1000, ITERATIONS);
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no room"));
    plan.scarce = true;
    CU_ASSERT_EQUAL(hm_dataset_create(path, &plan, &err), HM_OK);
    CU_ASSERT_EQUAL(write_all(path, 1000, 1000, &err), HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No space left"));
    CU_ASSERT_EQUAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_TRUE(info.rows_done > 100 && info.rows_done < 1000);
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 0, 1000, good, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(verified.torn, 0);
    CU_ASSERT_EQUAL(verified.good, info.rows_done);
    hm_reader_close(reader);
    unlink(path);
    char *filler = malloc(2 << 20);
    memset(filler, 1, 2 << 20);
    snprintf(path, sizeof path, "%s/filler", disk);
    const int file = open(path, O_WRONLY | O_CREAT, 0600);
    CU_ASSERT_TRUE(write(file, filler, 2 << 20) > 0);
    close(file);
    free(filler);
    snprintf(path, sizeof path, "%s/x.h5", disk);
    const hm_status_t full = hm_dataset_create(path, &plan, &err);
    CU_ASSERT_TRUE(full == HM_EIO || full == HM_ECREATE);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    CU_ASSERT_EQUAL(umount(disk), 0);
}

/** More than 2^33 points: rows at the far end, in a file that is almost all hole. */
static void test_far_end_of_a_large_file(void) {
    enum { WIDTH = 131072, HEIGHT = 65540 };
    hm_error_t err = HM_ERROR_NONE;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    struct stat found;
    const char *path = fresh("large.h5");
    const uint32_t channels = ITERATIONS | 1u << HM_CHANNEL_SMOOTH;
    hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, channels);
    plan.scarce = true;
    const double start = hm_clock_now();
    CU_ASSERT_EQUAL_FATAL(hm_dataset_create(path, &plan, &err), HM_OK);
    const double took = hm_clock_now() - start;
    printf(" (%.1f GB made in %.3f s) ", 2 * 4e-9 * WIDTH * HEIGHT, took);
    stat(path, &found);
    CU_ASSERT_TRUE(found.st_size > (off_t)2 * 4 * WIDTH * HEIGHT);
    CU_ASSERT_TRUE(found.st_blocks * 512 < 8 << 20);
    CU_ASSERT_EQUAL_FATAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, channels, WIDTH, HEIGHT - 2, 2, 0, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, channels, WIDTH, 16385, 1, 0, &err), HM_OK);
    CU_ASSERT_EQUAL(sample_write(dataset, channels, WIDTH, 0, 1, 0, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_dataset_close(dataset, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_reader_open(path, &reader, &info, &err), HM_OK);
    CU_ASSERT_EQUAL(info.rows_done, 4);
    const int64_t rows[] = {0, 16385, HEIGHT - 2, HEIGHT - 1};
    for (int i = 0; i < 4; ++i) {
        CU_ASSERT_TRUE(sample_holds(reader, HM_CHANNEL_ITERATIONS, WIDTH, rows[i], 1));
        CU_ASSERT_TRUE(sample_holds(reader, HM_CHANNEL_SMOOTH, WIDTH, rows[i], 1));
    }
    CU_ASSERT_FALSE(sample_holds(reader, HM_CHANNEL_ITERATIONS, WIDTH, HEIGHT - 3, 1));
    hm_reader_close(reader);
    unlink(path);
}

static void test_what_is_no_data_set(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_dataset_t *dataset = NULL;
    hm_dataset_result_t result = {0};
    CU_ASSERT_EQUAL(hm_reader_open(fresh("none.h5"), &reader, &info, &err), HM_EIO);
    CU_ASSERT_EQUAL(hm_reader_open(folder, &reader, &info, &err), HM_EDATA);
    const char *path = fresh("text.h5");
    FILE *file = fopen(path, "w");
    fputs("not HDF5", file);
    fclose(file);
    CU_ASSERT_EQUAL(hm_reader_open(path, &reader, &info, &err), HM_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "text.h5"));
    CU_ASSERT_EQUAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_EDATA);
    CU_ASSERT_EQUAL(hm_dataset_finish(path, NULL, 0, &result, &err), HM_EDATA);
    path = fresh("other.h5");
    H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    CU_ASSERT_EQUAL(hm_reader_open(path, &reader, &info, &err), HM_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not one made by hpcmandel"));
    CU_ASSERT_EQUAL(hm_dataset_open(path, MPI_COMM_SELF, &dataset, &err), HM_EDATA);
    CU_ASSERT_EQUAL(sample_whole(fresh("cut.h5"), 100, 100, ITERATIONS, 10, &result, &err), HM_OK);
    char cut[128];
    snprintf(cut, sizeof cut, "%s/cut.h5", folder);
    CU_ASSERT_EQUAL(truncate(cut, 50000), 0);
    CU_ASSERT_EQUAL(hm_reader_open(cut, &reader, &info, &err), HM_EDATA);
    CU_ASSERT_PTR_NULL(reader);
}

static void test_channel_names(void) {
    hm_error_t err = HM_ERROR_NONE;
    uint32_t mask = 0;
    CU_ASSERT_EQUAL(hm_channels_parse("iterations", &mask, &err), HM_OK);
    CU_ASSERT_EQUAL(mask, ITERATIONS);
    CU_ASSERT_EQUAL(hm_channels_parse("period, smooth", &mask, &err), HM_OK);
    CU_ASSERT_EQUAL(mask, ITERATIONS | 1u << HM_CHANNEL_PERIOD | 1u << HM_CHANNEL_SMOOTH);
    CU_ASSERT_EQUAL(hm_channels_parse("iterations,smooth,distance,period", &mask, &err), HM_OK);
    CU_ASSERT_EQUAL(mask, ALL);
    mask = 77;
    CU_ASSERT_EQUAL(hm_channels_parse("smoth", &mask, &err), HM_EUSAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "smooth"));
    CU_ASSERT_EQUAL(hm_channels_parse("smooth,smooth", &mask, &err), HM_EUSAGE);
    CU_ASSERT_EQUAL(hm_channels_parse("smooth,", &mask, &err), HM_EUSAGE);
    CU_ASSERT_EQUAL(hm_channels_parse("", &mask, &err), HM_EUSAGE);
    CU_ASSERT_EQUAL(mask, 77);
    CU_ASSERT_STRING_EQUAL(hm_channel_name(HM_CHANNEL_DISTANCE), "distance");
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"channel names", test_channel_names},
        {"round trips", test_round_trips},
        {"other plans come back", test_other_plans_come_back},
        {"alignment", test_alignment},
        {"part done is not complete", test_part_done_is_not_complete},
        {"accounts change their length in place", test_accounts_change_length},
        {"an existing file is kept", test_existing_file_is_kept},
        {"overwrite spares devices and folders", test_overwrite_spares_devices_and_folders},
        {"impossible places", test_impossible_places},
        {"limits of size", test_limits_of_size},
        {"a limit of size while writing", test_limit_while_writing},
        {"a full disk", test_full_disk},
        {"far end of a large file", test_far_end_of_a_large_file},
        {"what is no data set", test_what_is_no_data_set},
        {NULL, NULL},
    };
    MPI_Init(&argc, &argv);
    int result = mkdtemp(folder) ? hm_run_cases("dataset", cases) : 1;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) {
        result = 1;
    }
    MPI_Finalize();
    return result;
}
