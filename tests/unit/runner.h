/**
 * @file runner.h
 * What every CUnit program here shares: run the suites, print one closing line "N passed, N
 * failed", exit accordingly. A "case" is a CUnit test (a function); it fails when any of its
 * assertions does.
 */
#ifndef HM_TEST_RUNNER_H
#define HM_TEST_RUNNER_H

#include <CUnit/Basic.h>
#include <stdio.h>

typedef struct hm_case_t {
    const char *name;
    CU_TestFunc run;
} hm_case_t;

/** Runs cases (ended by a NULL name) as one suite; returns the exit status for main: 0 all passed,
 * 1 not. */
static inline int hm_run_cases(const char *suite_name, const hm_case_t *cases) {
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    for (const hm_case_t *c = cases; suite && c->name; ++c) {
        if (!CU_add_test(suite, c->name, c->run)) {
            suite = NULL;
        }
    }
    if (!suite) {
        fprintf(stderr, "%s: %s\n", suite_name, CU_get_error_msg());
        return 1;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned ran = CU_get_number_of_tests_run();
    unsigned failed = CU_get_number_of_tests_failed();
    CU_cleanup_registry();
    printf("\n%s: %u passed, %u failed\n", suite_name, ran - failed, failed);
    return ran > 0 && failed == 0 ? 0 : 1;
}

#endif
