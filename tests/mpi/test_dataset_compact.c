/** @file test_dataset_compact.c Compressed copies of data set files, made by all ranks. */
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>

#include "dataset_sample.h"
#include "mpi_runner.h"

enum { ITERATIONS = 1u << HM_CHANNEL_ITERATIONS, SMOOTH = 1u << HM_CHANNEL_SMOOTH };

static char folder[64];
static char source[96];
static char target[96];

static int rank_here(void) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

/** Rank 0 makes a folder of its own and tells where; files are made there. */
static void place(void) {
    if (rank_here() == 0) {
        snprintf(folder, sizeof folder, "/tmp/hm-compact-XXXXXX");
        if (!mkdtemp(folder)) {
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    MPI_Bcast(folder, (int)sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    snprintf(source, sizeof source, "%s/a.h5", folder);
    snprintf(target, sizeof target, "%s/b.h5", folder);
}

/** Files in the folder. */
static int files(void) {
    int count = 0;
    DIR *stream = opendir(folder);
    while (stream && readdir(stream)) {
        ++count;
    }
    if (stream) {
        closedir(stream);
    }
    return count - 2;
}

static void clear(void) {
    if (rank_here() == 0) {
        unlink(source);
        unlink(target);
    }
    CU_ASSERT(everywhere(true));
}

static bool make_source(int64_t width, int64_t height, uint32_t channels) {
    hm_dataset_result_t result;
    bool made = true;
    clear();
    if (rank_here() == 0) {
        made = sample_whole(source, width, height, channels, 7, &result, NULL) == HM_OK;
    }
    return everywhere(made);
}

/** The copy has all that the source has; looked at by every rank. */
static bool equal(int64_t width, int64_t height, uint32_t channels) {
    hm_reader_t *reader[2] = {NULL, NULL};
    hm_dataset_info_t info[2];
    hm_session_t *history[2] = {NULL, NULL};
    hm_rank_account_t *ranks[2] = {NULL, NULL};
    char *text[2] = {NULL, NULL};
    int sessions[2] = {0, 0};
    int accounts[2] = {0, 0};
    const char *path[2] = {source, target};
    bool same = true;
    for (int i = 0; i < 2 && same; ++i) {
        same = hm_reader_open(path[i], &reader[i], &info[i], NULL) == HM_OK &&
               hm_reader_configuration(reader[i], &text[i], NULL) == HM_OK &&
               hm_reader_history(reader[i], &history[i], &sessions[i], NULL) == HM_OK &&
               hm_reader_ranks(reader[i], &ranks[i], &accounts[i], NULL) == HM_OK;
    }
    same = same && memcmp(&info[0].formula, &info[1].formula, sizeof info[0].formula) == 0 &&
           info[0].grid.re0 == info[1].grid.re0 && info[0].grid.im_step == info[1].grid.im_step &&
           info[1].channels == channels && info[1].rows_done == height && info[1].result.complete &&
           info[0].result.crc32 == info[1].result.crc32 &&
           info[0].result.sum == info[1].result.sum &&
           info[0].result.inside == info[1].result.inside &&
           info[0].result.seconds == info[1].result.seconds && strcmp(text[0], text[1]) == 0 &&
           sessions[0] == sessions[1] && accounts[0] == accounts[1] &&
           strcmp(history[0][0].start, history[1][0].start) == 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((channels >> channel) & 1u) {
            same = same && sample_holds(reader[1], (hm_channel_t)channel, width, 0, height);
        }
    }
    for (int i = 0; i < 2; ++i) {
        hm_reader_close(reader[i]);
        free(text[i]);
        free(history[i]);
        free(ranks[i]);
    }
    return same;
}

static void copy_and_compare(int64_t width, int64_t height, uint32_t channels) {
    hm_error_t err = HM_ERROR_NONE;
    hm_compact_t report = {0};
    CU_ASSERT_FATAL(make_source(width, height, channels));
    const bool good =
        hm_dataset_compact(source, target, MPI_COMM_WORLD, 5, false, &report, &err) == HM_OK;
    CU_ASSERT(everywhere(good));
    if (!good) {
        printf("\n  %s\n", err.text);
    }
    CU_ASSERT(everywhere(equal(width, height, channels)));
    int count = 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        count += (channels >> channel) & 1u ? 1 : 0;
    }
    CU_ASSERT(everywhere(report.plain == width * height * 4 * count && report.stored > 0));
    CU_ASSERT(everywhere(files() == 2));
}

static void test_shapes(void) {
    copy_and_compare(1, 1, ITERATIONS);
    copy_and_compare(203, 157, ITERATIONS | SMOOTH);
    copy_and_compare(9001, 130, ITERATIONS);
    copy_and_compare(70000, 3, ITERATIONS | SMOOTH);
    copy_and_compare(64, 640, (1u << HM_CHANNEL_COUNT) - 1);
}

/** Compressible data get smaller, and any HDF5 program reads them. */
static void test_smaller(void) {
    enum { WIDTH = 1000, HEIGHT = 300 };
    hm_dataset_result_t result = {.seconds = 1};
    hm_compact_t report = {0};
    bool good = true;
    clear();
    if (rank_here() == 0) {
        hm_dataset_t *dataset = NULL;
        uint32_t *values = calloc(WIDTH * HEIGHT, sizeof *values);
        const hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, ITERATIONS);
        const hm_band_data_t band = {.rows = HEIGHT, .channel = {values}};
        for (int i = 0; i < WIDTH * HEIGHT; ++i) {
            values[i] = (uint32_t)(i / 5000);
        }
        good = hm_dataset_create(source, &plan, NULL) == HM_OK &&
               hm_dataset_open(source, MPI_COMM_SELF, &dataset, NULL) == HM_OK &&
               hm_dataset_write_band(dataset, &band, NULL) == HM_OK &&
               hm_dataset_close(dataset, NULL) == HM_OK &&
               hm_dataset_finish(source, NULL, 0, &result, NULL) == HM_OK;
        free(values);
    }
    CU_ASSERT_FATAL(everywhere(good));
    good = hm_dataset_compact(source, target, MPI_COMM_WORLD, 6, false, &report, NULL) == HM_OK;
    CU_ASSERT(everywhere(good && report.stored * 20 < report.plain));
    if (rank_here() == 0) {
        struct stat old;
        struct stat new;
        stat(source, &old);
        stat(target, &new);
        good = new.st_size * 3 < old.st_size;
        printf(" (%lld bytes to %lld, %.3f s) ", (long long)report.plain, (long long)report.stored,
               report.seconds);
        hid_t file = H5Fopen(target, H5F_ACC_RDONLY, H5P_DEFAULT);
        hid_t image = H5Dopen2(file, "iterations", H5P_DEFAULT);
        hid_t properties = H5Dget_create_plist(image);
        good = good && H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_nfilters(properties) == 2;
        H5Pclose(properties);
        H5Dclose(image);
        H5Fclose(file);
    }
    CU_ASSERT(everywhere(good));
}

