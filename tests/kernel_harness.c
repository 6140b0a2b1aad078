#include "kernel_harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BUFFERS = 64, MAX_SAMPLES = 4096, CANARY = 64 };

struct buffer {
    uint8_t *map;           /* pages, then the inaccessible one */
    size_t map_size;
    uint8_t *data;
    size_t size;
};

struct harness_state {
    struct buffer buffers[MAX_BUFFERS];
    int count;
    struct buffer *want[MAX_BUFFERS], *got[MAX_BUFFERS];
    int pairs;
    char name[200];
    /* bench */
    const char *label, *unit;
    double work, samples[MAX_SAMPLES], began, last;
    int taken;
};

static uint8_t pattern(size_t i)
{
    return (uint8_t)(0xa5 ^ i * 29);
}

static struct buffer *new_buffer(struct harness *h, size_t size, size_t align)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct harness_state *s = h->state;
    if (s->count == MAX_BUFFERS)
        abort();
    struct buffer *b = &s->buffers[s->count++];
    b->map_size = (size + CANARY + align + page - 1) / page * page + page;
    b->map = mmap(NULL, b->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->map == MAP_FAILED || mprotect(b->map + b->map_size - page, page, PROT_NONE) != 0)
        abort();
    size_t start = (b->map_size - page - size) / align * align; /* the map is aligned to more */
    b->data = b->map + start;
    b->size = size;
    for (size_t i = start - CANARY; i < b->map_size - page; i++)
        b->map[i] = pattern(i);
    return b;
}

static bool canaries_alive(const struct buffer *b)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), start = (size_t)(b->data - b->map);
    for (size_t i = start - CANARY; i < b->map_size - page; i++) {
        if (i == start)
            i += b->size;
        if (i < b->map_size - page && b->map[i] != pattern(i))
            return false;
    }
    return true;
}

static void free_buffers(struct harness *h)
{
    struct harness_state *s = h->state;
    while (s->count > 0) {
        s->count--;
        munmap(s->buffers[s->count].map, s->buffers[s->count].map_size);
    }
    s->pairs = 0;
}

void harness_run(struct harness *h, const struct kernel_case *c, const struct kernels *ref, const struct kernels *tier)
{
    struct harness_state state;
    memset(&state, 0, sizeof state);
    h->ref = ref;
    h->tier = tier;
    h->slot = c->slot;
    h->arg = c->arg;
    h->random = test_seed();
    h->round = 0;
    h->state = &state;
    c->run(h);
    free_buffers(h);
    h->state = NULL;
}

void harness_begin(struct harness *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(h->state->name, sizeof h->state->name, format, args);
    va_end(args);
    free_buffers(h);
    h->round++;
}

void *harness_input(struct harness *h, size_t size, size_t align)
{
    return new_buffer(h, size, align)->data;
}

struct pair harness_output(struct harness *h, size_t size, size_t align)
{
    struct harness_state *s = h->state;
    struct buffer *want = new_buffer(h, size, align), *got = new_buffer(h, size, align);
    s->want[s->pairs] = want;
    s->got[s->pairs++] = got;
    return (struct pair){want->data, got->data};
}

void harness_fail(struct harness *h, const char *format, ...)
{
    if (h->failures++ > 0)
        return;
    int n = snprintf(h->message, sizeof h->message, "%s %s [%s] (SLM_TEST_SEED=%llu): ", isa_name(h->tier->isa), h->slot,
                     h->state->name, (unsigned long long)test_seed());
    va_list args;
    va_start(args, format);
    vsnprintf(h->message + n, sizeof h->message - (size_t)n, format, args);
    va_end(args);
}

bool harness_same(struct harness *h)
{
    const struct harness_state *s = h->state;
    for (int p = 0; p < s->pairs; p++) {
        const struct buffer *want = s->want[p], *got = s->got[p];
        for (size_t i = 0; i < want->size; i++) {
            if (want->data[i] != got->data[i]) {
                float w = 0, g = 0;
                if (i / 4 * 4 + 4 <= want->size) {
                    memcpy(&w, want->data + i / 4 * 4, 4);
                    memcpy(&g, got->data + i / 4 * 4, 4);
                }
                harness_fail(h, "output %d of %zu bytes differs from byte %zu on: want 0x%02x (as float %a), got 0x%02x (%a)", p,
                             want->size, i, want->data[i], w, got->data[i], g);
                return false;
            }
        }
        if (!canaries_alive(want) || !canaries_alive(got)) {
            harness_fail(h, "wrote outside of output %d (%s)", p, canaries_alive(want) ? "the tier" : "the reference");
            return false;
        }
    }
    return true;
}

