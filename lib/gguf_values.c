/* Values of the metadata as numbers and texts. */
#include "gguf.h"

#include "cursor.h"

#include <float.h>
#include <math.h>

enum { MAX_SHOWN = 80 }; /* bytes of a key in a message, so that the rest of the message fits */

static const struct {
    const char *name;
    uint32_t size;              /* 0: of varying size */
} value_types[GGUF_VALUE_TYPES] = {
    [GGUF_U8] = {"u8", 1},         [GGUF_I8] = {"i8", 1},        [GGUF_U16] = {"u16", 2},      [GGUF_I16] = {"i16", 2},
    [GGUF_U32] = {"u32", 4},       [GGUF_I32] = {"i32", 4},      [GGUF_F32] = {"f32", 4},      [GGUF_BOOL] = {"bool", 1},
    [GGUF_STRING] = {"string", 0}, [GGUF_ARRAY] = {"array", 0},  [GGUF_U64] = {"u64", 8},      [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

size_t gguf_value_size(enum gguf_value_type type)
{
    return value_types[type].size;
}

bool gguf_str_is(struct gguf_str s, const char *text)
{
    return s.length == strlen(text) && memcmp(s.data, text, s.length) == 0;
}

bool gguf_element_i64(const struct gguf_kv *kv, uint64_t i, int64_t *value)
{
    if (i >= kv->count)
        return false;
    const uint8_t *p = kv->data + i * value_types[kv->type].size;
    switch (kv->type) {
    case GGUF_U8: *value = *p; return true;
    case GGUF_I8: *value = (int8_t)*p; return true;
    case GGUF_U16: *value = load_u16(p); return true;
    case GGUF_I16: *value = (int16_t)load_u16(p); return true;
    case GGUF_U32: *value = load_u32(p); return true;
    case GGUF_I32: *value = (int32_t)load_u32(p); return true;
    case GGUF_I64: *value = (int64_t)load_u64(p); return true;
    case GGUF_U64:
        if (load_u64(p) > INT64_MAX)
            return false;
        *value = (int64_t)load_u64(p);
        return true;
    default: return false;
    }
}

bool gguf_element_f64(const struct gguf_kv *kv, uint64_t i, double *value)
{
    int64_t integer;
    if (i >= kv->count)
        return false;
    const uint8_t *p = kv->data + i * value_types[kv->type].size;
    if (kv->type == GGUF_F32) {
        uint32_t bits = load_u32(p);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        *value = (double)narrow;
    } else if (kv->type == GGUF_F64) {
        uint64_t bits = load_u64(p);
        memcpy(value, &bits, sizeof *value);
    } else if (kv->type == GGUF_U64) {
        *value = (double)load_u64(p);
    } else if (kv->type == GGUF_BOOL) {
        *value = *p;
    } else if (gguf_element_i64(kv, i, &integer)) {
        *value = (double)integer;
    } else {
        return false;
    }
    return true;
}

bool gguf_element_f32(const struct gguf_kv *kv, uint64_t i, float *value)
{
    double wide;
    if ((kv->type != GGUF_F32 && kv->type != GGUF_F64) || !gguf_element_f64(kv, i, &wide) || (isfinite(wide) && fabs(wide) > FLT_MAX))
        return false;
    *value = (float)wide;
    return true;
}

static slm_status wrong_type(const struct gguf_kv *kv, const char *expected, slm_error *err)
{
    const int shown = (int)(kv->key.length < MAX_SHOWN ? kv->key.length : MAX_SHOWN);
    return fail(err, SLM_FORMAT, kv->offset, "metadata '%.*s' is %s%s where %s is expected: damaged file", shown, kv->key.data,
                kv->is_array ? "an array of " : "of type ", value_types[kv->type].name, expected);
}

slm_status gguf_u32(const struct gguf *g, const char *key, uint32_t *value, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv)
        return SLM_OK;
    int64_t wide = 0;
    if (kv->is_array || !gguf_element_i64(kv, 0, &wide) || wide < 0 || wide > UINT32_MAX)
        return wrong_type(kv, "an integer from 0 to 4294967295", err);
    *value = (uint32_t)wide;
    return SLM_OK;
}

slm_status gguf_f32(const struct gguf *g, const char *key, float *value, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (kv && (kv->is_array || !gguf_element_f32(kv, 0, value)))
        return wrong_type(kv, "a 32-bit float", err);
    return SLM_OK;
}

slm_status gguf_bool(const struct gguf *g, const char *key, bool *value, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv)
        return SLM_OK;
    if (kv->is_array || kv->type != GGUF_BOOL)
        return wrong_type(kv, "a bool", err);
    *value = kv->data[0];
    return SLM_OK;
}

slm_status gguf_string(const struct gguf *g, const char *key, struct gguf_str *value, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv)
        return SLM_OK;
    if (kv->is_array || kv->type != GGUF_STRING)
        return wrong_type(kv, "a string", err);
    *value = (struct gguf_str){(const char *)kv->data, kv->bytes};
    return SLM_OK;
}
