/* The reference: every slot. */
#include "ref.h"

void kernels_init_scalar(struct kernels *k)
{
    k->cols = 8;
    /* Until every type has its file: dense ones are left empty. */
#define SET_true(name)
#define SET_false(name)                                                                                                    \
    KERNEL_SET_TYPE(k, pack, name, ref);                                                                                   \
    KERNEL_SET_TYPE(k, unpack, name, ref);                                                                                 \
    KERNEL_SET_TYPE(k, linear, name, ref);
#define QUANT(name, gguf_type, block, block_bytes, tile_bytes, halves, dense) SET_##dense(name)
#include "../quants.def"
#undef QUANT

    KERNEL_SET(k, quantize, ref);
    KERNEL_SET(k, peak, ref);
    KERNEL_SET(k, read, ref);

    /* float slots */
}
