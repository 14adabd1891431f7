/**
 * @file hm_cpu.h
 * What this processor and operating system can run: cpuid and, for registers that the system must
 * save, xgetbv.
 */
#ifndef HM_CPU_H
#define HM_CPU_H

#include <stdbool.h>
#include <stdint.h>

/** Instruction sets that kernels are built for, in ascending order of preference. */
typedef enum hm_isa_t {
    HM_ISA_SCALAR = 0,
    HM_ISA_NEON,
    HM_ISA_AVX2,
    HM_ISA_AVX512,
    HM_ISA_COUNT
} hm_isa_t;

/** The option value: "scalar", "neon", "avx2", "avx512". */
const char *hm_isa_name(hm_isa_t isa);

/**
 * Bit mask (1u << hm_isa_t) of the sets usable here, by processor and by operating system.
 * HM_ISA_SCALAR is always in it. avx2 stands for AVX2 and FMA3; avx512 for AVX-512 F, DQ, VL and BW
 * (and all of avx2). The environment variable HPCMANDEL_CPU_MASK (a number as strtoul takes it)
 * masks bits away, for tests of lower sets; a text that is no number masks nothing.
 */
uint32_t hm_cpu_isas(void);

/** True when `isa` is in hm_cpu_isas(). */
bool hm_cpu_has(hm_isa_t isa);

/**
 * Do the units that multiply vectors also add them? Intel's do: there every operation less is time
 * saved, elsewhere what counts is that multipliers and adders are equally busy. By the vendor's
 * name. The environment variable HPCMANDEL_CPU_UNITS, "shared" or "apart", decides instead, for
 * tests. Asks cpuid, which takes microseconds on a virtual machine.
 */
bool hm_cpu_shares_units(void);

/** Processors this process may run on (its affinity mask), at least 1. */
int hm_cpu_usable(void);

#endif
