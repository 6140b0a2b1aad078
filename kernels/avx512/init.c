#include "../lanes/slots.h"

LANES_DECLARE(avx512)

void kernels_init_avx512(struct kernels *k)
{
    k->cols = 16;
    /* quantized types */

    LANES_SET(k, avx512)
}
