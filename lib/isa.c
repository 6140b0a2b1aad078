#include "isa.h"

#include <stdio.h>
#include <stdlib.h>

const char *slm_isa_at(size_t index)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (isa_supported((enum isa)i) && index-- == 0)
            return isa_name((enum isa)i);
    return NULL;
}

/* "scalar, avx2": the tiers that this machine can run. */
static void list_supported(char *text, size_t room)
{
    const char *name;
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; used < room && (name = slm_isa_at(i)); i++)
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", name);
}

slm_status isa_choose(const char *name, enum isa *isa, slm_error *err)
{
    const char *origin = "";
    if (!name || !*name) {
        name = getenv("SLM_ISA");
        origin = " (from SLM_ISA)";
    }
    if (!name || !*name) {
        *isa = isa_best();
        return SLM_OK;
    }
    enum isa found = isa_by_name(name);
    if (found != ISA_COUNT && isa_supported(found)) {
        *isa = found;
        return SLM_OK;
    }
    char known[128];
    list_supported(known, sizeof known);
    const char *problem = found == ISA_COUNT ? "is unknown" : "is not supported by this processor";
    return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "instruction set '%.32s'%s %s; use one of: %s", name, origin, problem, known);
}

const char *slm_isa(const char *isa, slm_error *err)
{
    enum isa chosen;
    return isa_choose(isa, &chosen, err) == SLM_OK ? isa_name(chosen) : NULL;
}

/* Slots in the order of kernels.h, three per weight type first. */
static const char *const type_slots[WEIGHT_TYPES][3] = {
#define QUANT(name, ...) {"linear." #name, "pack." #name, "unpack." #name},
#include "../kernels/quants.def"
#undef QUANT
};

bool slm_kernel_at(const char *isa, size_t index, const char **slot, const char **function)
{
    enum isa chosen;
    const char *ignored = NULL;
    slot = slot ? slot : &ignored;
    function = function ? function : &ignored;
    if (isa_choose(isa, &chosen, NULL) != SLM_OK)
        return false;
    struct kernels k;
    kernels_fill(&k, chosen);
    if (index < 3 * (size_t)WEIGHT_TYPES) {
        size_t type = index / 3;
        const char *const names[] = {k.names.linear[type], k.names.pack[type], k.names.unpack[type]};
        *slot = type_slots[type][index % 3];
        *function = names[index % 3];
        return true;
    }
    const struct {
        const char *slot, *function;
    } others[] = {
#define SLOT(name, type) {#name ".F32", k.names.name[KV_F32]}, {#name ".F16", k.names.name[KV_F16]}, {#name ".Q8_0", k.names.name[KV_Q8_0]},
        KV_SLOTS(SLOT)
#undef SLOT
#define SLOT(name, type) {#name, k.names.name},
        KERNEL_SLOTS(SLOT)
#undef SLOT
    };
    index -= 3 * (size_t)WEIGHT_TYPES;
    if (index >= sizeof others / sizeof *others)
        return false;
    *slot = others[index].slot;
    *function = others[index].function;
    return true;
}
