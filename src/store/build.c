/** @file build.c Making a data set file: whole, empty, in a time that does not depend on its size.
 */
#include "build.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_clock.h"
#include "layout.h"
#include "seal.h"
#include "table.h"

enum {
    /** All metadata stand together at the front: one read brings them, and no raw data lie between.
     * The configuration comes on top. */
    METADATA_BLOCK = 65536
};

/** What building a file needs at every step. */
typedef struct builder_t {
    hid_t file;
    hid_t re, im, channel; /**< dimension scales */
    const hm_dataset_plan_t *plan;
    const hm_chunks_t *chunks; /**< NULL: contiguous channels */
    int unwritten;             /**< errno of what could not be written */
} builder_t;

/** Creation properties of every dataset: allocated now, never filled; and without times of change,
 * so that writing data touches no header. */
static hid_t reserved(void) {
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties >= 0 && (H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) < 0 ||
                            H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER) < 0 ||
                            H5Pset_obj_track_times(properties, false) < 0)) {
        hm_h5_close(&properties);
    }
    return properties;
}

/** Contiguous, or in compressed chunks; these take their space when they are written. */
static hid_t storage(hm_h5_number_t number, const void *fill, const hm_chunks_t *chunks) {
    hid_t properties = reserved();
    bool good = properties >= 0;
    if (good && chunks) {
        good = H5Pset_chunk(properties, 2, chunks->shape) >= 0 && H5Pset_shuffle(properties) >= 0 &&
               H5Pset_deflate(properties, chunks->level) >= 0 &&
               H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR) >= 0;
    } else if (good) {
        good = H5Pset_layout(properties, H5D_CONTIGUOUS) >= 0;
    }
    if (good && fill) {
        good = H5Pset_fill_value(properties, hm_h5_memory_type(number), fill) >= 0;
    }
    if (!good) {
        hm_h5_close(&properties);
    }
    return properties;
}

static hm_status_t describe(hid_t dataset, const char *long_name, const char *units,
                            hm_error_t *err) {
    hm_status_t status = hm_h5_put_text(dataset, "long_name", long_name, 0, err);
    return status == HM_OK ? hm_h5_put_text(dataset, "units", units, 0, err) : status;
}

hm_status_t hm_build_numbers(hid_t file, const char *path, hm_h5_number_t number, int64_t rows,
                             int64_t columns, const void *fill, const hm_chunks_t *chunks,
                             const char *long_name, const char *units, hid_t *made,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t shape[2] = {(hsize_t)rows, (hsize_t)columns};
    hid_t dataset = H5I_INVALID_HID;
    hid_t properties = storage(number, fill, chunks);
    hid_t space = H5Screate_simple(columns > 0 ? 2 : 1, shape, NULL);
    if (properties >= 0 && space >= 0) {
        dataset = H5Dcreate2(file, path, hm_h5_file_type(number), space, H5P_DEFAULT, properties,
                             H5P_DEFAULT);
    }
    if (dataset < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s", path));
    }
    HM_TRY(describe(dataset, long_name, units, err));
    *made = dataset;
    dataset = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&space);
    hm_h5_close(&properties);
    hm_h5_close(&dataset);
    return status;
}

hm_status_t hm_build_attach(hid_t dataset, hid_t scale, unsigned dimension, hm_error_t *err) {
    return H5DSattach_scale(dataset, scale, dimension) < 0
               ? hm_h5_fail(err, HM_ECREATE, "cannot attach a dimension scale")
               : HM_OK;
}

/** A coordinate: numbers and their role as a dimension scale. */
static hm_status_t make_coordinate(const builder_t *b, const char *name, const char *long_name,
                                   int64_t count,
                                   void (*fill)(const hm_grid_t *, int64_t, int64_t, double *),
                                   hid_t *made, hm_error_t *err) {
    hm_status_t status = HM_OK;
    double piece[HM_PIECE];
    hid_t dataset = H5I_INVALID_HID;
    HM_TRY(hm_build_numbers(b->file, name, HM_H5_F64, count, 0, NULL, NULL, long_name, "1",
                            &dataset, err));
    if (H5DSset_scale(dataset, name) < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s a dimension scale", name));
    }
    for (int64_t first = 0; first < count; first += HM_PIECE) {
        const int64_t n = count - first < HM_PIECE ? count - first : HM_PIECE;
        fill(&b->plan->grid, first, n, piece);
        HM_TRY(hm_layout_transfer(dataset, HM_H5_F64, first, n, 0, true, piece, err));
    }
    *made = dataset;
    dataset = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&dataset);
    return status;
}

