/**
 * @file dataset_sample.h
 * What the tests of the data set file share: a folder of their own, and data that a formula of row
 * and column gives, so that any row can be checked by itself.
 */
#ifndef HM_TEST_DATASET_SAMPLE_H
#define HM_TEST_DATASET_SAMPLE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "hm_dataset.h"

enum { SAMPLE_MAX_ITER = 1000 };

/** A plan for width x height points with these channels. */
static inline hm_dataset_plan_t sample_plan(int64_t width, int64_t height, uint32_t channels) {
    hm_dataset_plan_t plan = {.channels = channels, .configuration = "max-iter = 1000\n"};
    plan.grid.width = width;
    plan.grid.height = height;
    plan.grid.re0 = -2;
    plan.grid.re_step = 3.0 / (double)width;
    plan.grid.im0 = 1;
    plan.grid.im_step = -2.0 / (double)height;
    plan.formula.max_iter = SAMPLE_MAX_ITER;
    plan.formula.bailout = 2;
    return plan;
}

/** What stands at a point of a channel, as the four bytes in the file. */
static inline uint32_t sample_value(hm_channel_t channel, int64_t row, int64_t column) {
    const uint64_t mixed =
        ((uint64_t)row * 2654435761u + (uint64_t)column * 40503u) ^ (uint64_t)channel * 977u;
    const uint32_t number = (uint32_t)(mixed % (SAMPLE_MAX_ITER + 1));
    if (channel == HM_CHANNEL_SMOOTH || channel == HM_CHANNEL_DISTANCE) {
        const float real = (float)number + 0.25f;
        uint32_t bits;
        memcpy(&bits, &real, sizeof bits);
        return bits;
    }
    return number;
}

static inline void sample_row(hm_channel_t channel, int64_t row, int64_t width, uint32_t *values) {
    for (int64_t column = 0; column < width; ++column) {
        values[column] = sample_value(channel, row, column);
    }
}

/** zlib's CRC of a row; little-endian machines only, as all that run these tests. */
static inline uint32_t sample_crc(hm_channel_t channel, int64_t row, int64_t width) {
    uint32_t *values = malloc((size_t)width * sizeof *values);
    sample_row(channel, row, width, values);
    const uint32_t crc =
        (uint32_t)crc32(crc32(0, Z_NULL, 0), (const Bytef *)values, (uInt)(width * 4));
    free(values);
    return crc;
}

/** What a finished sample must say of itself, computed in one go over the whole image. */
static inline hm_dataset_result_t sample_result(int64_t width, int64_t height) {
    hm_dataset_result_t result = {.complete = true};
    uint32_t *values = malloc((size_t)width * sizeof *values);
    uLong crc = crc32(0, Z_NULL, 0);
    for (int64_t row = 0; row < height; ++row) {
        sample_row(HM_CHANNEL_ITERATIONS, row, width, values);
        crc = crc32(crc, (const Bytef *)values, (uInt)(width * 4));
        for (int64_t column = 0; column < width; ++column) {
            result.sum += values[column];
            result.inside += values[column] == SAMPLE_MAX_ITER ? 1 : 0;
        }
    }
    free(values);
    result.crc32 = (uint32_t)crc;
    return result;
}

/** Writes rows [first, first + rows) of the sample. */
static inline hm_status_t sample_write(hm_dataset_t *dataset, uint32_t channels, int64_t width,
                                       int64_t first, int64_t rows, int32_t rank, hm_error_t *err) {
    hm_band_data_t band = {.first = first, .rows = rows, .rank = rank};
    uint32_t *values[HM_CHANNEL_COUNT] = {NULL};
    uint64_t *work = malloc((size_t)rows * sizeof *work);
    double *seconds = malloc((size_t)rows * sizeof *seconds);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((channels >> channel) & 1u) {
            values[channel] = malloc((size_t)(rows * width) * sizeof *values[channel]);
            for (int64_t row = 0; row < rows; ++row) {
                sample_row((hm_channel_t)channel, first + row, width,
                           values[channel] + row * width);
            }
            band.channel[channel] = values[channel];
        }
    }
    for (int64_t row = 0; row < rows; ++row) {
        work[row] = (uint64_t)(first + row) * 10;
        seconds[row] = (double)(first + row) / 8;
    }
    band.work = work;
    band.seconds = seconds;
    const hm_status_t status = hm_dataset_write_band(dataset, &band, err);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        free(values[channel]);
    }
    free(work);
    free(seconds);
    return status;
}

/** Creates, writes and finishes a sample in bands of `band` rows, last band first. */
static inline hm_status_t sample_whole(const char *path, int64_t width, int64_t height,
                                       uint32_t channels, int64_t band, hm_dataset_result_t *result,
                                       hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_dataset_t *dataset = NULL;
    const hm_dataset_plan_t plan = sample_plan(width, height, channels);
    HM_TRY(hm_dataset_create(path, &plan, err));
    HM_TRY(hm_dataset_open(path, MPI_COMM_SELF, &dataset, err));
    for (int64_t first = (height - 1) / band * band; first >= 0; first -= band) {
        const int64_t rows = height - first < band ? height - first : band;
        HM_TRY(sample_write(dataset, channels, width, first, rows, 3, err));
    }
    HM_TRY(hm_dataset_flush(dataset, err));
    HM_TRY(hm_dataset_close(dataset, err));
    dataset = NULL;
    *result = sample_result(width, height);
    result->crc32 = 0;
    result->complete = false;
    result->seconds = 1.5;
    HM_TRY(hm_dataset_finish(path, NULL, 0, result, err));
cleanup:
    (void)hm_dataset_close(dataset, NULL);
    return status;
}

/** Whether rows [first, first + rows) of a channel hold the sample. */
static inline bool sample_holds(hm_reader_t *reader, hm_channel_t channel, int64_t width,
                                int64_t first, int64_t rows) {
    bool same = true;
    uint32_t *found = malloc((size_t)(rows * width) * sizeof *found);
    uint32_t *wanted = malloc((size_t)width * sizeof *wanted);
    same = hm_reader_rows(reader, channel, first, rows, found, NULL) == HM_OK;
    for (int64_t row = 0; row < rows && same; ++row) {
        sample_row(channel, first + row, width, wanted);
        same = memcmp(found + row * width, wanted, (size_t)width * sizeof *wanted) == 0;
    }
    free(found);
    free(wanted);
    return same;
}

#endif
