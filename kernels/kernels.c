/* kernels.c - the table of weight types and the filling of the kernel table. */
#include "cpu.h"
#include "tiles.h"

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

/* Q8_0: tiles of 16 positions by 32 dimensions. */
size_t kv_k_bytes(enum kv_type type, size_t head_dim)
{
    if (type == KV_Q8_0)
        return KV_PAGE / 16 * ((head_dim + ACT_BLOCK - 1) / ACT_BLOCK) * sizeof(struct tile_q8_0);
    return KV_PAGE * head_dim * (type == KV_F32 ? sizeof(float) : sizeof(uint16_t));
}

/* Q8_0: tiles of 16 dimensions by 32 positions, then a scale for each position and 32 dimensions. */
size_t kv_v_bytes(enum kv_type type, size_t head_dim)
{
    size_t tiles = (head_dim + 15) / 16;
    if (type == KV_Q8_0)
        return tiles * KV_PAGE / ACT_BLOCK * sizeof(struct tile_q8_0) +
               (head_dim + ACT_BLOCK - 1) / ACT_BLOCK * KV_PAGE * sizeof(uint16_t);
    return KV_PAGE * 16 * tiles * (type == KV_F32 ? sizeof(float) : sizeof(uint16_t));
}

/* The scales of its tiles are 1. */
void kv_v_clear(enum kv_type type, size_t head_dim, void *page)
{
    memset(page, 0, kv_v_bytes(type, head_dim));
    struct tile_q8_0 *tile = page;
    for (size_t i = 0; type == KV_Q8_0 && i < (head_dim + 15) / 16 * (KV_PAGE / ACT_BLOCK); i++)
        for (int row = 0; row < 16; row++)
            tile[i].d[row] = 0x3c00;
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
        if (isa_supported((enum isa)i)) /* of two tiers above a third a machine may have one */
            init[i](k);
    k->isa = isa;
}
