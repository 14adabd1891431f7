#include "hm_version.h"

/* The Makefile defines these; other builds need not. */
#ifndef HM_VERSION
#define HM_VERSION "unknown"
#endif
#ifndef HM_REVISION
#define HM_REVISION "unknown"
#endif
#ifndef HM_COMPILER_FLAGS
#define HM_COMPILER_FLAGS "unknown flags"
#endif

/* clang also defines __GNUC__, and its __VERSION__ already says "Clang". */
#if defined(__clang__) || !defined(__GNUC__)
#define COMPILER_NAME ""
#else
#define COMPILER_NAME "gcc "
#endif
#ifndef __VERSION__
#define __VERSION__ "unknown compiler"
#endif

const char *hm_version(void) {
    return HM_VERSION;
}

const char *hm_revision(void) {
    return HM_REVISION;
}

const char *hm_compiler(void) {
    return COMPILER_NAME __VERSION__ " (" HM_COMPILER_FLAGS ")";
}
