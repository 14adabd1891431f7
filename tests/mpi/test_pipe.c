/* The pipe that `pipeline` and the funnel are made of: on each node its first rank writes, the
 * others send. */
#include <stdlib.h>
#include <string.h>

#include "../../src/cluster/delivery.h"
#include "mpi_runner.h"

enum { SENT = 2, TOLD = 900, TAG = 901 };

/* One rank's end, and what has come out of it. */
typedef struct end_t {
    hm_cluster_t cluster;
    hm_job_t job;
    hm_account_t account;
    hm_error_t err;
    struct hm_route_t route;
    hm_work_t work;
    hm_pipe_t pipe;
    int64_t taken, sum;
    bool whole; /* every byte of every band was what it should be */
} end_t;

static bool take(hm_work_t *work, int64_t band, const void *buffer) {
    end_t *end = work->job->context;
    const unsigned char *bytes = buffer;
    for (size_t i = 0; i < work->job->band_bytes; ++i) {
        end->whole = end->whole && bytes[i] == (unsigned char)band;
    }
    ++end->taken;
    end->sum += band;
    return true;
}

static void receive(void *context) {
    hm_pipe_receive(context);
}

static bool open_end(end_t *end, size_t band_bytes) {
    *end = (end_t){.job = {.band_bytes = band_bytes}, .whole = true};
    if (hm_cluster_open(MPI_COMM_WORLD, &end->cluster, &end->err) != HM_OK) {
        return false;
    }
    const hm_cluster_t *c = &end->cluster;
    end->job.context = end;
    end->work = (hm_work_t){.cluster = c,
                            .job = &end->job,
                            .account = &end->account,
                            .err = &end->err,
                            .route = &end->route,
                            .serve = receive,
                            .served = &end->pipe};
    hm_account_start(&end->account);
    return hm_pipe_open(&end->pipe, &end->work, c->node, TAG, 0, c->node_size - 1, take) == HM_OK;
}

static bool send_band(end_t *end, int64_t band) {
    void *room = hm_pipe_buffer(&end->pipe);
    if (room == NULL) {
        return false;
    }
    memset(room, (int)band, end->job.band_bytes);
    return hm_pipe_send(&end->pipe, band);
}

/* The bands of a node: `each` of every sender, by its rank. */
static int64_t sum_of(const hm_cluster_t *c, int each) {
    int64_t sum = 0;
    for (int r = 1; r < c->node_size; ++r) {
        for (int i = 0; i < each; ++i) {
            sum += r * 8 + i;
        }
    }
    return sum;
}

static bool close_end(end_t *end, int each) {
    hm_pipe_finish(&end->pipe);
    const bool writes = end->pipe.writes;
    const hm_cluster_t *c = &end->cluster;
    const bool good = end->work.status == HM_OK && end->whole &&
                      (!writes || (end->taken == (int64_t)each * (c->node_size - 1) &&
                                   end->sum == sum_of(c, each)));
    hm_pipe_close(&end->pipe);
    hm_cluster_close(&end->cluster);
    return good;
}

/* Both bands of every sender have come: a look takes them all, not one a sender. */
static void test_one_look(void) {
    end_t end;
    CU_ASSERT_FATAL(everywhere(open_end(&end, 100)));
    const hm_cluster_t *c = &end.cluster;
    bool good = true;
    int told = 0;
    if (!end.pipe.writes) {
        for (int i = 0; i < SENT; ++i) {
            good = good && send_band(&end, c->node_rank * 8 + i);
        }
        MPI_Send(&told, 1, MPI_INT, 0, TOLD, c->node);
    } else {
        for (int r = 1; r < c->node_size; ++r) {
            MPI_Recv(&told, 1, MPI_INT, r, TOLD, c->node, MPI_STATUS_IGNORE);
        }
        hm_pipe_receive(&end.pipe);
        /* No more than is bounded, so that other things are looked after. */
        const int most =
            SENT * (c->node_size - 1 < HM_PIPE_RECEIVING ? c->node_size - 1 : HM_PIPE_RECEIVING);
        good = end.taken == most;
    }
    CU_ASSERT(everywhere(good));
    CU_ASSERT(everywhere(close_end(&end, SENT)));
}

/* Messages that go in pieces; the writer looks now and then. */
static void test_large(void) {
    enum { EACH = 5 };
    end_t end;
    CU_ASSERT_FATAL(everywhere(open_end(&end, (3 << 20) + 17)));
    bool good = true;
    for (int i = 0; !end.pipe.writes && i < EACH; ++i) {
        good = good && send_band(&end, end.cluster.node_rank * 8 + i);
    }
    CU_ASSERT(everywhere(close_end(&end, EACH) && good));
}

/* While it writes, nothing is taken. */
static void test_not_while_writing(void) {
    end_t end;
    CU_ASSERT_FATAL(everywhere(open_end(&end, 100)));
    bool good = true;
    if (!end.pipe.writes) {
        good = send_band(&end, end.cluster.node_rank * 8);
    } else {
        end.work.writing = true;
        for (int i = 0; i < 100; ++i) {
            hm_pipe_receive(&end.pipe);
        }
        good = end.taken == 0;
        end.work.writing = false;
    }
    CU_ASSERT(everywhere(good));
    CU_ASSERT(everywhere(close_end(&end, 1)));
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"what has come is taken in one look", test_one_look},
        {"large bands", test_large},
        {"not while writing", test_not_while_writing},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "pipe", cases);
}
