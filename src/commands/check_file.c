#include "check_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "hm_dataset.h"

/* Rows read at a time: about this many bytes. */
enum { PIECE_BYTES = 1 << 20 };

/* Sum, inside and CRC-32 of the iterations of the rows that are done. */
static hm_status_t scan(hm_reader_t *reader, const hm_dataset_info_t *info,
                        hm_dataset_result_t *found, hm_error_t *err) {
    int64_t width = info->grid.width;
    int64_t most = PIECE_BYTES / (width * (int64_t)sizeof(uint32_t));
    most = most < 1 ? 1 : most;
    hm_status_t status = HM_OK;
    uint32_t *counts = malloc((size_t)(most * width) * sizeof *counts);
    uint8_t *done = malloc((size_t)most);
    if (!counts || !done) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for %lld rows", (long long)most);
        goto cleanup;
    }
    hm_dataset_result_t r = {.complete = true};
    uLong crc = crc32(0L, Z_NULL, 0);
    for (int64_t first = 0; first < info->grid.height; first += most) {
        int64_t rows = info->grid.height - first < most ? info->grid.height - first : most;
        HM_TRY(hm_reader_rows(reader, HM_CHANNEL_ITERATIONS, first, rows, counts, err));
        HM_TRY(hm_reader_done(reader, first, rows, done, err));
        for (int64_t row = 0; row < rows; ++row) {
            const uint32_t *c = counts + row * width;
            r.complete = r.complete && done[row];
            for (int64_t i = 0; done[row] && i < width; ++i) {
                r.sum += c[i];
                r.inside += c[i] == info->formula.max_iter;
            }
        }
        crc = crc32(crc, (const Bytef *)counts, (uInt)((size_t)(rows * width) * sizeof *counts));
    }
    r.crc32 = (uint32_t)crc;
    *found = r;
cleanup:
    free(counts);
    free(done);
    return status;
}

hm_status_t check_file(const char *path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    char *configuration = NULL;
    hm_dataset_info_t info;
    HM_TRY(hm_reader_open(path, &reader, &info, err));
    HM_TRY(hm_reader_configuration(reader, &configuration, err));
    hm_dataset_result_t found = {0};
    HM_TRY(scan(reader, &info, &found, err));
    printf("# configuration of %s\n%s", path, configuration);
    printf("rows %lld of %lld done\n", (long long)info.rows_done, (long long)info.grid.height);
    if (!info.result.complete) {
        printf("incomplete: no checksum to compare with\n");
        goto cleanup;
    }
    printf("sum %llu\ninside %llu\ncrc32 %08lx\n", (unsigned long long)found.sum,
           (unsigned long long)found.inside, (unsigned long)found.crc32);
    if (!found.complete || found.sum != info.result.sum || found.inside != info.result.inside ||
        found.crc32 != info.result.crc32) {
        status =
            hm_error_set(err, HM_EDATA,
                         "%s: its data are not what it says: stored sum %llu, inside %llu, "
                         "crc32 %08lx",
                         path, (unsigned long long)info.result.sum,
                         (unsigned long long)info.result.inside, (unsigned long)info.result.crc32);
        goto cleanup;
    }
    printf("true: checksum and figures are those of the data\n");
cleanup:
    free(configuration);
    hm_reader_close(reader);
    return status;
}
