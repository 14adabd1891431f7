/** @file hm_version.h What this program is: version, revision, and what compiled it. */
#ifndef HM_VERSION_H
#define HM_VERSION_H

/** The version, e.g. "0.1.0". Static text, never NULL, as all here. */
const char *hm_version(void);

/** The git revision the program was built from, with "-dirty" behind it when files had been
 * changed; "unknown" outside a git checkout. */
const char *hm_revision(void);

/** The compiler, its version and the flags that every file was compiled with, e.g.
 * "gcc 12.2.0 (-O2 -g -ffp-contract=off)". */
const char *hm_compiler(void);

#endif
