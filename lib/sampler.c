#include "sampler.h"

#include <math.h>
#include <string.h>

/* Longest penalty window: a bound on memory, far above any context in use. */
#define WINDOW_MAX (1u << 20)

struct candidate {
    float score;
    slm_token token;
    double weight;                  /* exp(score - best), the probability up to a common factor */
};

struct slm_sampler {
    mem mem;
    slm_sampler_options options;    /* its bias pointer is not used */
    uint32_t vocab;
    uint64_t random;                /* state of the generator */
    float *scores;                  /* [vocab]: the logits after bias and penalties */
    float *bias;                    /* [vocab], or NULL: none */
    struct candidate *candidates;   /* [vocab], or [top_k] */
    uint32_t *counts;               /* [vocab]: occurrences in the window */
    slm_token *window;              /* ring of the recent tokens */
    uint32_t used, next;            /* how many it holds, where the next one goes */
};

/* PCG32 (O'Neill 2014), XSH RR 64/32: the state is a 64-bit LCG, the output its high bits, xor-shifted and rotated by the top five.
 * The stream is number 54, that of the published example: seed 42 gives 0xa15c02b7, 0x7b47f409, 0xba1d3330, ... */
#define PCG_INCREMENT (54u << 1 | 1u)

static uint32_t pcg32_next(uint64_t *state)
{
    uint64_t old = *state;
    *state = old * 6364136223846793005u + PCG_INCREMENT;
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);
    return mixed >> turn | mixed << (-turn & 31);
}

static uint64_t pcg32_seed(uint64_t seed)
{
    uint64_t state = 0;
    pcg32_next(&state);
    state += seed;
    pcg32_next(&state);
    return state;
}

/* exp(x) for x <= 0, within 1 ulp or so, by IEEE additions and multiplications only, so that it has the same bits everywhere.
 * x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor series to r^13 / 13! (the rest is below 2^-57); 2^n goes into the exponent.
 * Below 2^-1022 it gives 0; so do -inf and NaN. */
static double exp_negative(double x)
{
    static const double inverse[] = { /* 1 / n! */
        1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
        1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
    };
    if (!(x > -708.0))
        return 0;
    int n = (int)(x * 0x1.71547652b82fep+0 - 0.5);              /* log2 e; nearest, since x <= 0 */
    double r = x - n * 0x1.62e42fefa3800p-1;                    /* ln 2, its first 42 bits: the product is exact */
    r -= n * 0x1.ef35793c76730p-45;                             /* and the rest */
    double y = inverse[13];
    for (int i = 12; i >= 0; i--)
        y = y * r + inverse[i];
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

static slm_status check_options(const slm_sampler_options *o, uint32_t vocab, slm_error *err)
{
    if (!(o->temperature >= 0 && isfinite(o->temperature)))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "temperature is %g; give 0 (greedy) or a positive number", (double)o->temperature);
    if (!(o->top_p >= 0 && o->top_p <= 1))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "top_p is %g; give a number from 0 to 1 (1: all)", (double)o->top_p);
    if (!(o->min_p >= 0 && o->min_p <= 1))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "min_p is %g; give a number from 0 (none) to 1", (double)o->min_p);
    if (!(o->repeat_penalty > 0 && isfinite(o->repeat_penalty)))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "repeat_penalty is %g; give a positive number (1: none)",
                    (double)o->repeat_penalty);
    if (!isfinite(o->presence_penalty) || !isfinite(o->frequency_penalty))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "presence_penalty and frequency_penalty must be finite (0: none)");
    if (o->penalty_window > WINDOW_MAX)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "penalty_window is %u; give at most %u", o->penalty_window, WINDOW_MAX);
    if (o->bias_count && !o->bias)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "bias is NULL but bias_count is %zu", o->bias_count);
    for (size_t i = 0; i < o->bias_count; i++) {
        if (o->bias[i].token < 0 || (uint32_t)o->bias[i].token >= vocab)
            return fail(err, SLM_INVALID, SLM_NO_OFFSET, "logit bias for token %d; tokens go from 0 to %u", o->bias[i].token, vocab - 1);
        if (isnan(o->bias[i].bias))
            return fail(err, SLM_INVALID, SLM_NO_OFFSET, "logit bias for token %d is not a number", o->bias[i].token);
    }
    return SLM_OK;
}

static bool has_penalties(const slm_sampler_options *o)
{
    return o->penalty_window && (o->repeat_penalty != 1 || o->presence_penalty != 0 || o->frequency_penalty != 0);
}

