/* cpu.c - asks the processor what it can do, and the operating system what it saves for us. */
#include "cpu.h"

#include <string.h>

static const char *const names[] = {
#define ISA(name) #name,
#include "isas.def"
#undef ISA
};

static bool supported_scalar(void)
{
    return true;
}

#if defined(__x86_64__)
#include <cpuid.h>

/* The register states that the operating system saves (XCR0); 0 if it says nothing. */
static uint64_t saved_states(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

enum { YMM_STATE = 0x06, ZMM_STATE = 0xe6 }; /* XMM and YMM; with opmask, ZMM 0-15 upper halves, ZMM 16-31 */

static bool supported_avx2(void)
{
    const uint32_t need = bit_FMA | bit_F16C | bit_AVX;
    uint32_t a, b, c, d;
    if ((saved_states() & YMM_STATE) != YMM_STATE)
        return false;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & need) != need)
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

static bool supported_avxvnni(void)
{
#if defined(SLM_EMULATE) /* the tests' build with emulated instructions */
    return supported_avx2();
#else
    const uint32_t avx_vnni = 1 << 4;
    uint32_t highest, a, b, c, d;
    if (!supported_avx2() || !__get_cpuid_count(7, 0, &highest, &b, &c, &d) || highest < 1)
        return false;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & avx_vnni);
#endif
}

static bool supported_avx512(void)
{
#if defined(SLM_EMULATE)
    return supported_avx2();
#else
    const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    uint32_t a, b, c, d;
    if (!supported_avx2() || (saved_states() & ZMM_STATE) != ZMM_STATE)
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & need) == need && (c & bit_AVX512VNNI);
#endif
}
#endif

#if defined(__aarch64__)
#include <sys/auxv.h>

static bool supported_armv8(void)
{
    return true; /* every 64-bit ARM processor that runs Linux has Advanced SIMD */
}

static bool supported_neon(void)
{
    const unsigned long asimd_dot_product = 1ul << 20; /* HWCAP_ASIMDDP */
    return getauxval(AT_HWCAP) & asimd_dot_product;
}

static bool supported_i8mm(void)
{
    const unsigned long matrix_multiply = 1ul << 13; /* HWCAP2_I8MM */
    return supported_neon() && getauxval(AT_HWCAP2) & matrix_multiply;
}
#endif

bool isa_supported(enum isa isa)
{
    switch (isa) {
#define ISA(name)                                                                                                     \
    case ISA_##name:                                                                                                       \
        return supported_##name();
#include "isas.def"
#undef ISA
    case ISA_COUNT:
        break;
    }
    return false;
}

enum isa isa_best(void)
{
    int isa = ISA_COUNT - 1;
    while (isa > 0 && !isa_supported(isa))
        isa--;
    return isa;
}

const char *isa_name(enum isa isa)
{
    return isa < ISA_COUNT ? names[isa] : "unknown";
}

enum isa isa_by_name(const char *name)
{
    int isa = 0;
    while (isa < ISA_COUNT && strcmp(names[isa], name) != 0)
        isa++;
    return isa;
}
