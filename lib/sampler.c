#include "sampler.h"

#include <math.h>
#include <string.h>

/* Longest penalty window: a bound on memory, far above any context in use. */
#define WINDOW_MAX (1u << 20)

/* Scores are looked at in groups, in loops that compilers turn into vectors. Most groups hold nothing that could be chosen. */
enum { GROUP = 64 };

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

/* Scores first .. first + GROUP - 1; at the end of the n scores a copy, filled up with NaN. */
static const float *group_at(const float *scores, uint32_t n, uint32_t first, float copy[GROUP])
{
    if (n - first >= GROUP)
        return scores + first;
    for (uint32_t i = 0; i < GROUP; i++)
        copy[i] = first + i < n ? scores[first + i] : NAN;
    return copy;
}

/* Whether any score of a group is at least `limit`. NaN never is. */
static bool reaches(const float group[GROUP], float limit)
{
    int any = 0;
    for (int i = 0; i < GROUP; i++)
        any |= group[i] >= limit;
    return any;
}

/* The best token, the lowest id of equals. NaN compares false, so it never wins; all NaN gives 0. */
static slm_token greedy(const float *scores, uint32_t n)
{
    uint32_t best = 0;
    while (best < n - 1 && isnan(scores[best]))
        best++;
    if (isnan(scores[best]))
        return 0;
    float copy[GROUP];
    for (uint32_t first = best / GROUP * GROUP; first < n; first += GROUP) {
        const float *group = group_at(scores, n, first, copy);
        if (reaches(group, scores[best]))
            for (uint32_t i = 0; i < GROUP; i++)
                best = group[i] > scores[best] ? first + i : best;
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

static void make_heap(struct candidate *c, uint32_t n, bool best_on_top)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sift_down(c, n, i, best_on_top);
}

/* The k best tokens (fewer if there are not as many numbers), best first: a heap of the k best so far, then a heap sort. */
static uint32_t select_best(const float *scores, uint32_t vocab, uint32_t k, struct candidate *out)
{
    uint32_t i = 0, n = 0;
    for (; i < vocab && n < k; i++)
        if (!isnan(scores[i]))
            out[n++] = (struct candidate){.score = scores[i], .token = (slm_token)i};
    make_heap(out, n, false);
    float copy[GROUP];
    for (uint32_t first = i / GROUP * GROUP; first < vocab; first += GROUP) {
        const float *group = group_at(scores, vocab, first, copy);
        if (!reaches(group, out[0].score))
            continue;
        for (uint32_t j = i > first ? i - first : 0; j < GROUP; j++) {
            if (group[j] > out[0].score) { /* an equal one has a higher id */
                out[0] = (struct candidate){.score = group[j], .token = (slm_token)(first + j)};
                sift_down(out, n, 0, false);
            }
        }
    }
    for (uint32_t end = n; end > 1; end--)
        pop(out, end, false);
    return n;
}

/* The tokens with at least `share` of the best one's probability, in the order of ids; some may have a little less. */
static uint32_t select_likely(const float *scores, uint32_t vocab, float best, double share, struct candidate *out)
{
    const double margin = 1e-3; /* more than the errors of log and of weights; the float below goes beyond its own rounding */
    const float least = share > 0 ? nextafterf((float)((double)best + log(share) - margin), -INFINITY) : -INFINITY;
    uint32_t n = 0;
    float copy[GROUP];
    for (uint32_t first = 0; first < vocab; first += GROUP) {
        const float *group = group_at(scores, vocab, first, copy);
        if (!reaches(group, least))
            continue;
        for (uint32_t i = 0; i < GROUP; i++)
            if (group[i] >= least)
                out[n++] = (struct candidate){.score = group[i], .token = (slm_token)(first + i)};
    }
    return n;
}

/* weights[i] = exp((group[i] - best) / temperature), 0 for NaN; returns their sum. Equal infinities count as equal.
 *
 * exp(x) for x <= 0, within 1 ulp or so, by IEEE additions and multiplications only, so that it has the same bits everywhere:
 * x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor series to r^13 / 13! (the rest is below 2^-57); 2^n goes into the exponent. Below
 * 2^-1022 it is 0. */
static double weigh(const float group[GROUP], float best, float temperature, double weights[GROUP])
{
    const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;  /* the first 42 bits: n times them is exact */
    const double log2_e = 0x1.71547652b82fep+0, shift = 0x1.8p52;                   /* what is added to it is rounded, to its low bits */
    double x[GROUP], sum = 0;
    for (int i = 0; i < GROUP; i++)
        x[i] = ((double)group[i] - (double)best) / (double)temperature;
    for (int i = 0; i < GROUP; i++)
        x[i] = group[i] == best ? 0 : x[i];
    for (int i = 0; i < GROUP; i++) {
        const double shifted = x[i] * log2_e + shift, n = shifted - shift, r = x[i] - n * ln2_high - n * ln2_low;
        double y = 1.0 / 6227020800, power;
        y = y * r + 1.0 / 479001600;
        y = y * r + 1.0 / 39916800;
        y = y * r + 1.0 / 3628800;
        y = y * r + 1.0 / 362880;
        y = y * r + 1.0 / 40320;
        y = y * r + 1.0 / 5040;
        y = y * r + 1.0 / 720;
        y = y * r + 1.0 / 120;
        y = y * r + 1.0 / 24;
        y = y * r + 1.0 / 6;
        y = y * r + 1.0 / 2;
        y = y * r + 1;
        y = y * r + 1;
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits + 1023) << 52;
        memcpy(&power, &bits, sizeof power);
        weights[i] = y * power;
    }
    for (int i = 0; i < GROUP; i++)
        weights[i] = x[i] > -708.0 ? weights[i] : 0;
    for (int i = 0; i < GROUP; i++)
        sum += weights[i];
    return sum;
}

