#include "slm.h"

static const slm_shape shapes[] = {
#define SHAPE(name, architecture, layers, embedding, heads, kv_heads, head_dim, feed_forward, vocab, tied, rope_base, ...)     \
    {name, architecture, layers, embedding, heads, kv_heads, head_dim, feed_forward, vocab, tied, rope_base, __VA_ARGS__},
#include "shapes.def"
#undef SHAPE
};

const slm_shape *slm_shape_at(size_t index)
{
    return index < sizeof shapes / sizeof *shapes ? &shapes[index] : NULL;
}
