/**
 * @file table.h
 * The tables of a data set file whose length changes: one chunk with room for all the rows they may
 * ever have, so that another length is a number changed in place. Inside src/store only.
 */
#ifndef HM_STORE_TABLE_H
#define HM_STORE_TABLE_H

#include "layout.h"

/** Its rows, and how many there is room for (`room` may be NULL). HM_EDATA. */
hm_status_t hm_table_length(hid_t file, const hm_table_t *table, int64_t *length, int64_t *room,
                            hm_error_t *err);

/** Gives it `*rows` rows, or as many as there is room for, which `*rows` then tells. HM_EDATA,
 * HM_EIO. */
hm_status_t hm_table_resize(hid_t file, const hm_table_t *table, int64_t *rows, hm_error_t *err);

/** Writes the numbers of rows [first, first + rows) into the table's dimension scale. HM_EIO. */
hm_status_t hm_table_number(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                            hm_error_t *err);

/** Rows [first, first + rows), structures of table->row_bytes in memory. HM_EDATA when the table in
 * the file is not of exactly this type: HDF5 1.10 trusts offsets of damaged compound types. HM_EIO.
 */
hm_status_t hm_table_write(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                           const void *values, hm_error_t *err);
hm_status_t hm_table_read(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                          void *values, hm_error_t *err);

#endif
