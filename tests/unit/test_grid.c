/* Grids: what the text of a view becomes, and what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_grid.h"
#include "runner.h"

static const hm_view_t CLASSIC = {.region = "-2.13:0.77,1.3:-1.3", .width = 500, .height = 500};

static void test_region(void) {
    hm_grid_t grid;
    double re[3], im[2];
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&CLASSIC, &grid, NULL), HM_OK);
    CU_ASSERT(grid.width == 500 && grid.height == 500 && !grid.fine);
    CU_ASSERT(grid.re0 == -2.13 && grid.re_step == (0.77 - -2.13) / 500.0);
    CU_ASSERT(grid.im0 == 1.3 && grid.im_step == (-1.3 - 1.3) / 500.0);
    hm_grid_re(&grid, 7, 3, re);
    hm_grid_im(&grid, 498, 2, im);
    for (int k = 0; k < 3; ++k) {
        CU_ASSERT(re[k] == -2.13 + (7.0 + k) * ((0.77 - -2.13) / 500.0));
    }
    CU_ASSERT(im[1] == 1.3 + 499.0 * ((-1.3 - 1.3) / 500.0));
}

static void test_center(void) {
    hm_grid_t grid;
    hm_view_t view = {.center = "-0.75,0", .span = "3", .width = 1920, .height = 1280};
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    CU_ASSERT(grid.re_step == 3.0 / 1920 && grid.im_step == -3.0 / 1920);
    CU_ASSERT(grid.re0 == -2.25 && grid.im0 == 1.0);
    /* 0.1 + 1e-17 - 0.05 to far more digits than a double has: rounded once, at the end. */
    view =
        (hm_view_t){.center = "0.10000000000000001387778780781445675529539585113525390625,-1e-30",
                    .span = "0.1",
                    .width = 1,
                    .height = 1};
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    CU_ASSERT(grid.re_step == 0.1 && grid.im_step == -0.1);
    CU_ASSERT(grid.re0 == 0.0500000000000000138777878078144567553);
    CU_ASSERT(grid.im0 == 0.05);
}

static void test_long_text(void) {
    enum { DIGITS = 5000 };
    char *text = malloc(DIGITS + 16);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    strcpy(text, "-0.");
    memset(text + 3, '3', DIGITS);
    strcpy(text + 3 + DIGITS, ",0.5");
    hm_view_t view = {.center = text, .span = "2e-3", .width = 2, .height = 1};
    hm_grid_t grid;
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    CU_ASSERT(grid.re0 == (double)(-1.0L / 3.0L - 1e-3L));
    CU_ASSERT(grid.im0 == 0.5005);
    free(text);
}

static void test_accumulated(void) {
    static const int64_t sizes[][3] = {
        {50, 50, 50}, {250, 250, 251}, {500, 500, 500}, {1000, 1001, 1000}};
    for (int k = 0; k < 4; ++k) {
        hm_view_t view = CLASSIC;
        view.coords = HM_COORDS_ACCUMULATED;
        view.width = view.height = sizes[k][0];
        hm_grid_t grid;
        CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
        CU_ASSERT_EQUAL(grid.width, sizes[k][1]);
        CU_ASSERT_EQUAL(grid.height, sizes[k][2]);
        double all[1001], part[10], at = -2.13;
        hm_grid_re(&grid, 0, grid.width, all);
        hm_grid_re(&grid, 40, 10, part);
        bool same = memcmp(part, all + 40, sizeof part) == 0;
        for (int64_t i = 0; i < grid.width; ++i, at += grid.re_step) {
            same = same && all[i] == at;
        }
        CU_ASSERT(same);
    }
}

static void test_fine(void) {
    hm_grid_t grid;
    hm_view_t view = {.center = "-0.75,0.1", .span = "1e-11", .width = 1000, .height = 10};
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    CU_ASSERT_FALSE(grid.fine);
    view.span = "1e-14";
    CU_ASSERT_EQUAL_FATAL(hm_grid_make(&view, &grid, NULL), HM_OK);
    CU_ASSERT_TRUE(grid.fine);
    view.coords = HM_COORDS_ACCUMULATED;
    CU_ASSERT_EQUAL(hm_grid_make(&view, &grid, NULL), HM_EUSAGE);
}

static void test_refused(void) {
    static const hm_view_t views[] = {
        {.center = "0,0", .span = "0", .width = 10, .height = 10},
        {.center = "0,0", .span = "-1", .width = 10, .height = 10},
        {.center = "0,0", .span = "nan", .width = 10, .height = 10},
        {.center = "0,0", .span = "inf", .width = 10, .height = 10},
        {.center = "0,0", .span = "1x", .width = 10, .height = 10},
        {.center = "0,0", .span = "1 ", .width = 10, .height = 10},
        {.center = "0,0", .span = "0x1p3", .width = 10, .height = 10},
        {.center = "0,0", .span = "1e999999999999999999999", .width = 10, .height = 10},
        {.center = "0,0", .span = "1e309", .width = 10, .height = 10},
        {.center = "0,0", .span = "1e-400", .width = 10, .height = 10},
        {.center = "0,0", .span = "", .width = 10, .height = 10},
        {.center = "0", .span = "1", .width = 10, .height = 10},
        {.center = "0,0,0", .span = "1", .width = 10, .height = 10},
        {.center = ",", .span = "1", .width = 10, .height = 10},
        {.center = "0,1e", .span = "1", .width = 10, .height = 10},
        {.center = "0,.", .span = "1", .width = 10, .height = 10},
        {.center = "@Inf@,0", .span = "1", .width = 10, .height = 10},
        {.center = "0,0", .span = "1", .width = 0, .height = 10},
        {.center = "0,0", .span = "1", .width = 10, .height = -1},
        {.center = "0,0", .span = "1", .width = INT64_C(1) << 31, .height = 1},
        {.center = "0,0", .width = 10, .height = 10},
        {.width = 10, .height = 10},
        {.center = "0,0", .span = "1", .region = "0:1,0:1", .width = 10, .height = 10},
        {.region = "0:1", .width = 10, .height = 10},
        {.region = "0:1,0", .width = 10, .height = 10},
        {.region = "0:1,0:1:2", .width = 10, .height = 10},
        {.region = "0:1,1:1", .width = 10, .height = 10},
        {.region = "0:0,1:2", .width = 10, .height = 10},
        {.region = "-1e308:1e308,1:2", .width = 10, .height = 10},
        {.region = "0:inf,1:2", .width = 10, .height = 10},
    };
    for (size_t k = 0; k < sizeof views / sizeof views[0]; ++k) {
        hm_grid_t grid;
        memset(&grid, 0x5a, sizeof grid);
        hm_grid_t before = grid;
        hm_error_t err = HM_ERROR_NONE;
        CU_ASSERT_EQUAL(hm_grid_make(&views[k], &grid, &err), HM_EUSAGE);
        CU_ASSERT(err.status == HM_EUSAGE && strlen(err.text) > 10);
        CU_ASSERT(memcmp(&grid, &before, sizeof grid) == 0);
    }
}

int main(void) {
    static const hm_case_t cases[] = {
        {"region: origin and step", test_region},
        {"center and span: rounded once", test_center},
        {"thousands of digits", test_long_text},
        {"accumulated coordinates", test_accumulated},
        {"steps below the spacing of doubles", test_fine},
        {"bad views are refused", test_refused},
        {NULL, NULL},
    };
    return hm_run_cases("grid", cases);
}
