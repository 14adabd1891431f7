/**
 * @file hm_field.h
 * A field: real numbers at the points of a data set, or at every n-th point of every n-th row,
 * added to its file when that is complete, as /NAME [rows][columns] of float64 with dimension
 * scales. What has been derived from the channels lives beside them.
 *
 * Safe against kill. The headers of an HDF5 file cannot be changed in one step, so the file itself
 * is never touched: all ranks copy it, each its share of the bytes, the field is added to the copy,
 * and at last the copy takes the file's name. Killed at any instant, the old file is there as it
 * was (and a hidden .NAME.part beside it to be removed); until the end the disk holds both. File
 * systems that share blocks between copies (Btrfs, XFS) copy nothing.
 *
 * A field of the same name that is there already is replaced: in its own place when it has the same
 * shape and attributes; otherwise its space stays in the file, until h5repack copies it.
 */
#ifndef HM_FIELD_H
#define HM_FIELD_H

#include <mpi.h>
#include <stdint.h>

#include "hm_dataset.h"
#include "hm_error.h"

/** A key and its number, for attributes of the field. */
typedef struct hm_number_t {
    const char *key;
    double value;
} hm_number_t;

/** What a field is. Borrowed pointers. */
typedef struct hm_field_plan_t {
    const char *name; /**< "potential"; its scales are re and im, or with a step above 1 NAME_re and
                         NAME_im */
    const char *long_name, *units, *comment;
    int64_t step; /**< >= 1: every step-th point of every step-th row, from the first on */
    const hm_number_t *numbers; /**< [number_count] attributes */
    int number_count;
    const hm_attribute_t *texts; /**< [text_count] attributes of at most 127 bytes */
    int text_count;
} hm_field_plan_t;

typedef struct hm_field_t hm_field_t;

/**
 * Copies the file and makes room for the field. Collective over `comm`, which must live until
 * hm_field_close(); all ranks return the same kind of outcome: HM_OK, or failures. Rows that are
 * not written afterwards hold rubbish. HM_EDATA: not a complete data set file. HM_ECREATE: no room,
 * or the folder takes no new file. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_field_open(const char *path, MPI_Comm comm, const hm_field_plan_t *plan,
                          hm_field_t **field, hm_error_t *err);

/** Writes rows [first, first + rows) of the field, values[rows][columns]. Independent. HM_EIO. */
hm_status_t hm_field_write(hm_field_t *field, int64_t first, int64_t rows, const double *values,
                           hm_error_t *err);

/**
 * With `keep` forces the copy to the disk, seals it and gives it the file's name; else removes it.
 * Collective, `keep` the same on all ranks; frees `field` also on failure, after which the old file
 * is there. NULL: does nothing (on all ranks). HM_EIO.
 */
hm_status_t hm_field_close(hm_field_t *field, bool keep, hm_error_t *err);

#endif
