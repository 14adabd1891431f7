/* Palettes, painters and PNG files. Pictures are read back with libpng. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <png.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hm_picture.h"
#include "runner.h"

static char folder[] = "/tmp/hm-picture-XXXXXX";

static const char *in_folder(const char *name, char path[static 256]) {
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static bool exists(const char *path) {
    struct stat found;
    return lstat(path, &found) == 0;
}

/* How many files are in the test's folder. */
static int files_left(void) {
    char command[300];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    if (pipe) {
        if (fscanf(pipe, "%d", &count) != 1) {
            count = -1;
        }
        pclose(pipe);
    }
    return count;
}

/* Reads a PNG into malloc'ed rgb[height][width][3]; NULL when it is none, or of another kind. */
static uint8_t *read_png(const char *path, int64_t *width, int64_t *height) {
    uint8_t *volatile rgb = NULL;
    FILE *file = fopen(path, "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (!file) {
        goto cleanup;
    }
    if (setjmp(png_jmpbuf(png))) {
        free(rgb);
        rgb = NULL;
        goto cleanup;
    }
    png_init_io(png, file);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png, info);
    if (png_get_bit_depth(png, info) != 8 || png_get_color_type(png, info) != PNG_COLOR_TYPE_RGB) {
        goto cleanup;
    }
    *width = png_get_image_width(png, info);
    *height = png_get_image_height(png, info);
    rgb = malloc((size_t)(3 * *width * *height));
    for (int64_t row = 0; rgb && row < *height; ++row) {
        png_read_row(png, rgb + 3 * row * *width, NULL);
    }
    png_read_end(png, info);

cleanup:
    png_destroy_read_struct(&png, &info, NULL);
    if (file) {
        fclose(file);
    }
    return rgb;
}

/* Byte `index` of a picture that looks like none in particular and compresses badly. */
static uint8_t noise(int64_t index) {
    uint64_t x = (uint64_t)index * 0x9e3779b97f4a7c15U + 1;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9U;
    return (uint8_t)(x >> 56);
}

static hm_status_t write_noise(const char *path, int64_t width, int64_t height, hm_error_t *err) {
    hm_png_t *png = NULL;
    hm_status_t status = hm_png_open(path, width, height, &png, err);
    if (status != HM_OK) {
        return status;
    }
    uint8_t *row = malloc(3 * (size_t)width);
    for (int64_t j = 0; row && j < height && status == HM_OK; ++j) {
        for (int64_t i = 0; i < 3 * width; ++i) {
            row[i] = noise(j * 3 * width + i);
        }
        status = hm_png_row(png, row, err);
    }
    free(row);
    if (status != HM_OK) {
        CU_ASSERT_EQUAL(hm_png_close(png, 1, NULL), HM_OK);
        return status;
    }
    return hm_png_close(png, 1, err);
}

static void check_round_trip(int64_t width, int64_t height) {
    hm_error_t err = HM_ERROR_NONE;
    char path[256];
    in_folder("round.png", path);
    CU_ASSERT_EQUAL_FATAL(write_noise(path, width, height, &err), HM_OK);
    int64_t found_width = 0;
    int64_t found_height = 0;
    uint8_t *rgb = read_png(path, &found_width, &found_height);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rgb);
    CU_ASSERT_EQUAL(found_width, width);
    CU_ASSERT_EQUAL(found_height, height);
    int64_t wrong = 0;
    for (int64_t k = 0; k < 3 * width * height; ++k) {
        wrong += rgb[k] != noise(k);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(files_left(), 1);
    free(rgb);
    unlink(path);
}

static void test_round_trip(void) {
    check_round_trip(1, 1);
    check_round_trip(1, 3000);
    check_round_trip(301, 77);
    check_round_trip(200000, 2);
    check_round_trip(1500000, 1); /* beyond libpng's default limit of a million */
}