/* The same for n candidates. */
static double weigh_candidates(struct candidate *c, uint32_t n, float best, float temperature)
{
    double total = 0, weights[GROUP];
    for (uint32_t first = 0; first < n; first += GROUP) {
        float group[GROUP];
        for (uint32_t i = 0; i < GROUP; i++)
            group[i] = first + i < n ? c[first + i].score : NAN;
        total += weigh(group, best, temperature, weights);
        for (uint32_t i = 0; i < GROUP && first + i < n; i++)
            c[first + i].weight = weights[i];
    }
    return total;
}

/* top-p after top-k: how many of the n candidates, best first, make up the share `top_p`. */
static uint32_t nucleus(struct candidate *c, uint32_t n, double top_p)
{
    const double total = weigh_candidates(c, n, c[0].score, 1);
    double sum = 0;
    uint32_t kept = 0;
    while (kept < n && (kept == 0 || sum < top_p * total))
        sum += c[kept++].weight;
    return kept;
}

/* top-p of the whole vocabulary, best first. Those with less than an equal share of 1 - top_p have less than 1 - top_p together, so
 * the set never reaches down to them; of the rest, which are few in most texts, the best are taken one by one. */
static uint32_t nucleus_of_all(const float *scores, uint32_t vocab, float best, double top_p, struct candidate *c)
{
    double total = 0, sum = 0, weights[GROUP];
    float copy[GROUP];
    for (uint32_t first = 0; first < vocab; first += GROUP)
        total += weigh(group_at(scores, vocab, first, copy), best, 1, weights);
    const uint32_t n = select_likely(scores, vocab, best, (1 - top_p) * total / vocab, c);
    weigh_candidates(c, n, best, 1);
    make_heap(c, n, true);
    uint32_t kept = 0;
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

/* min-p: how many of the n candidates have that share of the best one's probability; their order stays. */
static uint32_t likely(struct candidate *c, uint32_t n, float best, double min_p)
{
    uint32_t kept = 0;
    weigh_candidates(c, n, best, 1);
    for (uint32_t i = 0; i < n; i++)
        if (c[i].weight >= min_p)
            c[kept++] = c[i];
    return kept;
}

/* top-k, then top-p, then min-p: fills the candidates and returns how many there are. */
static uint32_t limit(slm_sampler *s, const float *scores, float best)
{
    const uint32_t k = s->options.top_k;
    const double top_p = (double)s->options.top_p, min_p = (double)s->options.min_p;
    struct candidate *c = s->candidates;
    uint32_t n;
    if (k < s->vocab) {
        n = select_best(scores, s->vocab, k, c);
        n = top_p < 1 ? nucleus(c, n, top_p) : n;
    } else if (top_p < 1) {
        n = nucleus_of_all(scores, s->vocab, best, top_p, c);
    } else {
        n = select_likely(scores, s->vocab, best, min_p, c);
    }
    return min_p > 0 ? likely(c, n, best, min_p) : n;
}

/* Temperature and the draw. */
static slm_token draw(slm_sampler *s, uint32_t n, float best)
{
    struct candidate *c = s->candidates;
    double point = (double)pcg32_next(&s->random) * 0x1p-32 * weigh_candidates(c, n, best, s->options.temperature);
    uint32_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
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