static hm_status_t make_channel(const builder_t *b, hm_channel_t channel, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_channel_layout_t *layout = hm_layout_channel(channel);
    const uint32_t no_count = UINT32_MAX;
    const float no_number = NAN;
    const void *fill = layout->number == HM_H5_F32 ? (const void *)&no_number : &no_count;
    hid_t dataset = H5I_INVALID_HID;
    HM_TRY(hm_build_numbers(b->file, layout->name, layout->number, b->plan->grid.height,
                            b->plan->grid.width, fill, b->chunks, layout->long_name, layout->units,
                            &dataset, err));
    HM_TRY(hm_h5_put(dataset, "_FillValue", layout->number, fill, err));
    HM_TRY(hm_h5_put_text(dataset, "comment", layout->comment, 0, err));
    HM_TRY(hm_build_attach(dataset, b->im, 0, err));
    HM_TRY(hm_build_attach(dataset, b->re, 1, err));
cleanup:
    hm_h5_close(&dataset);
    return status;
}

/**
 * /rows/channel: which channel a column of /rows/crc32 is of, and its dimension scale. Numbers with
 * their meanings, as the CF conventions have it: netCDF-C 4.9.0 breaks on texts of fixed length.
 */
static hm_status_t make_channel_numbers(builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    char meanings[128] = "";
    int32_t numbers[HM_CHANNEL_COUNT];
    int count = 0;
    hid_t dataset = H5I_INVALID_HID;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((b->plan->channels >> channel) & 1u) {
            const size_t length = strlen(meanings);
            snprintf(meanings + length, sizeof meanings - length, "%s%s", length ? " " : "",
                     hm_channel_name((hm_channel_t)channel));
            numbers[count++] = channel;
        }
    }
    HM_TRY(hm_build_numbers(b->file, "/rows/channel", HM_H5_I32, count, 0, NULL, NULL, "channel",
                            "1", &dataset, err));
    if (H5DSset_scale(dataset, "channel") < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make /rows/channel a dimension scale"));
    }
    HM_TRY(hm_layout_transfer(dataset, HM_H5_I32, 0, count, 0, true, numbers, err));
    HM_TRY(hm_h5_put_many(dataset, "flag_values", HM_H5_I32, count, numbers, err));
    HM_TRY(hm_h5_put_text(dataset, "flag_meanings", meanings, 0, err));
    b->channel = dataset;
    dataset = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&dataset);
    return status;
}

static hm_status_t make_rows(builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t dataset = H5I_INVALID_HID;
    hid_t group = H5Gcreate2(b->file, "/rows", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make /rows"));
    }
    HM_TRY(make_channel_numbers(b, err));
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        const hm_row_layout_t *layout = hm_layout_row((hm_row_t)row);
        const int columns = layout->by_channel ? hm_layout_channels(b->plan->channels) : 0;
        HM_TRY(hm_build_numbers(b->file, layout->path, layout->number, b->plan->grid.height,
                                columns, NULL, NULL, layout->long_name, layout->units, &dataset,
                                err));
        HM_TRY(hm_build_attach(dataset, b->im, 0, err));
        if (layout->by_channel) {
            HM_TRY(hm_build_attach(dataset, b->channel, 1, err));
        }
        hm_h5_close(&dataset);
    }
cleanup:
    hm_h5_close(&dataset);
    hm_h5_close(&group);
    return status;
}

/**
 * A table whose length changes later: one chunk, allocated now, that holds all the rows it may ever
 * have, so that a longer table is a number changed in place.
 */
static hm_status_t make_table(const builder_t *b, const char *path, hid_t type, int64_t rows,
                              int64_t room, const char *long_name, hid_t *made, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t length = (hsize_t)rows;
    const hsize_t most = (hsize_t)room;
    hid_t dataset = H5I_INVALID_HID;
    hid_t space = H5Screate_simple(1, &length, &most);
    hid_t properties = reserved();
    if (space >= 0 && properties >= 0 && H5Pset_chunk(properties, 1, &most) >= 0) {
        dataset = H5Dcreate2(b->file, path, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    }
    if (dataset < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s", path));
    }
    HM_TRY(hm_h5_put_text(dataset, "long_name", long_name, 0, err));
    *made = dataset;
    dataset = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&properties);
    hm_h5_close(&space);
    hm_h5_close(&dataset);
    return status;
}

/** A table of structures and, as netCDF readers want one, its dimension scale: the rows' numbers.
 */
