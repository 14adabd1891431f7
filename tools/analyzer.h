/*
 * For clang-tidy alone, read before each source: what the analyzer cannot see from one file is that
 * these functions return the failure that they were given, and never HM_OK. (Not read before the
 * files that define them.)
 */
#include "../src/store/h5.h"
#include "hm_error.h"

#define hm_error_set(err, status, ...) \
    ((void)(hm_error_set)((err), (status), __VA_ARGS__), (status))
#define hm_error_errno(err, status, ...) \
    ((void)(hm_error_errno)((err), (status), __VA_ARGS__), (status))
#define hm_h5_fail(err, status, ...) ((void)(hm_h5_fail)((err), (status), __VA_ARGS__), (status))