slm_status sampler_new(const mem *m, uint32_t vocab_size, const slm_sampler_options *options, slm_sampler **sampler, slm_error *err)
{
    *sampler = NULL;
    if (vocab_size == 0 || vocab_size > INT32_MAX)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "a vocabulary of %u tokens can't be sampled from", vocab_size);
    TRY(check_options(options, vocab_size, err));
    slm_sampler *s = mem_zalloc(m, 1, sizeof *s);
    if (!s)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a sampler");
    s->mem = *m;
    s->options = *options;
    s->vocab = vocab_size;
    if (!has_penalties(options))
        s->options.penalty_window = 0;
    if (options->top_k == 0 || options->top_k > vocab_size)
        s->options.top_k = vocab_size;
    bool draws = options->temperature > 0;
    bool ok = (s->scores = mem_alloc(m, vocab_size, sizeof *s->scores)) != NULL;
    ok = ok && (!draws || (s->candidates = mem_alloc(m, s->options.top_k, sizeof *s->candidates)));
    ok = ok && (!options->bias_count || (s->bias = mem_zalloc(m, vocab_size, sizeof *s->bias)));
    ok = ok && (!s->options.penalty_window || (s->counts = mem_alloc(m, vocab_size, sizeof *s->counts)));
    ok = ok && (!s->options.penalty_window || (s->window = mem_alloc(m, s->options.penalty_window, sizeof *s->window)));
    if (!ok) {
        sampler_free(s);
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for sampling from %u tokens", vocab_size);
    }
    for (size_t i = 0; i < options->bias_count; i++)
        s->bias[options->bias[i].token] += options->bias[i].bias;
    sampler_reset(s);
    *sampler = s;
    return SLM_OK;
}

void sampler_free(slm_sampler *s)
{
    if (!s)
        return;
    mem m = s->mem;
    mem_free(&m, s->scores);
    mem_free(&m, s->bias);
    mem_free(&m, s->candidates);
    mem_free(&m, s->counts);
    mem_free(&m, s->window);
    mem_free(&m, s);
}

uint32_t sampler_vocab(const slm_sampler *s)
{
    return s->vocab;
}

void sampler_reset(slm_sampler *s)
{
    s->random = pcg32_seed(s->options.seed);
    s->used = s->next = 0;
    if (s->counts)
        memset(s->counts, 0, s->vocab * sizeof *s->counts);
}

void sampler_accept(slm_sampler *s, slm_token token)
{
    uint32_t size = s->options.penalty_window;
    if (size == 0 || token < 0 || (uint32_t)token >= s->vocab)
        return;
    if (s->used == size)
        s->counts[s->window[s->next]]--;
    else
        s->used++;
    s->window[s->next] = token;
    s->counts[token]++;
    s->next = s->next + 1 == size ? 0 : s->next + 1;
}

/* The logits with bias and penalties. Assigning is idempotent, so a token that stands twice in the window is penalized once. */
static const float *adjust(slm_sampler *s, const float *logits)
{
    const slm_sampler_options *o = &s->options;
    if (!s->bias && s->used == 0)
        return logits;
    if (!s->bias)
        memcpy(s->scores, logits, s->vocab * sizeof *logits);
    else
        for (uint32_t i = 0; i < s->vocab; i++)
            s->scores[i] = logits[i] + s->bias[i];
    for (uint32_t i = 0; i < s->used; i++) {
        slm_token t = s->window[i];
        float score = s->bias ? logits[t] + s->bias[t] : logits[t];
        score = score > 0 ? score / o->repeat_penalty : score * o->repeat_penalty;
        s->scores[t] = score - (float)s->counts[t] * o->frequency_penalty - o->presence_penalty;
    }
    return s->scores;
}

/* The best token, the lowest id of equals. NaN compares false, so it never wins; all NaN gives 0. */
static slm_token greedy(const float *scores, uint32_t n)
{
    uint32_t best = 0;
    while (best < n - 1 && isnan(scores[best]))
        best++;
    if (isnan(scores[best]))
        return 0;
    float top = scores[best];
    for (uint32_t i = best + 1; i < n; i++) {
        if (scores[i] > top) {
            top = scores[i];
            best = i;
        }
    }
    return (slm_token)best;
}

/* Whether a is chosen before b: a total order, so that the result does not depend on how candidates are found. */
static bool before(struct candidate a, struct candidate b)
{
    return a.score > b.score || (a.score == b.score && a.token < b.token);
}

/* Restores the heap below position i; at 0 stands the best or the worst candidate. */
static void sift_down(struct candidate *heap, uint32_t n, uint32_t i, bool best_on_top)
{
    struct candidate moved = heap[i];
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(heap[child + 1], heap[child]) == best_on_top)
            child++;
        if (before(heap[child], moved) != best_on_top)
            break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* Moves the top of a heap of n to the place behind the heap that remains. */
static void pop(struct candidate *heap, uint32_t n, bool best_on_top)
{
    struct candidate top = heap[0];
    heap[0] = heap[n - 1];
    heap[n - 1] = top;
    sift_down(heap, n - 1, 0, best_on_top);
}