static hm_status_t make_scaled_table(const builder_t *b, const hm_table_t *table, int64_t rows,
                                     int64_t room, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t file_type = H5I_INVALID_HID;
    hid_t memory_type = H5I_INVALID_HID;
    hid_t dataset = H5I_INVALID_HID;
    hid_t scale = H5I_INVALID_HID;
    HM_TRY(table->types(&file_type, &memory_type, err));
    HM_TRY(make_table(b, table->scale, H5T_STD_I32LE, rows, room, table->scale_name, &scale, err));
    HM_TRY(hm_h5_put_text(scale, "units", "1", 0, err));
    if (H5DSset_scale(scale, strrchr(table->scale, '/') + 1) < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s a dimension scale", table->scale));
    }
    HM_TRY(make_table(b, table->path, file_type, rows, room, table->long_name, &dataset, err));
    HM_TRY(hm_build_attach(dataset, scale, 0, err));
    HM_TRY(hm_table_number(b->file, table, 0, rows, err));
cleanup:
    hm_h5_close(&scale);
    hm_h5_close(&dataset);
    hm_h5_close(&memory_type);
    hm_h5_close(&file_type);
    return status;
}

static hm_status_t make_tables(const builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_session_t session = {.ranks = 1, .threads = 1};
    if (b->plan->session) {
        session = *b->plan->session;
    } else {
        hm_clock_iso8601(session.start, sizeof session.start);
    }
    const int64_t ranks = session.ranks > 0 ? session.ranks : 1;
    HM_TRY(make_scaled_table(b, hm_layout_ranks(), ranks,
                             4 * ranks > HM_RANKS_ROOM ? 4 * ranks : HM_RANKS_ROOM, err));
    HM_TRY(make_scaled_table(b, hm_layout_history(), 1, HM_HISTORY_ROOM, err));
    HM_TRY(hm_table_write(b->file, hm_layout_history(), 0, 1, &session, err));
cleanup:
    return status;
}

/** Room for the figures of an analysis: so that none has to be made in a file that holds data. */
static hm_status_t make_analysis(const builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const uint8_t no = 0;
    const hm_finding_t none = {.section = "none"};
    hid_t group = H5Gcreate2(b->file, HM_PATH_ANALYSIS, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s", HM_PATH_ANALYSIS));
    }
    HM_TRY(hm_h5_put(group, "valid", HM_H5_U8, &no, err));
    /* One row: a table without any would have no chunk, which would then be made behind the seal.
     */
    HM_TRY(make_scaled_table(b, hm_layout_figures(), 1, HM_FIGURES_ROOM, err));
    HM_TRY(hm_table_write(b->file, hm_layout_figures(), 0, 1, &none, err));
cleanup:
    hm_h5_close(&group);
    return status;
}

/** The attributes of /run: what was asked for, by whom, and room for what comes out. */
static hm_status_t make_run(const builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_grid_t *grid = &b->plan->grid;
    const hm_formula_t *formula = &b->plan->formula;
    const uint8_t no = 0;
    const uint8_t julia = formula->julia ? 1 : 0;
    const uint8_t fine = grid->fine ? 1 : 0;
    const uint32_t crc32 = 0;
    const uint64_t count = 0;
    const double seconds = 0;
    hid_t run = H5Gcreate2(b->file, HM_PATH_RUN, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot make %s", HM_PATH_RUN));
    }
    HM_TRY(hm_h5_put(run, "complete", HM_H5_U8, &no, err));
    HM_TRY(hm_h5_put(run, "crc32", HM_H5_U32, &crc32, err));
    HM_TRY(hm_h5_put(run, "sum", HM_H5_U64, &count, err));
    HM_TRY(hm_h5_put(run, "inside", HM_H5_U64, &count, err));
    HM_TRY(hm_h5_put(run, "seconds", HM_H5_F64, &seconds, err));
    HM_TRY(hm_h5_put(run, "total_seconds", HM_H5_F64, &seconds, err));
    HM_TRY(hm_h5_put(run, "re0", HM_H5_F64, &grid->re0, err));
    HM_TRY(hm_h5_put(run, "re_step", HM_H5_F64, &grid->re_step, err));
    HM_TRY(hm_h5_put(run, "im0", HM_H5_F64, &grid->im0, err));
    HM_TRY(hm_h5_put(run, "im_step", HM_H5_F64, &grid->im_step, err));
    HM_TRY(hm_h5_put_text(run, "coords",
                          grid->coords == HM_COORDS_ACCUMULATED ? "accumulated" : "exact", 0, err));
    HM_TRY(hm_h5_put(run, "fine", HM_H5_U8, &fine, err));
    HM_TRY(hm_h5_put(run, "max_iter", HM_H5_U32, &formula->max_iter, err));
    HM_TRY(hm_h5_put(run, "bailout", HM_H5_F64, &formula->bailout, err));
    HM_TRY(hm_h5_put_text(run, "arith", formula->arith == HM_ARITH_FMA ? "fma" : "ieee", 0, err));
    HM_TRY(hm_h5_put_text(run, "interior", formula->interior == HM_INTERIOR_NONE ? "none" : "exact",
                          0, err));
    HM_TRY(hm_h5_put(run, "julia", HM_H5_U8, &julia, err));
    HM_TRY(hm_h5_put(run, "julia_re", HM_H5_F64, &formula->julia_re, err));
    HM_TRY(hm_h5_put(run, "julia_im", HM_H5_F64, &formula->julia_im, err));
    HM_TRY(hm_h5_put_text(run, "configuration",
                          b->plan->configuration ? b->plan->configuration : "", 0, err));
    for (int i = 0; i < b->plan->attribute_count; ++i) {
        const hm_attribute_t *attribute = &b->plan->attributes[i];
        HM_TRY(
            hm_h5_put_text(run, attribute->key, attribute->value ? attribute->value : "", 0, err));
    }
cleanup:
    hm_h5_close(&run);
    return status;
}

