/**
 * @file test_dataset_kill.c Killed at any instant: a child makes, resumes, writes and finishes a
 * file again and again and is killed at moments drawn from a seed. After each kill the file is
 * cleanly absent or opens, and no row marked done is wrong; at the end it is what it would have
 * been. Arguments: kills (default 60) and seed.
 */
#include <mpi.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "dataset_sample.h"
#include "hm_clock.h"
#include "runner.h"

enum { WIDTH = 211, HEIGHT = 173, BAND = 3, FLUSH = 40 };
enum { CHANNELS = 1u << HM_CHANNEL_ITERATIONS | 1u << HM_CHANNEL_SMOOTH };

static int kills = 60;
static uint64_t state = 2026;
static char folder[] = "/tmp/hm-kill-XXXXXX";
static char path[64];

static uint64_t draw(uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

/** The life of a run: makes the file or goes on with it, to the end. */
static hm_status_t session(hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_dataset_t *dataset = NULL;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info = {.rows_done = 0};
    hm_verified_t verified = {0};
    uint8_t good[HEIGHT] = {0};
    const hm_rank_account_t accounts[3] = {{.host = "a"}, {.host = "b"}, {.host = "c"}};
    const hm_dataset_plan_t plan = sample_plan(WIDTH, HEIGHT, CHANNELS);
    if (access(path, F_OK) != 0) {
        HM_TRY(hm_dataset_create(path, &plan, err));
    } else {
        HM_TRY(hm_dataset_resume(path, &plan, &info, err));
        if (info.result.complete) {
            goto cleanup;
        }
        HM_TRY(hm_reader_open(path, &reader, &info, err));
        HM_TRY(hm_reader_verify(reader, 0, HEIGHT, good, &verified, err));
        hm_reader_close(reader);
    }
    HM_TRY(hm_dataset_open(path, MPI_COMM_SELF, &dataset, err));
    for (int64_t i = 0; i < HEIGHT; ++i) {
        /* Bands in an order that jumps about. */
        const int64_t first = i * 71 % HEIGHT / BAND * BAND;
        const int64_t rows = HEIGHT - first < BAND ? HEIGHT - first : BAND;
        if (!good[first]) {
            HM_TRY(sample_write(dataset, CHANNELS, WIDTH, first, rows, 0, err));
            memset(good + first, 1, (size_t)rows);
        }
        if (i % FLUSH == FLUSH - 1) {
            HM_TRY(hm_dataset_flush(dataset, err));
        }
    }
    HM_TRY(hm_dataset_close(dataset, err));
    hm_dataset_result_t result = sample_result(WIDTH, HEIGHT);
    HM_TRY(hm_dataset_finish(path, accounts, 1 + (int)(verified.good % 3), &result, err));
cleanup:
    return status;
}

/** In a child: the statuses of a session as its exit code. */
static pid_t start(void) {
    const pid_t child = fork();
    if (child == 0) {
        hm_error_t err = HM_ERROR_NONE;
        const hm_status_t status = session(&err);
        if (status != HM_OK) {
            fprintf(stderr, "\n  session: %s\n", err.text);
        }
        _exit((int)status);
    }
    return child;
}

static void wait_microseconds(uint64_t microseconds) {
    const struct timespec time = {(time_t)(microseconds / 1000000),
                                  (long)(microseconds % 1000000) * 1000};
    nanosleep(&time, NULL);
}

/** What a kill left behind. */
static void check_left(int *absent, int *part, int *complete) {
    hm_error_t err = HM_ERROR_NONE;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_verified_t verified = {0};
    uint8_t good[HEIGHT];
    if (access(path, F_OK) != 0) {
        ++*absent;
        return;
    }
    const hm_status_t opened = hm_reader_open(path, &reader, &info, &err);
    CU_ASSERT_EQUAL(opened, HM_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    if (opened != HM_OK) {
        return;
    }
    CU_ASSERT_EQUAL(hm_reader_verify(reader, 0, HEIGHT, good, &verified, &err), HM_OK);
    CU_ASSERT_EQUAL(verified.torn, 0);
    CU_ASSERT_EQUAL(verified.good, info.rows_done);
    for (int64_t row = 0; row < HEIGHT; ++row) {
        if (good[row]) {
            CU_ASSERT_TRUE(sample_holds(reader, HM_CHANNEL_ITERATIONS, WIDTH, row, 1));
            CU_ASSERT_TRUE(sample_holds(reader, HM_CHANNEL_SMOOTH, WIDTH, row, 1));
        }
    }
    if (info.result.complete) {
        const hm_dataset_result_t wanted = sample_result(WIDTH, HEIGHT);
        CU_ASSERT_EQUAL(verified.good, HEIGHT);
        CU_ASSERT_EQUAL(info.result.crc32, wanted.crc32);
        CU_ASSERT_EQUAL(info.result.sum, wanted.sum);
        CU_ASSERT_EQUAL(info.result.inside, wanted.inside);
    }
    ++*(info.result.complete ? complete : part);
    hm_reader_close(reader);
}

static void test_killed_again_and_again(void) {
    int code = 0;
    int absent = 0;
    int part = 0;
    int complete = 0;
    int killed = 0;
    /* How long one takes when it is let alone, and that it is right. */
    const double begin = hm_clock_now();
    CU_ASSERT_EQUAL(waitpid(start(), &code, 0) > 0 && WIFEXITED(code) && WEXITSTATUS(code) == 0, 1);
    const uint64_t whole = (uint64_t)((hm_clock_now() - begin) * 1e6) + 1;
    check_left(&absent, &part, &complete);
    CU_ASSERT_EQUAL(complete, 1);
    complete = 0;
    unlink(path);
    /* Until enough of them have met the run where it can be hurt. */
    while (killed < kills || (part <= kills / 4 && killed < 20 * kills)) {
        const pid_t child = start();
        /* Half of them near the beginning, where the file is made or checked. */
        wait_microseconds(draw(draw(2) ? whole + whole / 4 : whole / 4 + 1));
        kill(child, SIGKILL);
        CU_ASSERT_EQUAL(waitpid(child, &code, 0), child);
        CU_ASSERT_TRUE(WIFSIGNALED(code) || WEXITSTATUS(code) == 0);
        killed += WIFSIGNALED(code) ? 1 : 0;
        check_left(&absent, &part, &complete);
        if (draw(6) == 0 || WIFEXITED(code)) {
            unlink(path);
        }
    }
    CU_ASSERT_EQUAL(waitpid(start(), &code, 0) > 0 && WIFEXITED(code) && WEXITSTATUS(code) == 0, 1);
    const int before = complete;
    check_left(&absent, &part, &complete);
    CU_ASSERT_EQUAL(complete, before + 1);
    printf(" (%d kills: %d times no file yet, %d in part, %d complete; a run takes %.0f ms) ",
           killed, absent, part, before, (double)whole / 1e3);
    CU_ASSERT_TRUE(part > kills / 4);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"killed again and again", test_killed_again_and_again},
        {NULL, NULL},
    };
    kills = getenv("HM_TEST_SHORT") ? kills / 5 : kills;
    kills = argc > 1 ? atoi(argv[1]) : kills;
    state = argc > 2 ? (uint64_t)atoll(argv[2]) : state;
    MPI_Init(&argc, &argv);
    int result = mkdtemp(folder) ? 0 : 1;
    snprintf(path, sizeof path, "%s/killed.h5", folder);
    result = result ? result : hm_run_cases("dataset kill", cases);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) {
        result = 1;
    }
    MPI_Finalize();
    return result;
}
