/** @file tally.c How far the run is. */
#include "hm_tally.h"

#include <assert.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_clock.h"
#include "node.h"

enum { TALLY_TAG = 7, BAR_CELLS = 30, LINE = 160 };

/* What a leader tells rank 0. */
typedef struct tally_news_t {
    int64_t node;
    int64_t rows;
    uint64_t updates;
} tally_news_t;

struct hm_tally_t {
    hm_cluster_t cluster;
    MPI_Comm comm;     /* leaders only, a duplicate: no mixing with strategies' messages */
    hm_shared_t *sums; /* the node's */
    int64_t rows;
    bool shows, bar;
    double begin, due, period;
    tally_news_t *other; /* [nodes], used on rank 0 */
    tally_news_t sent;   /* leaders: being sent */
    MPI_Request sending;
};

hm_status_t hm_tally_open(const hm_cluster_t *cluster, int64_t rows, hm_progress_mode_t mode,
                          hm_tally_t **tally, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t starved = 0;
    hm_tally_t *t = calloc(1, sizeof *t);
    tally_news_t *other = calloc((size_t)cluster->nodes, sizeof *other);
    HM_TRY(hm_most(cluster, !t || !other, &starved, err));
    if (starved != 0) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "a rank is out of memory for the tally"));
    }
    assert(t && other);
    t->cluster = *cluster;
    t->sums = cluster->memory->shared;
    t->comm = MPI_COMM_NULL;
    t->sending = MPI_REQUEST_NULL;
    t->rows = rows;
    t->shows = cluster->rank == 0 && mode == HM_PROGRESS_AUTO;
    t->bar = t->shows && isatty(STDERR_FILENO);
    t->period = t->bar ? 0.2 : 30;
    t->begin = hm_clock_now();
    t->due = t->begin + (cluster->rank == 0 ? t->period : 1);
    if (cluster->node_rank == 0) {
        atomic_store_explicit(&t->sums->rows, 0, memory_order_relaxed);
        atomic_store_explicit(&t->sums->updates, 0, memory_order_relaxed);
    }
    t->other = other;
    if (cluster->nodes > 1 && cluster->leaders != MPI_COMM_NULL) {
        HM_TRY(hm_mpi_check(MPI_Comm_dup(cluster->leaders, &t->comm), "sharing the tally", err));
    }
    *tally = t;
cleanup:
    if (status != HM_OK) {
        free(other);
        free(t);
    }
    return status;
}

void hm_tally_add(hm_tally_t *t, int64_t rows, uint64_t updates) {
    atomic_fetch_add_explicit(&t->sums->rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->sums->updates, updates, memory_order_relaxed);
}

/* A leader's message, when the last one is gone. */
static void send_news(hm_tally_t *t) {
    int done = 0;
    MPI_Test(&t->sending, &done, MPI_STATUS_IGNORE);
    if (done) {
        t->sent = (tally_news_t){t->cluster.node_index, atomic_load(&t->sums->rows),
                                 atomic_load(&t->sums->updates)};
        MPI_Isend(&t->sent, (int)sizeof t->sent, MPI_BYTE, 0, TALLY_TAG, t->comm, &t->sending);
    }
}

static void receive_news(hm_tally_t *t) {
    for (int waiting = 1; waiting;) {
        MPI_Iprobe(MPI_ANY_SOURCE, TALLY_TAG, t->comm, &waiting, MPI_STATUS_IGNORE);
        if (waiting) {
            tally_news_t news;
            MPI_Recv(&news, (int)sizeof news, MPI_BYTE, MPI_ANY_SOURCE, TALLY_TAG, t->comm,
                     MPI_STATUS_IGNORE);
            t->other[news.node] = news;
        }
    }
}

static void format_seconds(double seconds, char *text, size_t size) {
    long s = (long)(seconds + 0.5);
    snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static void show(hm_tally_t *t, double now) {
    int64_t rows = atomic_load(&t->sums->rows);
    uint64_t updates = atomic_load(&t->sums->updates);
    for (int n = 0; n < t->cluster.nodes; ++n) {
        rows += t->other[n].rows;
        updates += t->other[n].updates;
    }
    double part = t->rows > 0 ? (double)rows / (double)t->rows : 1;
    double seconds = now - t->begin;
    char left[32] = "unknown";
    if (part > 0) {
        format_seconds(seconds * (1 - part) / part, left, sizeof left);
    }
    char line[LINE];
    char cells[BAR_CELLS + 1];
    memset(cells, '.', BAR_CELLS);
    memset(cells, '#', (size_t)(part * BAR_CELLS));
    cells[BAR_CELLS] = '\0';
    int length =
        snprintf(line, sizeof line, "%s%s%s%5.1f %%  %.2f Giter/s  left %s%s",
                 t->bar ? "\r[" : "hpcmandel: ", t->bar ? cells : "", t->bar ? "] " : "",
                 100 * part, (double)updates / seconds * 1e-9, left, t->bar ? "   " : "\n");
    /* A report that cannot be written must not stop the work. */
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) {
        t->shows = false;
    }
}

void hm_tally_poll(hm_tally_t *t) {
    double now = hm_clock_now();
    if (now < t->due) {
        return;
    }
    if (t->cluster.rank == 0) {
        if (t->comm != MPI_COMM_NULL) {
            receive_news(t);
        }
        if (t->shows) {
            show(t, now);
        }
        t->due = now + t->period;
    } else {
        if (t->comm != MPI_COMM_NULL) {
            send_news(t);
        }
        t->due = now + 1;
    }
}

void hm_tally_close(hm_tally_t *t) {
    if (!t) {
        return;
    }
    if (t->bar) {
        static const char clear[] = "\r\033[K";
        if (write(STDERR_FILENO, clear, sizeof clear - 1) < 0) {
            t->bar = false;
        }
    }
    if (t->comm != MPI_COMM_NULL) {
        /* Rank 0 takes what is still under way, then all leaders part. */
        MPI_Request barrier = MPI_REQUEST_NULL;
        int sent = 0;
        int met = 0;
        unsigned turns = 0;
        while (!met) {
            if (t->cluster.rank == 0) {
                receive_news(t);
            }
            if (!sent) {
                MPI_Test(&t->sending, &sent, MPI_STATUS_IGNORE);
                if (sent) {
                    MPI_Ibarrier(t->comm, &barrier);
                }
            } else {
                MPI_Test(&barrier, &met, MPI_STATUS_IGNORE);
            }
            hm_idle(&turns);
        }
        if (t->cluster.rank == 0) {
            receive_news(t);
        }
        MPI_Comm_free(&t->comm);
    }
    free(t->other);
    free(t);
}