static hm_status_t make_root(const builder_t *b, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int32_t format = HM_FORMAT;
    char now[32];
    char history[96];
    hid_t root = H5Gopen2(b->file, "/", H5P_DEFAULT);
    if (root < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot open the root of the new file"));
    }
    hm_clock_iso8601(now, sizeof now);
    snprintf(history, sizeof history, "%s: created by hpcmandel", now);
    HM_TRY(hm_h5_put(root, "format", HM_H5_I32, &format, err));
    HM_TRY(hm_h5_put_text(root, "title",
                          b->plan->formula.julia ? "Escape times of a Julia set"
                                                 : "Escape times of the Mandelbrot set",
                          0, err));
    HM_TRY(hm_h5_put_text(root, "source", "hpcmandel", 0, err));
    HM_TRY(hm_h5_put_text(root, "history", history, 0, err));
cleanup:
    hm_h5_close(&root);
    return status;
}

hm_status_t hm_build(const char *path, const hm_dataset_plan_t *plan, const hm_chunks_t *chunks,
                     hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_seal_t seal;
    builder_t b = {
        H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, plan, chunks, 0};
    const size_t metadata =
        METADATA_BLOCK + (plan->configuration ? strlen(plan->configuration) : 0);
    const int64_t alignment = plan->alignment ? plan->alignment : HM_PAGE;
    hid_t access = hm_h5_writing_access(&b.unwritten);
    if (access < 0 || H5Pset_meta_block_size(access, metadata) < 0 ||
        H5Pset_alignment(access, HM_PAGE, (hsize_t)alignment) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EBUG, "cannot prepare a new file"));
    }
    b.file = H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, access);
    if (b.file < 0) {
        HM_TRY(hm_h5_fail(err, HM_ECREATE, "cannot create a file"));
    }
    HM_TRY(make_root(&b, err));
    HM_TRY(make_coordinate(&b, "re", "real part", plan->grid.width, hm_grid_re, &b.re, err));
    HM_TRY(make_coordinate(&b, "im", "imaginary part", plan->grid.height, hm_grid_im, &b.im, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((plan->channels >> channel) & 1u) {
            HM_TRY(make_channel(&b, (hm_channel_t)channel, err));
        }
    }
    HM_TRY(make_rows(&b, err));
    HM_TRY(make_run(&b, err));
    HM_TRY(make_tables(&b, err));
    HM_TRY(make_analysis(&b, err));
    if (!chunks) {
        HM_TRY(hm_seal_make(b.file, err));
        HM_TRY(hm_seal_plan(b.file, &seal, err));
    }
    hm_h5_close(&b.channel);
    hm_h5_close(&b.im);
    hm_h5_close(&b.re);
    /* Closing writes the metadata: it may fail, and then the file is none. */
    HM_TRY(hm_h5_shut(&b.file, &b.unwritten, "cannot write the headers of a new file", err));
    if (!chunks) {
        HM_TRY(hm_seal_new(path, &seal, err));
    }
cleanup:
    hm_h5_close(&b.channel);
    hm_h5_close(&b.im);
    hm_h5_close(&b.re);
    hm_h5_close(&b.file);
    hm_h5_close(&access);
    return status;
}
