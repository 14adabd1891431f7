/* The kernel body in AVX2 and FMA3. */
#include "vector_avx2.h"

#define HM_KERNEL_NAME hm_kernel_avx2
#define HM_KERNEL_NAME_SHARED hm_kernel_avx2_shared
#define HM_KERNEL_ISA HM_ISA_AVX2
#include "kernel_body.h"
