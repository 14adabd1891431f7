/* The kernel body in AArch64's Advanced SIMD, which every such processor has. */
#include "vector_neon.h"

#define HM_KERNEL_NAME hm_kernel_neon
#define HM_KERNEL_ISA HM_ISA_NEON
#include "kernel_body.h"
