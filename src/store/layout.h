/**
 * @file layout.h
 * What stands where in a data set file: the one table of its objects that making, writing, reading
 * and finishing share. Inside src/store only.
 */
#ifndef HM_STORE_LAYOUT_H
#define HM_STORE_LAYOUT_H

#include "h5.h"
#include "hm_dataset.h"

/** The version of the layout, attribute `format` of the root. Readers refuse a newer one. */
enum { HM_FORMAT = 1 };

enum {
    HM_RANKS_ROOM = 1024,     /**< rows that /run/ranks has room for, at least */
    HM_HISTORY_ROOM = 256,    /**< rows that /run/history has room for */
    HM_FIGURES_ROOM = 1024,   /**< rows that /analysis/figures has room for */
    HM_CONFIGURATION = 60000, /**< longest configuration: an attribute holds less than 64 KiB */
    HM_PIECE = 4096           /**< rows or numbers handled at a time */
};

/** Every channel has four bytes a point: one read or write routine serves all. */
enum { HM_POINT_BYTES = 4 };

/** A channel in the file. */
typedef struct hm_channel_layout_t {
    const char *name, *long_name, *units, *comment;
    hm_h5_number_t number;
} hm_channel_layout_t;

const hm_channel_layout_t *hm_layout_channel(hm_channel_t channel);

/** Number of channels in a mask. */
int hm_layout_channels(uint32_t mask);

/** The accounts of the rows. */
typedef enum hm_row_t {
    HM_ROW_DONE,
    HM_ROW_CRC32,
    HM_ROW_WORK,
    HM_ROW_SECONDS,
    HM_ROW_RANK,
    HM_ROW_COUNT
} hm_row_t;

typedef struct hm_row_layout_t {
    const char *path, *long_name, *units;
    hm_h5_number_t number;
    bool by_channel; /**< [height][channels], else [height] */
} hm_row_layout_t;

const hm_row_layout_t *hm_layout_row(hm_row_t row);

#define HM_PATH_RUN "/run"
#define HM_PATH_ANALYSIS "/analysis"

/** A table of structures whose length changes, and its dimension scale, int32 0, 1, 2, ... */
typedef struct hm_table_t {
    const char *path, *long_name;
    const char *scale, *scale_name;
    size_t row_bytes; /**< of its structure in memory */
    /** Makes the compound type: in the file packed and little-endian, in memory as the compiler
     * lays it out. The caller closes both. */
    hm_status_t (*types)(hid_t *file, hid_t *memory, hm_error_t *err);
} hm_table_t;

const hm_table_t *hm_layout_ranks(void);   /**< of hm_rank_account_t */
const hm_table_t *hm_layout_history(void); /**< of hm_session_t */
const hm_table_t *hm_layout_figures(void); /**< of hm_finding_t */

/** Opens a file beside HDF5, and before it: HM_EIO when the system does not let us, HM_EDATA when
 * it is a folder or a device. The caller closes it. */
hm_status_t hm_layout_descriptor(const char *path, bool write, int *descriptor, hm_error_t *err);

/** HDF5 could not open a file that the system lets us open: HM_EDATA. */
hm_status_t hm_layout_refuse(const char *path, hm_error_t *err);

/** Opens a dataset and checks that it has `rank` dimensions `shape` and numbers of this type;
 * HM_EDATA. */
hm_status_t hm_layout_open(hid_t file, const char *path, hm_h5_number_t number, int rank,
                           const hsize_t *shape, hid_t *dataset, hm_error_t *err);

/**
 * Reads or writes (`write`) rows [first, first + rows) of a dataset [..][columns] (columns 0: of
 * one dimension), in requests of at most 256 MiB so that no count overflows below HDF5. HM_EIO.
 */
hm_status_t hm_layout_transfer(hid_t dataset, hm_h5_number_t number, int64_t first, int64_t rows,
                               int64_t columns, bool write, void *values, hm_error_t *err);

/** Reads columns [column, column + columns) of rows [first, first + rows), at most 256 MiB, of a
 * dataset of two dimensions. HM_EIO. */
hm_status_t hm_layout_read_part(hid_t dataset, hm_h5_number_t number, int64_t first, int64_t rows,
                                int64_t column, int64_t columns, void *values, hm_error_t *err);

#endif
