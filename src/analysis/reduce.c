/** @file reduce.c See reduce.h. */
#include "reduce.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "hm_cluster.h"
#include "hm_crc32.h"

enum { PIECE = 1 << 16 };

/** Before the other in the list: more work, then the earlier row. */
static bool before(const hm_costly_t *a, const hm_costly_t *b) {
    if (a->row < 0 || b->row < 0) {
        return b->row < 0 && a->row >= 0;
    }
    return a->work != b->work ? a->work > b->work : a->row < b->row;
}

void hm_costly_insert(hm_costly_t *costly, int count, hm_costly_t row) {
    int place = count;
    while (place > 0 && before(&row, &costly[place - 1])) {
        if (place < count) {
            costly[place] = costly[place - 1];
        }
        --place;
    }
    if (place < count) {
        costly[place] = row;
    }
}

/* The operations. Their arguments' types are MPI's.
 * NOLINTBEGIN(readability-non-const-parameter) */

static void add_wide(void *in, void *inout, int *length, MPI_Datatype *type) {
    const hm_wide_t *more = in;
    hm_wide_t *sum = inout;
    (void)type;
    for (int i = 0; i < *length; ++i) {
        hm_wide_add(&sum[i], more[i]);
    }
}

/** `in` comes from the ranks before those of `inout`. */
static void append_stretch(void *in, void *inout, int *length, MPI_Datatype *type) {
    const hm_stretch_t *first = in;
    hm_stretch_t *second = inout;
    (void)type;
    for (int i = 0; i < *length; ++i) {
        second[i].crc = hm_crc32_append((uint32_t)first[i].crc, (uint32_t)second[i].crc,
                                        (int64_t)second[i].bytes);
        second[i].bytes += first[i].bytes;
    }
}

/** An element is a whole list: its length follows from the type's size. */
static void merge_costly(void *in, void *inout, int *length, MPI_Datatype *type) {
    const hm_costly_t *more = in;
    hm_costly_t *list = inout;
    int bytes = 0;
    MPI_Type_size(*type, &bytes);
    const int count = bytes / (int)sizeof(hm_costly_t);
    for (int i = 0; i < *length; ++i) {
        for (int k = 0; k < count; ++k) {
            hm_costly_insert(list + (ptrdiff_t)i * count, count, more[(ptrdiff_t)i * count + k]);
        }
    }
}

/* NOLINTEND(readability-non-const-parameter) */

/** MPI_Reduce to rank 0, in place there. */
static hm_status_t reduce(MPI_Comm comm, void *value, int count, MPI_Datatype type, MPI_Op op,
                          hm_error_t *err) {
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    return hm_mpi_check(
        MPI_Reduce(rank == 0 ? MPI_IN_PLACE : value, value, count, type, op, 0, comm),
        "putting the ranks' figures together", err);
}

/** The same with an operation and a type of our own; frees the type. */
static hm_status_t reduce_own(MPI_Comm comm, void *value, int count, MPI_Datatype type,
                              MPI_User_function *function, bool commutes, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Op op = MPI_OP_NULL;
    HM_TRY(hm_mpi_check(MPI_Type_commit(&type), "describing figures to MPI", err));
    HM_TRY(hm_mpi_check(MPI_Op_create(function, commutes, &op), "describing figures to MPI", err));
    HM_TRY(reduce(comm, value, count, type, op, err));
cleanup:
    if (op != MPI_OP_NULL) {
        MPI_Op_free(&op);
    }
    MPI_Type_free(&type);
    return status;
}

/** Words in pieces that MPI can count. */
static hm_status_t reduce_words(MPI_Comm comm, uint64_t *word, int64_t count, MPI_Op op,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < count; i += PIECE) {
        const int n = (int)(count - i < PIECE ? count - i : PIECE);
        HM_TRY(reduce(comm, word + i, n, MPI_UINT64_T, op, err));
    }
cleanup:
    return status;
}

hm_status_t hm_reduce_sums(MPI_Comm comm, uint64_t *value, int64_t count, hm_error_t *err) {
    return reduce_words(comm, value, count, MPI_SUM, err);
}

hm_status_t hm_reduce_bits(MPI_Comm comm, uint64_t *bits, int64_t words, hm_error_t *err) {
    return reduce_words(comm, bits, words, MPI_BOR, err);
}

/** Words in a row, as one element. */
static hm_status_t words_type(int words, MPI_Datatype *type, hm_error_t *err) {
    return hm_mpi_check(MPI_Type_contiguous(words, MPI_UINT64_T, type), "describing figures to MPI",
                        err);
}

hm_status_t hm_reduce_wide(MPI_Comm comm, hm_wide_t *value, int64_t count, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < count; i += PIECE) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        const int n = (int)(count - i < PIECE ? count - i : PIECE);
        HM_TRY(words_type(2, &type, err));
        HM_TRY(reduce_own(comm, value + i, n, type, add_wide, true, err));
    }
cleanup:
    return status;
}

hm_status_t hm_reduce_stretch(MPI_Comm comm, hm_stretch_t *stretch, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    HM_TRY(words_type(2, &type, err));
    HM_TRY(reduce_own(comm, stretch, 1, type, append_stretch, false, err));
cleanup:
    return status;
}

hm_status_t hm_reduce_costly(MPI_Comm comm, hm_costly_t *costly, int count, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Datatype list = MPI_DATATYPE_NULL;
    int lengths[] = {1, 2, 1};
    MPI_Aint places[] = {offsetof(hm_costly_t, work), offsetof(hm_costly_t, row),
                         offsetof(hm_costly_t, seconds)};
    MPI_Datatype members[] = {MPI_UINT64_T, MPI_INT64_T, MPI_DOUBLE};
    HM_TRY(hm_mpi_check(MPI_Type_create_struct(3, lengths, places, members, &type),
                        "describing figures to MPI", err));
    status =
        hm_mpi_check(MPI_Type_contiguous(count, type, &list), "describing figures to MPI", err);
    MPI_Type_free(&type);
    HM_TRY(status);
    HM_TRY(reduce_own(comm, costly, 1, list, merge_costly, true, err));
cleanup:
    return status;
}
