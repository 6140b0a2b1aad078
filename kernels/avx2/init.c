#include "../kernels.h"

void kernels_init_avx2(struct kernels *k)
{
    k->cols = 16;
    /* quantized types */

    /* float slots */
}
