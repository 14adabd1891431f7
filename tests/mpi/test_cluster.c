/* Ranks, nodes, agreement, alarm, waiting. Runs on any number of ranks. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "hm_clock.h"
#include "hm_cluster.h"
#include "mpi_runner.h"

static hm_cluster_t open_cluster(void) {
    hm_cluster_t cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = hm_cluster_open(MPI_COMM_WORLD, &cluster, &err);
    if (status != HM_OK) {
        fprintf(stderr, "cannot open a cluster: %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return cluster;
}

static void test_open_numbers(void) {
    hm_cluster_t c = open_cluster();
    int rank = -1;
    int size = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    CU_ASSERT(everywhere(c.rank == rank && c.size == size));
    CU_ASSERT(everywhere((c.node_rank == 0) == (c.leaders != MPI_COMM_NULL)));
    CU_ASSERT(everywhere(c.node_rank >= 0 && c.node_rank < c.node_size));
    CU_ASSERT(everywhere(c.node_index >= 0 && c.node_index < c.nodes));
    /* The nodes' sizes add up, and each node's number is its leader's place among the leaders. */
    int leads = c.node_rank == 0;
    int nodes = 0;
    int of_node = leads ? c.node_size : 0;
    int ranks = 0;
    int before = 0;
    MPI_Allreduce(&leads, &nodes, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(&of_node, &ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Exscan(&leads, &before, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CU_ASSERT(nodes == c.nodes);
    CU_ASSERT(ranks == c.size);
    CU_ASSERT(everywhere(!leads || rank == 0 || before == c.node_index));
    hm_cluster_close(&c);
    CU_ASSERT(c.comm == MPI_COMM_NULL);
}

static void test_errors_return(void) {
    hm_cluster_t c = open_cluster();
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status =
        hm_mpi_check(MPI_Send(&c.rank, 1, MPI_INT, c.size + 7, 0, c.comm), "sending astray", &err);
    CU_ASSERT(everywhere(status == HM_EBUG && err.status == HM_EBUG));
    CU_ASSERT(everywhere(strstr(err.text, "sending astray") != NULL));
    CU_ASSERT(everywhere(strchr(err.text, '\n') == NULL));
    CU_ASSERT(hm_mpi_check(MPI_SUCCESS, "nothing", NULL) == HM_OK);
    hm_cluster_close(&c);
}

/* Every rank brings bring[rank % 4]; all must leave with `expected`, its lowest rank speaking. */
static void agree_on(const hm_status_t bring[4], hm_status_t expected) {
    hm_cluster_t c = open_cluster();
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t mine = bring[c.rank % 4];
    if (mine != HM_OK) {
        hm_error_set(&err, mine, "rank %d", c.rank);
    }
    bool speaker = false;
    hm_status_t status = hm_agree(&c, mine, &err, &speaker);
    CU_ASSERT(everywhere(status == expected));
    int lowest = c.size;
    for (int r = c.size - 1; r >= 0; --r) {
        lowest = bring[r % 4] == expected ? r : lowest;
    }
    CU_ASSERT(everywhere(speaker == (expected != HM_OK && c.rank == lowest)));
    char text[32];
    snprintf(text, sizeof text, "rank %d", c.rank);
    CU_ASSERT(everywhere(strcmp(err.text, speaker ? text : "") == 0));
    CU_ASSERT(everywhere(err.status == expected));
    hm_cluster_close(&c);
}

static void test_agree(void) {
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    agree_on((const hm_status_t[]){HM_OK, HM_OK, HM_OK, HM_OK}, HM_OK);
    agree_on((const hm_status_t[]){HM_STOPPED, HM_OK, HM_OK, HM_OK}, HM_STOPPED);
    agree_on((const hm_status_t[]){HM_STOPPED, HM_EIO, HM_EUSAGE, HM_EIO},
             size > 1 ? HM_EIO : HM_STOPPED);
    agree_on((const hm_status_t[]){HM_EUSAGE, HM_EBUG, HM_STOPPED, HM_OK}, HM_EUSAGE);
    agree_on((const hm_status_t[]){HM_DIFFERENT, HM_STOPPED, HM_OK, HM_OK},
             size > 1 ? HM_STOPPED : HM_DIFFERENT);
    agree_on((const hm_status_t[]){HM_OK, HM_DIFFERENT, HM_OK, HM_OK},
             size > 1 ? HM_DIFFERENT : HM_OK);
}

/* Polls until the alarm says `expected`; false after a minute. */
static bool hears(const hm_cluster_t *c, hm_status_t expected) {
    double end = hm_clock_now() + 60;
    for (unsigned turns = 0; hm_clock_now() < end;) {
        if (hm_alarm_poll(c) == expected) {
            return true;
        }
        hm_idle(&turns);
    }
    return false;
}

/* All poll until all have heard. */
static bool all_hear(const hm_cluster_t *c, hm_status_t expected) {
    bool heard = hears(c, expected);
    MPI_Request request;
    MPI_Ibarrier(c->comm, &request);
    for (int done = 0; !done;) {
        hm_alarm_poll(c); /* passes the alarm on to who has not heard */
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
    return everywhere(heard);
}

static void test_alarm_from_any_rank(void) {
    hm_cluster_t c = open_cluster();
    for (int raiser = 0; raiser < c.size; raiser += 1 + c.size / 16) {
        CU_ASSERT(everywhere(hm_alarm_poll(&c) == HM_OK));
        if (c.rank == raiser) {
            hm_alarm_raise(&c, HM_STOPPED);
        }
        CU_ASSERT(all_hear(&c, HM_STOPPED));
        CU_ASSERT(everywhere(hm_alarm_reset(&c) == HM_STOPPED));
    }
    CU_ASSERT(everywhere(hm_alarm_poll(&c) == HM_OK));
    hm_cluster_close(&c);
}

static void test_alarm_gravest_wins(void) {
    hm_cluster_t c = open_cluster();
    for (int round = 0; round < 20; ++round) {
        hm_alarm_raise(&c, HM_STOPPED); /* by all at once */
        if (c.rank == round % c.size) {
            hm_alarm_raise(&c, HM_EDATA);
        }
        if (c.rank == (round * 3 + 1) % c.size) {
            hm_alarm_raise(&c, HM_EIO);
        }
        CU_ASSERT(all_hear(&c, HM_EIO));
        hm_alarm_raise(&c, HM_STOPPED);
        CU_ASSERT(everywhere(hm_alarm_poll(&c) == HM_EIO));
        CU_ASSERT(everywhere(hm_alarm_reset(&c) == HM_EIO));
    }
    /* Closing with the alarm just raised leaves nothing behind either. */
    if (c.rank == c.size - 1) {
        hm_alarm_raise(&c, HM_EBUG);
    }
    hm_cluster_close(&c);
}

static void test_alarm_watches_a_flag(void) {
    hm_cluster_t c = open_cluster();
    volatile sig_atomic_t flag = 0;
    hm_alarm_watch(&c, &flag);
    CU_ASSERT(everywhere(hm_alarm_poll(&c) == HM_OK));
    flag = c.rank == c.size / 2;
    CU_ASSERT(all_hear(&c, HM_STOPPED));
    hm_alarm_watch(&c, NULL);
    hm_alarm_reset(&c);
    CU_ASSERT(everywhere(hm_alarm_poll(&c) == HM_OK));
    hm_cluster_close(&c);
}

static void test_wait(void) {
    hm_cluster_t c = open_cluster();
    hm_error_t err = HM_ERROR_NONE;
    int got[2] = {-1, -1};
    MPI_Request request[4];
    int left = (c.rank + c.size - 1) % c.size;
    int right = (c.rank + 1) % c.size;
    MPI_Irecv(&got[0], 1, MPI_INT, left, 1, c.comm, &request[0]);
    MPI_Irecv(&got[1], 1, MPI_INT, right, 2, c.comm, &request[1]);
    MPI_Isend(&c.rank, 1, MPI_INT, right, 1, c.comm, &request[2]);
    MPI_Isend(&c.rank, 1, MPI_INT, left, 2, c.comm, &request[3]);
    CU_ASSERT(everywhere(hm_wait(&request[0], "waiting", &err) == HM_OK));
    CU_ASSERT(everywhere(hm_wait_all(3, request + 1, "waiting", &err) == HM_OK));
    CU_ASSERT(everywhere(got[0] == left && got[1] == right));
    hm_cluster_close(&c);
}

static double processor_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* What part of a processor all together use while they wait for one. */
static double used_waiting(const hm_cluster_t *c) {
    const struct timespec late = {0, 400000000};
    MPI_Barrier(c->comm);
    double start = hm_clock_now();
    double used = processor_seconds();
    if (c->rank == c->size - 1) {
        nanosleep(&late, NULL);
    }
    MPI_Barrier(c->comm);
    double spent[2] = {hm_clock_now() - start, processor_seconds() - used};
    double longest = 0;
    double sum = 0;
    MPI_Allreduce(&spent[0], &longest, 1, MPI_DOUBLE, MPI_MAX, c->comm);
    MPI_Allreduce(&spent[1], &sum, 1, MPI_DOUBLE, MPI_SUM, c->comm);
    printf("(%.3f s of processors in %.3f s) ", sum, longest);
    return sum / longest;
}

/* Blocking calls give way: all that wait for one together use far less than one processor (0.01 to
 * 0.05 of it; without giving way, all there are). The best of three, as a busy machine may make
 * little of a processor. */
static void test_politeness(void) {
    hm_cluster_t c = open_cluster();
    double least = HUGE_VAL;
    for (int i = 0; i < 3 && least >= 0.25; ++i) {
        const double used = used_waiting(&c);
        least = used < least ? used : least;
    }
    CU_ASSERT(least < 0.25);
    hm_cluster_close(&c);
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"open numbers ranks and nodes", test_open_numbers},
        {"MPI's errors come back as messages", test_errors_return},
        {"agreement: gravest status, lowest rank speaks", test_agree},
        {"alarm from any rank reaches all", test_alarm_from_any_rank},
        {"alarm: the gravest wins, none is left over", test_alarm_gravest_wins},
        {"alarm watches a flag", test_alarm_watches_a_flag},
        {"waiting for one and for several", test_wait},
        {"blocking calls give way", test_politeness},
        {NULL, NULL},
    };
    return hm_run_mpi_cases(&argc, &argv, "cluster", cases);
}
