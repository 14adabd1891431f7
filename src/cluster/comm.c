/** @file comm.c Opening and closing the ranks of a run. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "hm_cluster.h"
#include "node.h"
#include "polite.h"

static void free_comm(MPI_Comm *comm) {
    if (*comm != MPI_COMM_NULL) {
        MPI_Comm_free(comm);
    }
}

/* Node numbers come from the leaders, who pass them on to their node. One node needs no talk. */
static hm_status_t number_nodes(hm_cluster_t *c, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int about[2] = {0, 0};
    int leads = c->node_rank == 0;
    if (c->node_size == c->size) {
        c->nodes = 1;
        if (leads) {
            HM_TRY(hm_mpi_check(MPI_Comm_dup(MPI_COMM_SELF, &c->leaders),
                                "gathering the node leaders", err));
            MPI_Comm_set_errhandler(c->leaders, MPI_ERRORS_RETURN);
        }
        goto cleanup;
    }
    HM_TRY(hm_mpi_check(MPI_Comm_split(c->comm, leads ? 0 : MPI_UNDEFINED, c->rank, &c->leaders),
                        "gathering the node leaders", err));
    if (leads) {
        MPI_Comm_set_errhandler(c->leaders, MPI_ERRORS_RETURN);
        MPI_Comm_rank(c->leaders, &about[0]);
        MPI_Comm_size(c->leaders, &about[1]);
    }
    HM_TRY(hm_mpi_check(MPI_Bcast(about, 2, MPI_INT, 0, c->node), "numbering the nodes", err));
    c->node_index = about[0];
    c->nodes = about[1];
cleanup:
    return status;
}

/*
 * Ranks may be bound to different processors of their node: what the node offers is the union. Not
 * knowing (more processors than the set can tell) counts as enough.
 */
static hm_status_t compare_processors(hm_cluster_t *c, hm_error_t *err) {
    hm_status_t status = HM_OK;
    cpu_set_t mine;
    cpu_set_t node;
    CPU_ZERO(&mine);
    CPU_ZERO(&node);
    int known = sched_getaffinity(0, sizeof mine, &mine) == 0;
    _Atomic uint64_t *shared = c->memory->shared->processors;
    uint64_t words[HM_NODE_PROCESSORS];
    _Static_assert(sizeof words == sizeof mine, "as many bits as a set of processors");
    memcpy(words, &mine, sizeof words);
    for (int i = 0; i < HM_NODE_PROCESSORS; ++i) {
        if (words[i] != 0) {
            atomic_fetch_or_explicit(&shared[i], words[i], memory_order_relaxed);
        }
    }
    int64_t anywhere = 0;
    HM_TRY(hm_most(c, 0, &anywhere, err)); /* all have entered theirs */
    for (int i = 0; i < HM_NODE_PROCESSORS; ++i) {
        words[i] = atomic_load_explicit(&shared[i], memory_order_relaxed);
    }
    memcpy(&node, words, sizeof node);
    const bool crowded = known && c->node_size > CPU_COUNT(&node);
    HM_TRY(hm_most(c, crowded, &anywhere, err));
    c->oversubscribed = anywhere != 0;
cleanup:
    return status;
}

/* A rank that has no memory must not stay away from what is collective behind this. */
static hm_status_t all_have(MPI_Comm comm, bool memory, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int all = memory;
    HM_TRY(hm_mpi_check(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_LAND, comm),
                        "meeting the other ranks", err));
    if (!all) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "a rank is out of memory as it starts"));
    }
cleanup:
    return status;
}

hm_status_t hm_cluster_open(MPI_Comm comm, hm_cluster_t *cluster, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_cluster_t c = {.comm = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL};
    struct hm_alarm_t *alarm = hm_alarm_new();
    struct hm_node_t *memory = malloc(sizeof *memory);
    hm_polite_glance();
    HM_TRY(hm_mpi_check(MPI_Comm_dup(comm, &c.comm), "duplicating the communicator", err));
    MPI_Comm_set_errhandler(c.comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(c.comm, &c.rank);
    MPI_Comm_size(c.comm, &c.size);
    HM_TRY(all_have(c.comm, alarm != NULL && memory != NULL, err));
    HM_TRY(hm_mpi_check(
        MPI_Comm_split_type(c.comm, MPI_COMM_TYPE_SHARED, c.rank, MPI_INFO_NULL, &c.node),
        "finding the ranks of a node", err));
    MPI_Comm_set_errhandler(c.node, MPI_ERRORS_RETURN);
    MPI_Comm_rank(c.node, &c.node_rank);
    MPI_Comm_size(c.node, &c.node_size);
    HM_TRY(number_nodes(&c, err));
    HM_TRY(hm_alarm_open(c.comm, alarm, err));
    HM_TRY(hm_node_open(&c, memory, err));
    c.alarm = alarm;
    c.memory = memory;
    HM_TRY(compare_processors(&c, err));
    *cluster = c;
cleanup:
    if (status != HM_OK) {
        free(alarm);
        free(memory);
        free_comm(&c.leaders);
        free_comm(&c.node);
        free_comm(&c.comm);
        return err == NULL ? HM_EMISSING : (err->status = HM_EMISSING);
    }
    return HM_OK;
}

void hm_cluster_close(hm_cluster_t *cluster) {
    hm_alarm_close(cluster->alarm);
    hm_node_close(cluster->memory);
    free_comm(&cluster->leaders);
    free_comm(&cluster->node);
    free_comm(&cluster->comm);
    *cluster =
        (hm_cluster_t){.comm = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL};
}
