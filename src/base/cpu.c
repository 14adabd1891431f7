#include "hm_cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

const char *hm_isa_name(hm_isa_t isa) {
    switch (isa) {
    case HM_ISA_SCALAR:
        return "scalar";
    case HM_ISA_NEON:
        return "neon";
    case HM_ISA_AVX2:
        return "avx2";
    case HM_ISA_AVX512:
        return "avx512";
    case HM_ISA_COUNT:
        break;
    }
    return "unknown";
}

#if defined(__x86_64__) || defined(__i386__)

/* Bits of XCR0: the parts of the registers that the system saves when it switches tasks. */
enum {
    XCR0_YMM = 0x06, /* SSE and the upper halves of ymm */
    XCR0_ZMM = 0xE6  /* also masks, upper halves of zmm0-15, zmm16-31 */
};

/* Only legal when cpuid says OSXSAVE. As assembly, so that it needs no -mxsave. */
static uint32_t xcr0(void) {
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool all_set(uint32_t word, uint32_t bits) {
    return (word & bits) == bits;
}

static uint32_t machine_isas(void) {
    const uint32_t osxsave_avx_fma = (1u << 27) | (1u << 28) | (1u << 12); /* leaf 1, ecx */
    const uint32_t avx2 = 1u << 5;                                         /* leaf 7, ebx */
    const uint32_t avx512_f_dq_bw_vl = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
    uint32_t isas = 1u << HM_ISA_SCALAR;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !all_set(c, osxsave_avx_fma)) {
        return isas;
    }
    uint32_t saved = xcr0();
    if (!all_set(saved, XCR0_YMM) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !all_set(b, avx2)) {
        return isas;
    }
    isas |= 1u << HM_ISA_AVX2;
    if (all_set(saved, XCR0_ZMM) && all_set(b, avx512_f_dq_bw_vl)) {
        isas |= 1u << HM_ISA_AVX512;
    }
    return isas;
}

static bool is_intel(void) {
    unsigned most = 0;
    char name[12];
    unsigned part[3]; /* ebx, edx, ecx: the name's order */
    if (!__get_cpuid(0, &most, &part[0], &part[2], &part[1])) {
        return false;
    }
    memcpy(name, part, sizeof name);
    return memcmp(name, "GenuineIntel", sizeof name) == 0;
}

#elif defined(__aarch64__)

/* AArch64 processes always have NEON ("Advanced SIMD") with doubles. */
static uint32_t machine_isas(void) {
    return (1u << HM_ISA_SCALAR) | (1u << HM_ISA_NEON);
}

#else

static uint32_t machine_isas(void) {
    return 1u << HM_ISA_SCALAR;
}

#endif

#if !defined(__x86_64__) && !defined(__i386__)
static bool is_intel(void) {
    return false;
}
#endif

uint32_t hm_cpu_isas(void) {
    uint32_t isas = machine_isas();
    const char *text = getenv("HPCMANDEL_CPU_MASK");
    if (text) {
        char *end = NULL;
        unsigned long mask = strtoul(text, &end, 0);
        if (end != text && *end == '\0') {
            isas &= (uint32_t)mask;
        }
    }
    return isas | 1u << HM_ISA_SCALAR;
}

bool hm_cpu_has(hm_isa_t isa) {
    return (unsigned)isa < HM_ISA_COUNT && (hm_cpu_isas() >> isa & 1u) != 0;
}

bool hm_cpu_shares_units(void) {
    const char *text = getenv("HPCMANDEL_CPU_UNITS");
    if (text && strcmp(text, "shared") == 0) {
        return true;
    }
    return text && strcmp(text, "apart") == 0 ? false : is_intel();
}

int hm_cpu_usable(void) {
    /* The kernel refuses sets smaller than its own: grow until it fits. */
    for (int bits = CPU_SETSIZE; bits <= 1 << 20; bits *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)bits);
        if (!set) {
            break;
        }
        size_t size = CPU_ALLOC_SIZE((size_t)bits);
        CPU_ZERO_S(size, set);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) {
            return count;
        }
    }
    return 1;
}