bool harness_close(struct harness *h, const float *got, const double *want, const double *scale, size_t n, double limit)
{
    const double float_floor = 1e-38; /* results below are allowed to lose bits */
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= limit * (scale ? scale[i] : largest) + float_floor)) {
            harness_fail(h, "element %zu of %zu: %.9g, in double precision %.9g (scale %.3g, limit %g)", i, n, (double)got[i],
                         want[i], scale ? scale[i] : largest, limit);
            return false;
        }
    }
    return true;
}

void harness_floats(struct harness *h, float *x, size_t n, enum floats kind)
{
    float magnitude = test_uniform(&h->random, 0.001f, 10);
    uint32_t run = 0;
    for (size_t i = 0; i < n; i++) {
        float u = test_uniform(&h->random, -1, 1);
        uint32_t bits = test_random(&h->random);
        switch (kind) {
        case FLOATS_UNIFORM:
        case FLOAT_KINDS:
            x[i] = u;
            break;
        case FLOATS_OUTLIERS:
            x[i] = bits % 50 ? u : u * 1000;
            break;
        case FLOATS_ZERO:
            x[i] = bits & 1 ? 0.0f : -0.0f;
            break;
        case FLOATS_SIGNS:
            run = i % 16 ? run : bits >> 1;
            x[i] = (run & 2 ? run : bits) & 1 ? magnitude : -magnitude;
            break;
        case FLOATS_HUGE:
            x[i] = u * 1e37f;
            break;
        case FLOATS_TINY:
            x[i] = u * 1e-38f;
            break;
        case FLOATS_RANGE:
            x[i] = ldexpf(u, (int)(bits % 121) - 60);
            break;
        }
    }
}

int harness_int(struct harness *h, int low, int high)
{
    return low + (int)(test_random(&h->random) % (uint32_t)(high - low + 1));
}

size_t harness_length(int i)
{
    static const size_t longer[] = {127, 128, 172, 300, 1000, 2048, 4099};
    return i <= 70 ? (size_t)i : longer[i - 71];
}

struct pair harness_output_floats(struct harness *h, size_t n, enum floats kind)
{
    struct pair y = harness_output(h, n * sizeof(float), 4);
    harness_floats(h, y.want, n, kind);
    memcpy(y.got, y.want, n * sizeof(float));
    return y;
}

float *harness_input_floats(struct harness *h, size_t n, enum floats kind)
{
    float *x = harness_input(h, n * sizeof(float), 4);
    harness_floats(h, x, n, kind);
    return x;
}

double harness_half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t harness_half_bits(float f)
{
    double a = fmin(fabs((double)f), 65504);
    uint16_t sign = signbit(f) ? 0x8000 : 0;
    int exponent = a < ldexp(1, -14) ? -14 : ilogb(a);
    long units = lrint(ldexp(a, 10 - exponent)); /* 1024 and more for normal numbers; carries into the exponent by itself */
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + units));
}

/* ---- bench */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void harness_bench_start(struct harness *h, const char *label, double work, const char *unit)
{
    struct harness_state *s = h->state;
    s->label = label;
    s->work = work;
    s->unit = unit;
    s->taken = -1; /* the first round warms up */
    s->began = s->last = now();
}

bool harness_bench_next(struct harness *h)
{
    struct harness_state *s = h->state;
    if (!h->benching)
        return false;
    double t = now();
    if (s->taken >= 0)
        s->samples[s->taken] = t - s->last;
    s->taken++;
    if (s->taken < 5 || (t - s->began < 0.3 && s->taken < MAX_SAMPLES)) {
        s->last = now();
        return true;
    }
    qsort(s->samples, (size_t)s->taken, sizeof s->samples[0], ascending);
    double rate = s->work / s->samples[s->taken / 2] * 1e-9;
    double limit = strcmp(s->unit, "GB/s") == 0 ? h->read_gbps : strcmp(s->unit, "Gop/s") == 0 ? h->peak_gops : 0;
    printf("%-7s %-16s %-28s %9.2f %s", isa_name(h->tier->isa), h->slot, s->label, rate, s->unit);
    if (limit > 0)
        printf("  %5.1f %%", 100 * rate / limit);
    printf("\n");
    fflush(stdout);
    return false;
}