static void test_text(void) {
    hm_error_t err = HM_ERROR_NONE;
    char path[256];
    in_folder("text.png", path);
    hm_png_t *writer = NULL;
    const uint8_t pixel[3] = {1, 2, 3};
    CU_ASSERT_EQUAL_FATAL(hm_png_open(path, 1, 2, &writer, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_png_text(writer, "Title", "Caf\xc3\xa9", &err), HM_OK);
    CU_ASSERT_EQUAL(hm_png_text(writer, "Software", "hpcmandel", &err), HM_OK);
    CU_ASSERT_EQUAL(hm_png_row(writer, pixel, &err), HM_OK);
    CU_ASSERT_EQUAL(hm_png_text(writer, "Author", "late", &err), HM_EBUG);
    CU_ASSERT_EQUAL(hm_png_row(writer, pixel, &err), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_png_close(writer, 1, &err), HM_OK);

    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_read_info(png, info);
    png_textp texts = NULL;
    int count = 0;
    png_get_text(png, info, &texts, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(texts[0].key, "Title");
    CU_ASSERT_STRING_EQUAL(texts[0].text, "Caf\xc3\xa9");
    CU_ASSERT_STRING_EQUAL(texts[1].text, "hpcmandel");
    int intent = -1;
    CU_ASSERT_EQUAL(png_get_sRGB(png, info, &intent), PNG_INFO_sRGB);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
    unlink(path);
}

static void test_sizes(void) {
    static const int64_t bad[][2] = {
        {0, 1}, {1, 0}, {-1, 5}, {INT64_C(2147483648), 1}, {1, INT64_C(2147483648)}};
    char path[256];
    in_folder("size.png", path);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; ++k) {
        hm_error_t err = HM_ERROR_NONE;
        hm_png_t *png = NULL;
        CU_ASSERT_EQUAL(hm_png_open(path, bad[k][0], bad[k][1], &png, &err), HM_EUSAGE);
        CU_ASSERT_PTR_NULL(png);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "2147483647"));
    }
    CU_ASSERT_EQUAL(files_left(), 0);
    /* The largest is taken; nothing of a row's size is allocated before the first row. */
    hm_png_t *png = NULL;
    CU_ASSERT_EQUAL_FATAL(hm_png_open(path, INT32_MAX, INT32_MAX, &png, NULL), HM_OK);
    CU_ASSERT_EQUAL(hm_png_close(png, 0, NULL), HM_OK);
    CU_ASSERT_EQUAL(files_left(), 0);
}

static void test_cannot_create(void) {
    char path[256];
    hm_error_t err = HM_ERROR_NONE;
    hm_png_t *png = NULL;
    CU_ASSERT_EQUAL(hm_png_open(in_folder("no/such/x.png", path), 4, 4, &png, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no/such/x.png"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENOENT)));
    CU_ASSERT_EQUAL(hm_png_open(folder, 4, 4, &png, &err), HM_ECREATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "folder"));
    CU_ASSERT_PTR_NULL(png);
    CU_ASSERT_EQUAL(files_left(), 0);
}

static void test_full_device(void) {
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(write_noise("/dev/full", 640, 480, &err), HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENOSPC)));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/dev/full"));
    /* So small that only the end is written: the failure must still be seen. */
    err = (hm_error_t)HM_ERROR_NONE;
    CU_ASSERT_EQUAL(write_noise("/dev/full", 1, 1, &err), HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENOSPC)));
    struct stat device;
    CU_ASSERT_TRUE(stat("/dev/full", &device) == 0 && S_ISCHR(device.st_mode));
}

/* A file that may not grow, in the middle of a picture: nothing is left, an older one stays. */
static void test_full_file(void) {
    char path[256];
    in_folder("old.png", path);
    CU_ASSERT_EQUAL_FATAL(write_noise(path, 5, 5, NULL), HM_OK);
    struct rlimit before;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    hm_error_t err = HM_ERROR_NONE;
    const hm_status_t status = write_noise(path, 640, 480, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    CU_ASSERT_EQUAL(status, HM_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(EFBIG)));
    CU_ASSERT_EQUAL(files_left(), 1);
    int64_t width = 0;
    int64_t height = 0;
    uint8_t *rgb = read_png(path, &width, &height);
    CU_ASSERT_PTR_NOT_NULL(rgb);
    CU_ASSERT_EQUAL(width, 5);
    free(rgb);
    unlink(path);
}

static void test_rows_counted(void) {
    char path[256];
    in_folder("rows.png", path);
    const uint8_t row[6] = {0};
    hm_png_t *png = NULL;
    CU_ASSERT_EQUAL_FATAL(hm_png_open(path, 2, 2, &png, NULL), HM_OK);
    CU_ASSERT_EQUAL(hm_png_row(png, row, NULL), HM_OK);
    CU_ASSERT_FALSE(exists(path)); /* not before it is whole */
    CU_ASSERT_EQUAL(hm_png_close(png, 1, NULL), HM_EBUG);
    CU_ASSERT_EQUAL(files_left(), 0);

    CU_ASSERT_EQUAL_FATAL(hm_png_open(path, 2, 1, &png, NULL), HM_OK);
    CU_ASSERT_EQUAL(hm_png_row(png, row, NULL), HM_OK);
    CU_ASSERT_EQUAL(hm_png_row(png, row, NULL), HM_EBUG);
    CU_ASSERT_EQUAL(hm_png_close(png, 1, NULL), HM_OK);
    CU_ASSERT_EQUAL(files_left(), 0);
    CU_ASSERT_EQUAL(hm_png_close(NULL, 1, NULL), HM_OK);
}

