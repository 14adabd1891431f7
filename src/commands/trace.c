#include "trace.h"

#include <string.h>

#include "hm_clock.h"
#include "output.h"

/* Events sent at a time. */
enum { TRACE_TAG = 21, PIECE = 2048 };

/* What a rank says before its events. */
typedef struct track_t {
    int64_t events, dropped;
    int32_t node, unused;
} track_t;

static void print_event(FILE *file, int rank, const hm_event_t *e, const char **separator) {
    fprintf(file, "%s\n{\"ph\":\"X\",\"pid\":0,\"tid\":%d,\"name\":\"%s\",\"ts\":%.3f,\"dur\":%.3f",
            *separator, rank, hm_state_name(e->state), e->start * 1e6, (e->end - e->start) * 1e6);
    if (e->band >= 0) {
        fprintf(file, ",\"args\":{\"band\":%lld}", (long long)e->band);
    }
    fprintf(file, "}");
    *separator = ",";
}

static void print_track(FILE *file, int rank, const track_t *track, const char **separator) {
    fprintf(file,
            "%s\n{\"ph\":\"M\",\"pid\":0,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":"
            "\"rank %d, node %d\",\"dropped\":%lld}}",
            *separator, rank, rank, (int)track->node, (long long)track->dropped);
    *separator = ",";
}

/* Rank 0: the events of `rank`, asked for piece by piece. */
static hm_status_t receive_track(const hm_cluster_t *cluster, int rank, FILE *file,
                                 const char **separator, hm_error_t *err) {
    hm_status_t status = HM_OK;
    track_t track;
    hm_event_t piece[PIECE];
    HM_TRY(hm_mpi_check(MPI_Recv(&track, (int)sizeof track, MPI_BYTE, rank, TRACE_TAG,
                                 cluster->comm, MPI_STATUS_IGNORE),
                        "receiving a trace", err));
    print_track(file, rank, &track, separator);
    for (int64_t got = 0; got < track.events; got += PIECE) {
        int64_t n = track.events - got < PIECE ? track.events - got : PIECE;
        HM_TRY(hm_mpi_check(MPI_Recv(piece, (int)((size_t)n * sizeof *piece), MPI_BYTE, rank,
                                     TRACE_TAG, cluster->comm, MPI_STATUS_IGNORE),
                            "receiving a trace", err));
        for (int64_t i = 0; i < n; ++i) {
            print_event(file, rank, &piece[i], separator);
        }
    }
cleanup:
    return status;
}

/* Another rank: sends its track when rank 0 has a file. */
static hm_status_t send_track(const hm_cluster_t *cluster, const track_t *track,
                              const hm_trace_t *trace, double zero, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_event_t piece[PIECE];
    HM_TRY(hm_mpi_check(MPI_Send(track, (int)sizeof *track, MPI_BYTE, 0, TRACE_TAG, cluster->comm),
                        "sending a trace", err));
    for (int64_t sent = 0; sent < trace->count; sent += PIECE) {
        int64_t n = trace->count - sent < PIECE ? trace->count - sent : PIECE;
        memcpy(piece, trace->event + sent, (size_t)n * sizeof *piece);
        for (int64_t i = 0; i < n; ++i) {
            piece[i].start -= zero;
            piece[i].end -= zero;
        }
        HM_TRY(hm_mpi_check(MPI_Send(piece, (int)((size_t)n * sizeof *piece), MPI_BYTE, 0,
                                     TRACE_TAG, cluster->comm),
                            "sending a trace", err));
    }
cleanup:
    return status;
}

static hm_status_t write_all(const hm_cluster_t *cluster, FILE *file, const track_t *track,
                             const hm_trace_t *trace, double zero, hm_error_t *err) {
    const char *separator = "";
    hm_status_t status = HM_OK;
    fprintf(file, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    print_track(file, 0, track, &separator);
    for (int64_t i = 0; i < trace->count; ++i) {
        hm_event_t event = trace->event[i];
        event.start -= zero;
        event.end -= zero;
        print_event(file, 0, &event, &separator);
    }
    for (int rank = 1; status == HM_OK && rank < cluster->size; ++rank) {
        status = receive_track(cluster, rank, file, &separator, err);
    }
    fprintf(file, "\n]}\n");
    return status;
}

hm_status_t trace_write(const hm_context_t *context, const char *path, const hm_trace_t *trace,
                        double begin) {
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    hm_status_t status = HM_OK;
    output_t output = {0};
    /* All leave the barrier at about the same moment: that is the common zero of the clocks. */
    MPI_Barrier(cluster->comm);
    double now = hm_clock_now();
    double elapsed = now - begin;
    MPI_Bcast(&elapsed, 1, MPI_DOUBLE, 0, cluster->comm);
    double zero = now - elapsed;
    track_t track = {
        .events = trace->count, .dropped = trace->dropped, .node = cluster->node_index};
    if (cluster->rank == 0) {
        status = output_open(path, &output, &err);
        if (status != HM_OK) {
            (void)hm_error_context(&err, "trace");
        }
    }
    status = hm_meet(context, status, &err);
    if (status != HM_OK) {
        return status;
    }
    if (cluster->rank == 0) {
        status = write_all(cluster, output.out, &track, trace, zero, &err);
        const hm_status_t closed =
            output_close(&output, status == HM_OK, status == HM_OK ? &err : NULL);
        if (status == HM_OK && closed != HM_OK) {
            status = hm_error_context(&err, "trace");
        }
    } else {
        status = send_track(cluster, &track, trace, zero, &err);
    }
    return hm_meet(context, status, &err);
}