static void test_refused(void) {
    hm_error_t err = HM_ERROR_NONE;
    hm_compact_t report = {0};
    hm_dataset_t *dataset = NULL;
    hm_dataset_info_t info;
    const hm_dataset_plan_t plan = sample_plan(50, 40, ITERATIONS);
    clear();
    const MPI_Comm all = MPI_COMM_WORLD;
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, target, all, 5, false, &report, &err) == HM_EIO));
    CU_ASSERT(everywhere(rank_here() != 0 || hm_dataset_create(source, &plan, NULL) == HM_OK));
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, target, all, 5, false, &report, &err) == HM_EDATA));
    CU_ASSERT(everywhere(strstr(err.text, "not complete") != NULL));
    CU_ASSERT_FATAL(make_source(50, 40, ITERATIONS));
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, target, all, 0, false, &report, &err) == HM_EUSAGE));
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, source, all, 5, false, &report, &err) == HM_ECREATE));
    CU_ASSERT(everywhere(files() == 1));
    /* A row that is not what its checksum says is not copied. */
    if (rank_here() == 0) {
        uint32_t row[50];
        sample_row(HM_CHANNEL_ITERATIONS, 20, 50, row);
        hid_t file = H5Fopen(source, H5F_ACC_RDWR, H5P_DEFAULT);
        hid_t image = H5Dopen2(file, "iterations", H5P_DEFAULT);
        const haddr_t at = H5Dget_offset(image) + 20 * sizeof row;
        H5Dclose(image);
        H5Fclose(file);
        row[7] ^= 1u;
        const int descriptor = open(source, O_RDWR);
        CU_ASSERT(pwrite(descriptor, row, sizeof row, (off_t)at) == (ssize_t)sizeof row);
        close(descriptor);
    }
    CU_ASSERT(everywhere(true));
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, target, all, 5, false, &report, &err) == HM_EDATA));
    CU_ASSERT(everywhere(files() == 1));
    /* A copy is for reading. */
    CU_ASSERT_FATAL(make_source(50, 40, ITERATIONS));
    CU_ASSERT(
        everywhere(hm_dataset_compact(source, target, all, 1, false, &report, &err) == HM_OK));
    CU_ASSERT(everywhere(hm_dataset_compact(source, target, all, 9, true, &report, &err) == HM_OK));
    CU_ASSERT(everywhere(hm_dataset_open(target, all, &dataset, &err) == HM_EDATA));
    CU_ASSERT(everywhere(
        rank_here() != 0 ||
        (hm_dataset_resume(target, &plan, &info, &err) == HM_OK && info.result.complete)));
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"place", place},          {"shapes", test_shapes}, {"smaller", test_smaller},
        {"refused", test_refused}, {"clear", clear},        {NULL, NULL},
    };
    const int result = hm_run_mpi_cases(&argc, &argv, "dataset compact", cases);
    rmdir(folder);
    return result;
}