/* sRGB to OKLab, from the formulas of the author's page, apart from the program's own. */
static void oklab(const uint8_t rgb[3], double lab[3]) {
    static const double to_lms[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                        {0.2119034982, 0.6806995451, 0.1073969566},
                                        {0.0883024619, 0.2817188376, 0.6299787005}};
    static const double to_lab[3][3] = {{0.2104542553, 0.7936177850, -0.0040720468},
                                        {1.9779984951, -2.4285922050, 0.4505937099},
                                        {0.0259040371, 0.7827717662, -0.8086757660}};
    double lms[3] = {0};
    for (int row = 0; row < 3; ++row) {
        for (int k = 0; k < 3; ++k) {
            const double value = rgb[k] / 255.0;
            lms[row] += to_lms[row][k] *
                        (value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4));
        }
        lms[row] = cbrt(lms[row]);
    }
    for (int row = 0; row < 3; ++row) {
        lab[row] = to_lab[row][0] * lms[0] + to_lab[row][1] * lms[1] + to_lab[row][2] * lms[2];
    }
}

static double difference(const uint8_t x[3], const uint8_t y[3]) {
    double p[3];
    double q[3];
    oklab(x, p);
    oklab(y, q);
    return hypot(hypot(p[0] - q[0], p[1] - q[1]), p[2] - q[2]);
}

static hm_painter_t *painter_of(const char *name, double low, double knee, uint32_t max_iter) {
    const hm_palette_t *palette = NULL;
    hm_painter_t *painter = NULL;
    const hm_exposure_t exposure = {.low = low, .knee = knee};
    CU_ASSERT_EQUAL_FATAL(hm_palette_find(name, &palette, NULL), HM_OK);
    CU_ASSERT_EQUAL_FATAL(hm_painter_make(palette, &exposure, max_iter, &painter, NULL), HM_OK);
    return painter;
}

static void test_names(void) {
    const hm_palette_t *palette = NULL;
    const hm_palette_t *first = NULL;
    CU_ASSERT_EQUAL(hm_palette_find(NULL, &first, NULL), HM_OK);
    CU_ASSERT_EQUAL(hm_palette_find(hm_palette_name(0), &palette, NULL), HM_OK);
    CU_ASSERT_PTR_EQUAL(palette, first);
    hm_error_t err = HM_ERROR_NONE;
    CU_ASSERT_EQUAL(hm_palette_find("beige", &palette, &err), HM_EUSAGE);
    CU_ASSERT_PTR_EQUAL(palette, first);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'beige'"));
    CU_ASSERT_EQUAL(hm_palette_find("", &palette, NULL), HM_EUSAGE);
    int count = 0;
    for (; hm_palette_name(count); ++count) {
        CU_ASSERT_EQUAL(hm_palette_find(hm_palette_name(count), &palette, NULL), HM_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, hm_palette_name(count)));
        CU_ASSERT_PTR_NOT_NULL(strstr(HM_PALETTE_NAMES, hm_palette_name(count)));
        CU_ASSERT_PTR_NOT_NULL(hm_palette_about(count));
    }
    CU_ASSERT(count >= 5);
    int commas = 0;
    for (const char *c = HM_PALETTE_NAMES; *c; ++c) {
        commas += *c == ',';
    }
    CU_ASSERT_EQUAL(commas, count - 1);
    CU_ASSERT_PTR_NULL(hm_palette_about(count));
    CU_ASSERT_PTR_NULL(hm_palette_name(-1));
}

/* Colours move continuously with the count, by much over a cycle, and come back. */
static void test_continuity(void) {
    for (int k = 0; hm_palette_name(k); ++k) {
        hm_painter_t *painter = painter_of(hm_palette_name(k), 0, 40, 1000000);
        uint8_t before[3];
        uint8_t first[3];
        double largest = 0;
        double widest = 0;
        hm_painter_colour(painter, 0, first);
        memcpy(before, first, 3);
        for (double exponent = 0; exponent < 10; exponent += 0.001) {
            uint8_t colour[3];
            hm_painter_colour(painter, 40 * expm1(exponent), colour);
            largest = fmax(largest, difference(before, colour));
            widest = fmax(widest, difference(first, colour));
            memcpy(before, colour, 3);
        }
        /* 0.001 of the logarithm is a step of less than 0.001; 8 bits a channel add the rest. */
        CU_ASSERT(largest < 0.006);
        CU_ASSERT(widest > 0.5);
        hm_painter_free(painter);
    }
}

