/**
 * @file hm_csv.h
 * Comma-separated values, strictly after RFC 4180: a header, then rows of as many fields; fields in
 * double quotes may hold commas, line ends and doubled quotes. UTF-8; a mark in front of it and
 * carriage returns are taken, empty lines skipped. Anything else is refused with its line, never
 * guessed at.
 */
#ifndef HM_CSV_H
#define HM_CSV_H

#include <stdint.h>

#include "hm_error.h"

/** Limits: of the file in bytes, of the fields in a row. */
enum { HM_CSV_FILE = 1 << 26, HM_CSV_COLUMNS = 256 };

/** A file read. Made by hm_csv_read(), freed by hm_csv_free(). */
typedef struct hm_csv_t {
    char *memory;  /**< what the fields point into; owned */
    char **field;  /**< [1 + rows][columns], row-major: the header, then the rows; owned */
    int64_t *line; /**< [1 + rows] the line that each begins on, 1 being the first; owned */
    int64_t rows;  /**< without the header */
    int columns;
} hm_csv_t;

/**
 * Reads a file. HM_EIO: it cannot be read. HM_EDATA: larger than HM_CSV_FILE, no header, a column
 * without name or two of the same, a row with more or fewer fields, a quote where none may be or
 * that does not end, control characters: the message names file and line. HM_EMISSING: out of
 * memory.
 */
hm_status_t hm_csv_read(const char *path, hm_csv_t *csv, hm_error_t *err);
void hm_csv_free(hm_csv_t *csv);

/** The column called `name`, or -1. */
int hm_csv_column(const hm_csv_t *csv, const char *name);

/** The text in row `row` (0 is the first below the header) and column `column`. */
const char *hm_csv_text(const hm_csv_t *csv, int64_t row, int column);

#endif
