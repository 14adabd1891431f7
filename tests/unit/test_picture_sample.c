/** @file test_picture_sample.c Pictures of a file of which only some rows are looked at. */
#include <png.h>
#include <unistd.h>

#include "dataset_sample.h"
#include "hm_canvas.h"
#include "runner.h"

enum { WIDTH = 61, HEIGHT = 94, SHRINK = 9, ACROSS = 7, DOWN = 11, SIZE = ACROSS * DOWN * 3 };

static char folder[] = "/tmp/hm-sample-XXXXXX";
static char file[64];
static char picture[64];

/** Draws and reads the picture, rgb[rows][ACROSS][3]. */
static bool draw(const hm_look_t *look, int rows, uint8_t rgb[SIZE]) {
    hm_error_t err = HM_ERROR_NONE;
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (hm_picture_write(file, picture, look, &err) != HM_OK) {
        printf("\n  %s\n", err.text);
        return false;
    }
    const bool read = png_image_begin_read_from_file(&image, picture) != 0 &&
                      image.width == ACROSS && image.height == (png_uint_32)rows;
    image.format = PNG_FORMAT_RGB;
    const bool good = read && png_image_finish_read(&image, NULL, rgb, 0, NULL) != 0;
    png_image_free(&image);
    unlink(picture);
    return good;
}

/** All rows looked at are as if nothing had been said; fewer are those in the middle. */
static void test_rows(void) {
    static const hm_exposure_t exposure = {.low = 0, .knee = 100};
    uint8_t all[SIZE];
    uint8_t some[SIZE];
    uint8_t one[SIZE];
    hm_look_t look = {.shrink = SHRINK, .exposure = &exposure};
    CU_ASSERT_FATAL(draw(&look, DOWN, all));
    for (look.sample = SHRINK; look.sample <= 2 * SHRINK; look.sample += SHRINK) {
        CU_ASSERT(draw(&look, DOWN, some) && memcmp(all, some, SIZE) == 0);
    }
    look.sample = 1;
    CU_ASSERT_FATAL(draw(&look, DOWN, some));
    CU_ASSERT(memcmp(all, some, SIZE) != 0);
    for (int j = 0; j < DOWN; ++j) {
        const int rows = HEIGHT - j * SHRINK < SHRINK ? HEIGHT - j * SHRINK : SHRINK;
        hm_look_t line = {.shrink = SHRINK, .exposure = &exposure};
        line.part =
            (hm_part_t){.x = 0, .y = (int64_t)j * SHRINK + rows / 2, .width = WIDTH, .height = 1};
        CU_ASSERT(draw(&line, 1, one));
        CU_ASSERT(memcmp(one, some + (size_t)j * ACROSS * 3, ACROSS * 3) == 0);
    }
}

int main(void) {
    static const hm_case_t cases[] = {{"rows", test_rows}, {NULL, NULL}};
    hm_dataset_result_t result;
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(file, sizeof file, "%s/a.h5", folder);
    snprintf(picture, sizeof picture, "%s/a.png", folder);
    MPI_Init(NULL, NULL);
    int failed =
        sample_whole(file, WIDTH, HEIGHT, 1u << HM_CHANNEL_ITERATIONS, 7, &result, NULL) != HM_OK;
    failed = failed || hm_run_cases("picture sample", cases);
    MPI_Finalize();
    unlink(file);
    rmdir(folder);
    return failed;
}