/* Whole counts, measured as the default view is: no step that shows as a band. */
static void test_no_bands(void) {
    for (int k = 0; hm_palette_name(k); ++k) {
        uint32_t sample[] = {0, 1, 2, 3, 4, 5, 6, 7, 30, 300, 1000, 1000};
        const hm_exposure_t exposure = hm_exposure_measure(sample, 12, 1000);
        hm_painter_t *painter = painter_of(hm_palette_name(k), exposure.low, exposure.knee, 1000);
        for (uint32_t n = 0; n < 999; ++n) {
            uint8_t here[3];
            uint8_t next[3];
            hm_painter_colour(painter, n, here);
            hm_painter_colour(painter, n + 1, next);
            CU_ASSERT(difference(here, next) < 0.018);
        }
        hm_painter_free(painter);
    }
}

static void test_exposure(void) {
    uint32_t none[] = {50, 50, UINT32_MAX};
    hm_exposure_t exposure = hm_exposure_measure(none, 3, 50);
    CU_ASSERT_EQUAL(exposure.low, 0);
    CU_ASSERT(exposure.knee > 0);
    exposure = hm_exposure_measure(NULL, 0, 50);
    CU_ASSERT(exposure.knee > 0);
    uint32_t deep[] = {9000, 5000, 1200, 1000, 9000, 2000, UINT32_MAX, 8999};
    exposure = hm_exposure_measure(deep, 8, 9000);
    CU_ASSERT_EQUAL(exposure.low, 1000);
    CU_ASSERT_EQUAL(exposure.knee, 1000); /* median of 1000 1200 2000 5000 8999, above 1000 */
}

static void test_row(void) {
    hm_painter_t *painter = painter_of(NULL, 2, 40, 100);
    const uint32_t counts[7] = {100, 0, 7, 7, 100, 7, 8};
    const float smooth[7] = {NAN, 0.5F, 7.25F, 7.75F, NAN, NAN, INFINITY};
    uint8_t rgb[7][3];
    uint8_t want[3];
    hm_painter_row(painter, counts, NULL, 7, rgb[0]);
    uint8_t inside[3];
    memcpy(inside, rgb[0], 3);
    CU_ASSERT(inside[0] + inside[1] + inside[2] < 60);
    CU_ASSERT_EQUAL(memcmp(rgb[4], inside, 3), 0);
    for (int i = 0; i < 7; ++i) {
        if (counts[i] != 100) {
            hm_painter_colour(painter, counts[i], want);
            CU_ASSERT_EQUAL(memcmp(rgb[i], want, 3), 0);
            CU_ASSERT_NOT_EQUAL(memcmp(rgb[i], inside, 3), 0);
        }
    }
    hm_painter_row(painter, counts, smooth, 7, rgb[0]);
    for (int i = 0; i < 7; ++i) {
        hm_painter_colour(painter, isfinite(smooth[i]) ? smooth[i] : (float)counts[i], want);
        CU_ASSERT_EQUAL(memcmp(rgb[i], counts[i] == 100 ? inside : want, 3), 0);
    }
    /* Below `low`: the gradient's beginning. */
    uint8_t start[3];
    hm_painter_colour(painter, 2, start);
    hm_painter_colour(painter, -3, want);
    CU_ASSERT_EQUAL(memcmp(start, want, 3), 0);
    hm_painter_free(painter);
}

static void test_hatch(void) {
    uint8_t rgb[64][3];
    int greys = 0;
    int changes = 0;
    hm_painter_hatch(5, 64, rgb[0]);
    for (int i = 0; i < 64; ++i) {
        greys += rgb[i][0] == rgb[i][1] && rgb[i][1] == rgb[i][2] && rgb[i][0] > 0x40;
        changes += i > 0 && rgb[i][0] != rgb[i - 1][0];
    }
    CU_ASSERT_EQUAL(greys, 64);
    CU_ASSERT(changes >= 7);
    /* Diagonal: the next row is this one, moved by a pixel. */
    uint8_t next[64][3];
    hm_painter_hatch(6, 64, next[0]);
    CU_ASSERT_EQUAL(memcmp(next[0], rgb[1], sizeof(uint8_t[63][3])), 0);
}

int main(void) {
    static const hm_case_t cases[] = {{"PNG files come back as written", test_round_trip},
                                      {"PNG files carry texts", test_text},
                                      {"sizes are checked", test_sizes},
                                      {"what cannot be created is named", test_cannot_create},
                                      {"a full device is an error", test_full_device},
                                      {"a full disk leaves nothing behind", test_full_file},
                                      {"rows are counted", test_rows_counted},
                                      {"palettes are found by name", test_names},
                                      {"gradients are continuous", test_continuity},
                                      {"whole counts make no bands", test_no_bands},
                                      {"exposure is measured", test_exposure},
                                      {"rows are coloured", test_row},
                                      {"rows not computed are hatched", test_hatch},
                                      {NULL, NULL}};
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    const int result = hm_run_cases("picture", cases);
    rmdir(folder);
    return result;
}
