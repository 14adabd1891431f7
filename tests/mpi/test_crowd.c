/*
 * More ranks on a node than one writer receives from: `pipeline` then has several writers, and with
 * node leaders between them and the file each but one sends on what it receives. Needs 10 ranks on
 * a node; tests/run gives it 12.
 */
#include "hm_strategy.h"
#include "job.h"

enum { SEVERAL_WRITERS = 10 }; /* ranks on a node, at least */

/* The file is slow, so that what the writers send on has to wait for room. */
static hm_status_t deliver_slowly(void *context, int64_t band, const void *buffer,
                                  const hm_progress_t *progress, hm_error_t *err) {
    const struct timespec pause = {0, 300000};
    nanosleep(&pause, NULL);
    return job_deliver(context, band, buffer, progress, err);
}

static hm_cluster_t open_cluster(void) {
    hm_cluster_t cluster;
    hm_error_t err = HM_ERROR_NONE;
    if (hm_cluster_open(MPI_COMM_WORLD, &cluster, &err) != HM_OK) {
        fprintf(stderr, "cannot open a cluster: %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return cluster;
}

static void test_enough_ranks(void) {
    hm_cluster_t cluster = open_cluster();
    int most = 0;
    MPI_Allreduce(&cluster.node_size, &most, 1, MPI_INT, MPI_MAX, cluster.comm);
    CU_ASSERT(most >= SEVERAL_WRITERS);
    hm_cluster_close(&cluster);
}

/* Runs `name` through node leaders, whole or with a fault, and says what it came to. */
static bool through_leaders(const hm_cluster_t *cluster, const char *name, size_t band_bytes,
                            fault_t fault, int64_t band) {
    const hm_strategy_t *strategy = NULL;
    const hm_strategy_options_t options = {.delivery = HM_DELIVERY_FUNNEL};
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    test_job_t t = job_make(cluster, 400, band_bytes);
    t.job.deliver = deliver_slowly;
    t.most_seconds = 1e-3; /* so that all take part */
    t.fault = fault;
    t.fault_band = band;
    t.fault_with = HM_EIO;
    bool good = hm_strategy_find(name, cluster, &strategy, &err) == HM_OK;
    hm_status_t status = job_run(&t, strategy, &options, &account, &err);
    good = good && status == (fault == FAULT_NONE ? HM_OK : t.fired > 0 ? HM_EIO : HM_STOPPED);
    good = job_check(&t, fault == FAULT_NONE) && good;
    bool speaker = false;
    hm_status_t agreed = hm_agree(cluster, status, &err, &speaker);
    good = good && agreed == (fault == FAULT_NONE ? HM_OK : HM_EIO);
    good = job_nothing_left(cluster) && good;
    if (!good) {
        fprintf(stderr, "%s, bands of %zu bytes: %s %s, %d wrong\n", name, band_bytes,
                hm_status_name(status), err.text, t.wrong);
    }
    hm_alarm_reset(cluster);
    job_free(&t);
    return good;
}

/* What a writer receives while it waits for room must not take that room. */
static void test_writers_wait(void) {
    hm_cluster_t cluster = open_cluster();
    CU_ASSERT(everywhere(through_leaders(&cluster, "pipeline", 80, FAULT_NONE, -1)));
    CU_ASSERT(everywhere(through_leaders(&cluster, "pipeline", 70008, FAULT_NONE, -1)));
    CU_ASSERT(everywhere(through_leaders(&cluster, "counter", 80, FAULT_NONE, -1)));
    hm_cluster_close(&cluster);
}

static void test_writers_fail(void) {
    hm_cluster_t cluster = open_cluster();
    for (int64_t band = 0; band < 400; band += 133) {
        CU_ASSERT(everywhere(through_leaders(&cluster, "pipeline", 80, FAULT_DELIVER, band)));
        CU_ASSERT(everywhere(through_leaders(&cluster, "pipeline", 80, FAULT_COMPUTE, band)));
    }
    hm_cluster_close(&cluster);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"enough ranks on a node", test_enough_ranks},
        {"writers that wait for the node's leader", test_writers_wait},
        {"failures meanwhile", test_writers_fail},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "crowd", cases);
}
