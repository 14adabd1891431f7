/* The kernel body in AVX-512. */
#include "vector_avx512.h"

#define HM_KERNEL_NAME hm_kernel_avx512
#define HM_KERNEL_NAME_SHARED hm_kernel_avx512_shared
#define HM_KERNEL_ISA HM_ISA_AVX512
#include "kernel_body.h"