/* The k best tokens (fewer if there are not as many numbers), best first: a heap of the k best so far, then a heap sort. */
static uint32_t select_best(const float *scores, uint32_t vocab, uint32_t k, struct candidate *out)
{
    uint32_t i = 0, n = 0;
    for (; i < vocab && n < k; i++)
        if (!isnan(scores[i]))
            out[n++] = (struct candidate){.score = scores[i], .token = (slm_token)i};
    for (uint32_t j = n / 2; j-- > 0;)
        sift_down(out, n, j, false);
    for (; i < vocab; i++) {
        if (scores[i] > out[0].score) { /* an equal one has a higher id */
            out[0] = (struct candidate){.score = scores[i], .token = (slm_token)i};
            sift_down(out, n, 0, false);
        }
    }
    for (uint32_t end = n; end > 1; end--)
        pop(out, end, false);
    return n;
}

/* exp((score - best) / temperature). Equal infinities count as equal. */
static double weigh(float score, float best, float temperature)
{
    return score == best ? 1.0 : exp_negative(((double)score - (double)best) / (double)temperature);
}

/* top-p after top-k: how many of the n candidates, best first, make up the share `top_p`. */
static uint32_t nucleus(struct candidate *c, uint32_t n, double top_p)
{
    double total = 0, sum = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        total += c[i].weight = weigh(c[i].score, c[0].score, 1.0f);
    while (kept < n && (kept == 0 || sum < top_p * total))
        sum += c[kept++].weight;
    return kept;
}

/* top-p of the whole vocabulary, best first. Those with less than an equal share of 1 - top_p have less than 1 - top_p together, so
 * the set never reaches down to them; of the rest, which are few in most texts, the best are taken one by one. */
static uint32_t nucleus_of_all(const float *scores, uint32_t vocab, float best, double top_p, struct candidate *c)
{
    uint32_t n = 0, kept = 0;
    double total = 0, sum = 0;
    for (uint32_t i = 0; i < vocab; i++) {
        c[i] = (struct candidate){.score = scores[i], .token = (slm_token)i, .weight = weigh(scores[i], best, 1.0f)};
        total += c[i].weight;
    }
    double least = 0.999 * (1 - top_p) * total / vocab; /* less by more than the rounding errors */
    for (uint32_t i = 0; i < vocab; i++)
        if (c[i].weight >= least) /* NaN has none */
            c[n++] = c[i];
    for (uint32_t j = n / 2; j-- > 0;)
        sift_down(c, n, j, true);
    while (kept < n && (kept == 0 || sum < top_p * total)) {
        pop(c, n - kept, true);
        sum += c[n - ++kept].weight;
    }
    for (uint32_t i = 0; i < kept && i < n / 2; i++) { /* they stand at the end, the best last */
        struct candidate other = c[i];
        c[i] = c[n - 1 - i];
        c[n - 1 - i] = other;
    }
    return kept;
}

/* top-k and top-p: fills the candidates and returns how many there are, best first where there is a limit. */
static uint32_t limit(slm_sampler *s, const float *scores, float best)
{
    const slm_sampler_options *o = &s->options;
    struct candidate *c = s->candidates;
    uint32_t n = 0;
    if (o->top_k < s->vocab) {
        n = select_best(scores, s->vocab, o->top_k, c);
        return o->top_p < 1 ? nucleus(c, n, (double)o->top_p) : n;
    }
    if (o->top_p < 1)
        return nucleus_of_all(scores, s->vocab, best, (double)o->top_p, c);
    for (uint32_t i = 0; i < s->vocab; i++)
        if (!isnan(scores[i]))
            c[n++] = (struct candidate){.score = scores[i], .token = (slm_token)i};
    return n;
}

/* min-p, temperature and the draw. */
static slm_token draw(slm_sampler *s, uint32_t n, float best)
{
    const slm_sampler_options *o = &s->options;
    struct candidate *c = s->candidates;
    uint32_t kept = 0;
    double total = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (o->min_p > 0 && weigh(c[i].score, best, 1.0f) < (double)o->min_p)
            continue;
        c[i].weight = weigh(c[i].score, best, o->temperature);
        total += c[i].weight;
        c[kept++] = c[i];
    }
    double point = (double)pcg32_next(&s->random) * 0x1p-32 * total;
    uint32_t last = 0;
    for (uint32_t i = 0; i < kept; i++) {
        if (c[i].weight <= 0)
            continue;
        last = i;
        if (point < c[i].weight)
            break;
        point -= c[i].weight;
    }
    return c[last].token;
}

slm_token sampler_next(slm_sampler *s, const float *logits)
{
    const float *scores = adjust(s, logits);
    slm_token token = greedy(scores, s->vocab);
    float best = scores[token];
    if (s->options.temperature > 0 && !isnan(best))
        token = draw(s, limit(s, scores, best), best);
    sampler_accept(s, token);
    return token;
}
