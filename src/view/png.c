#include <errno.h>
#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_picture.h"
#include "hm_replace.h"

/*
 * libpng reports failure by a jump. All of its functions that can fail are called in the
 * functions here that set the jump, one libpng phase each, without locals that live across it.
 */

/* Texts a picture may carry: title, software, and a few more. */
enum { MOST_TEXTS = 8 };

struct hm_png_t {
    char *path;
    hm_replace_t file;
    png_structp png;
    png_infop info;
    png_text texts[MOST_TEXTS]; /* key and text owned */
    int text_count;
    int64_t width, height;
    int64_t rows; /* so far */
    bool begun;   /* the header is out */
    bool failed;
    bool no_memory;
    int write_error;   /* errno of a failed write, 0: none */
    jmp_buf failure;   /* where on_error() goes */
    char message[256]; /* libpng's */
};

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    hm_png_t *self = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) {
        self->no_memory = true;
    }
    return memory;
}

static void release(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static PNG_NORETURN void on_error(png_structp png, png_const_charp message) {
    hm_png_t *self = png_get_error_ptr(png);
    snprintf(self->message, sizeof self->message, "%s", message);
    longjmp(self->failure, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_write(png_structp png, png_bytep data, size_t size) {
    hm_png_t *self = png_get_io_ptr(png);
    while (size > 0) {
        const ssize_t written = write(fileno(self->file.out), data, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            self->write_error = written < 0 ? errno : EIO;
            png_error(png, "write failed");
        }
        data += written;
        size -= (size_t)written;
    }
}

static void on_flush(png_structp png) {
    (void)png;
}

/* The failure that libpng jumped out with. */
static hm_status_t failure(hm_png_t *self, hm_error_t *err) {
    self->failed = true;
    if (self->write_error != 0) {
        return hm_error_errno(err, HM_EIO, self->write_error, "cannot write picture '%s'",
                              self->path);
    }
    if (self->no_memory) {
        return hm_error_set(err, HM_EMISSING, "out of memory for picture '%s', %" PRId64 " wide",
                            self->path, self->width);
    }
    return hm_error_set(err, HM_EIO, "cannot write picture '%s': libpng: %s", self->path,
                        self->message);
}

/* Makes libpng's structures. */
static hm_status_t prepare(hm_png_t *self, hm_error_t *err) {
    if (setjmp(self->failure)) {
        return failure(self, err);
    }
    self->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning, self,
                                          allocate, release);
    if (!self->png) {
        return hm_error_set(err, HM_EMISSING,
                            "libpng cannot start: out of memory, or not the "
                            "version this program was built with");
    }
    self->info = png_create_info_struct(self->png);
    if (!self->info) {
        return hm_error_set(err, HM_EMISSING, "out of memory for picture '%s'", self->path);
    }
    png_set_write_fn(self->png, self, on_write, on_flush);
    png_set_user_limits(self->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(self->png, self->info, (png_uint_32)self->width, (png_uint_32)self->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(self->png, self->info, PNG_sRGB_INTENT_PERCEPTUAL);
    /* Measured on views of counts and of smooth values: without filters files are a tenth to a
     * third smaller; level 3 takes half the time of level 6 and makes them 5 to 10 % smaller where
     * there is much detail, 10 to 20 % larger where there is little. */
    png_set_filter(self->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
    png_set_compression_level(self->png, 3);
    png_set_compression_buffer_size(self->png, 1 << 16);
    return HM_OK;
}

static hm_status_t begin(hm_png_t *self, hm_error_t *err) {
    if (setjmp(self->failure)) {
        return failure(self, err);
    }
    if (self->text_count > 0) {
        png_set_text(self->png, self->info, self->texts, self->text_count);
    }
    png_write_info(self->png, self->info);
    self->begun = true;
    return HM_OK;
}

static hm_status_t put_row(hm_png_t *self, const uint8_t *rgb, hm_error_t *err) {
    if (setjmp(self->failure)) {
        return failure(self, err);
    }
    png_write_row(self->png, rgb);
    ++self->rows;
    return HM_OK;
}

static hm_status_t finish(hm_png_t *self, hm_error_t *err) {
    if (setjmp(self->failure)) {
        return failure(self, err);
    }
    png_write_end(self->png, NULL);
    return HM_OK;
}

/* Frees everything, and removes a file that was not kept. */
static void discard(hm_png_t *self) {
    if (self->png) {
        png_destroy_write_struct(&self->png, &self->info);
    }
    hm_replace_close(&self->file, false, NULL);
    for (int k = 0; k < self->text_count; ++k) {
        free(self->texts[k].key);
        free(self->texts[k].text);
    }
    free(self->path);
    free(self);
}

hm_status_t hm_png_open(const char *path, int64_t width, int64_t height, hm_png_t **png,
                        hm_error_t *err) {
    const int64_t most = PNG_UINT_31_MAX;
    if (width < 1 || height < 1 || width > most || height > most) {
        return hm_error_set(err, HM_EUSAGE,
                            "a picture of %" PRId64 " x %" PRId64
                            " is not possible: PNG allows 1 to %" PRId64 " pixels a side",
                            width, height, most);
    }
    hm_png_t *self = calloc(1, sizeof *self);
    if (!self) {
        return hm_error_set(err, HM_EMISSING, "out of memory");
    }
    hm_status_t status = HM_OK;
    self->width = width;
    self->height = height;
    self->path = strdup(path);
    if (!self->path) {
        status = hm_error_set(err, HM_EMISSING, "out of memory");
        goto cleanup;
    }
    HM_TRY(prepare(self, err));
    HM_TRY(hm_replace_open(path, &self->file, err));
    *png = self;

cleanup:
    if (status != HM_OK) {
        discard(self);
    }
    return status;
}

hm_status_t hm_png_text(hm_png_t *png, const char *key, const char *text, hm_error_t *err) {
    if (png->begun || png->text_count == MOST_TEXTS) {
        return hm_error_set(err, HM_EBUG, "text '%s' comes too late, or is one too many", key);
    }
    png_text entry = {
        .compression = PNG_ITXT_COMPRESSION_NONE, .key = strdup(key), .text = strdup(text)};
    if (!entry.key || !entry.text) {
        free(entry.key);
        free(entry.text);
        return hm_error_set(err, HM_EMISSING, "out of memory");
    }
    png->texts[png->text_count++] = entry;
    return HM_OK;
}

hm_status_t hm_png_row(hm_png_t *png, const uint8_t *rgb, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (png->rows == png->height) {
        png->failed = true;
        return hm_error_set(err, HM_EBUG, "picture '%s' has only %" PRId64 " rows", png->path,
                            png->height);
    }
    if (!png->begun) {
        HM_TRY(begin(png, err));
    }
    HM_TRY(put_row(png, rgb, err));

cleanup:
    return status;
}

hm_status_t hm_png_close(hm_png_t *png, int keep, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (!png || !keep || png->failed) {
        goto cleanup;
    }
    if (png->rows < png->height) {
        status = hm_error_set(err, HM_EBUG, "picture '%s' got %" PRId64 " of %" PRId64 " rows",
                              png->path, png->rows, png->height);
        goto cleanup;
    }
    HM_TRY(finish(png, err));
    HM_TRY(hm_replace_close(&png->file, true, err));

cleanup:
    if (png) {
        discard(png);
    }
    return status;
}

hm_status_t hm_png_label(hm_png_t *png, const char *title, const char *description,
                         hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_png_text(png, "Software", "hpcmandel", err));
    HM_TRY(hm_png_text(png, "Title", title, err));
    if (description) {
        HM_TRY(hm_png_text(png, "Description", description, err));
    }
cleanup:
    return status;
}

hm_status_t hm_png_draw(const char *path, int64_t width, int64_t height, const char *title,
                        const char *description, hm_png_row_t paint, void *context,
                        hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_png_t *png = NULL;
    const uint8_t *rgb = NULL;
    HM_TRY(hm_png_open(path, width, height, &png, err));
    HM_TRY(hm_png_label(png, title, description, err));
    for (int64_t row = 0; row < height; ++row) {
        HM_TRY(paint(context, row, &rgb, err));
        HM_TRY(hm_png_row(png, rgb, err));
    }
    hm_png_t *finished = png;
    png = NULL;
    HM_TRY(hm_png_close(finished, 1, err));
cleanup:
    hm_png_close(png, 0, NULL);
    return status;
}
