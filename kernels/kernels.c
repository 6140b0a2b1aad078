/* kernels.c - the table of weight types and the filling of the kernel table. */
#include "kernels.h"

#include <string.h>

const struct quant quants[WEIGHT_TYPES] = {
#define QUANT(name, gguf_type, block, block_bytes, tile_bytes, halves, bf16, family)                                       \
    {#name, gguf_type, block, block_bytes, tile_bytes, halves, bf16, FAMILY_##family == FAMILY_DENSE},
#include "quants.def"
#undef QUANT
};

enum weight_type quant_by_gguf(uint32_t gguf_type)
{
    int type = 0;
    while (type < WEIGHT_TYPES && quants[type].gguf_type != gguf_type)
        type++;
    return type;
}

enum weight_type quant_by_name(const char *name)
{
    int type = 0;
    while (type < WEIGHT_TYPES && strcmp(quants[type].name, name) != 0)
        type++;
    return type;
}

void kernels_fill(struct kernels *k, enum isa isa)
{
    static void (*const init[])(struct kernels *) = {
#define ISA(name) kernels_init_##name,
#include "isas.def"
#undef ISA
    };
    memset(k, 0, sizeof *k);
    for (int i = 0; i <= (int)isa; i++)
        init[i](k);
    k->isa = isa;
}
