/* complete.c - continues a text with a model.
 *
 *   cc complete.c -o complete $(pkg-config --cflags --libs libslm)
 *   ./complete model.gguf "Once upon a time" 100
 */
#include <slm.h>

#include <stdio.h>
#include <stdlib.h>

/* Gets each piece of text as soon as it is there; never half a character. */
static bool print_text(void *user, slm_token token, const char *text, size_t length)
{
    (void)user;
    (void)token;
    return fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0; /* false stops */
}

static slm_status complete(const slm_model *model, const char *text, size_t max_tokens, slm_error *err)
{
    slm_session *session = NULL;
    slm_sampler *sampler = NULL;
    size_t length = strlen(text), count = 0;
    slm_token *tokens = malloc((2 * length + 2) * sizeof *tokens); /* a text never has more */
    slm_status status = SLM_MEMORY;
    if (tokens)
        status = slm_tokenize(model, text, length, SLM_TOKENIZE_BOS, tokens, 2 * length + 2, &count, err);
    else
        snprintf(err->message, sizeof err->message, "no memory for %zu tokens", 2 * length + 2);
    if (!status)
        status = slm_session_new(model, NULL, &session, err);
    if (!status)
        status = slm_sampler_new(model, NULL, &sampler, err);
    if (!status)
        status = slm_generate(session, 0, tokens, count, sampler, max_tokens, false, print_text, NULL, NULL, err);
    slm_sampler_free(sampler);
    slm_session_free(session);
    free(tokens);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: complete model.gguf \"text to continue\" [tokens]\n");
        return 1;
    }
    slm_model *model;
    slm_error err;
    slm_status status = slm_model_open(argv[1], NULL, &model, &err);
    if (!status) {
        fputs(argv[2], stdout);
        status = complete(model, argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 100, &err);
        putchar('\n');
    }
    if (status)
        fprintf(stderr, "complete: %s\n", err.message);
    slm_model_free(model);
    return status ? 1 : 0;
}
