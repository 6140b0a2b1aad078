// stream.cpp - the same from C++, one token at a time: decode, look at the logits, sample, print.
//
//   c++ -std=c++17 stream.cpp -o stream $(pkg-config --cflags --libs libslm)
//   ./stream model.gguf "Once upon a time" 100
#include <slm.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// Every slm object has its free function; unique_ptr calls it.
struct Free {
    void operator()(slm_model *model) const { slm_model_free(model); }
    void operator()(slm_session *session) const { slm_session_free(session); }
    void operator()(slm_sampler *sampler) const { slm_sampler_free(sampler); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

static void check(slm_status status, const slm_error &err)
{
    if (status != SLM_OK)
        throw std::runtime_error(err.message);
}

static Owned<slm_model> open_model(const char *path)
{
    slm_model *model;
    slm_error err;
    check(slm_model_open(path, nullptr, &model, &err), err);
    return Owned<slm_model>(model);
}

static Owned<slm_session> new_session(const slm_model *model)
{
    slm_session *session;
    slm_error err;
    check(slm_session_new(model, nullptr, &session, &err), err);
    return Owned<slm_session>(session);
}

static Owned<slm_sampler> new_sampler(const slm_model *model)
{
    slm_sampler_options options = slm_sampler_options_default();
    options.temperature = 0; // greedy
    slm_sampler *sampler;
    slm_error err;
    check(slm_sampler_new(model, &options, &sampler, &err), err);
    return Owned<slm_sampler>(sampler);
}

static std::vector<slm_token> tokenize(const slm_model *model, const std::string &text)
{
    std::vector<slm_token> tokens(text.size() + 2);
    size_t count;
    slm_error err;
    check(slm_tokenize(model, text.data(), text.size(), SLM_TOKENIZE_BOS, tokens.data(), tokens.size(), &count, &err), err);
    tokens.resize(count);
    return tokens;
}

static void stream(const slm_model *model, const std::string &text, long max_tokens)
{
    Owned<slm_session> session = new_session(model);
    Owned<slm_sampler> sampler = new_sampler(model);
    std::vector<slm_token> batch_tokens = tokenize(model, text); // first the text, then each new token
    slm_detokenizer detokenizer = {};
    detokenizer.started = !text.empty(); // what comes continues a text
    char piece[1024];
    slm_error err;
    for (long i = 0; i < max_tokens; i++) {
        slm_batch batch = {};
        batch.tokens = batch_tokens.data();
        batch.count = batch_tokens.size();
        check(slm_decode(session.get(), &batch, &err), err);
        slm_token token = slm_sampler_next(sampler.get(), slm_logits(session.get(), 0));
        if (slm_token_is_end(model, token))
            break;
        slm_detokenize(model, &detokenizer, token, piece, sizeof piece);
        std::fputs(piece, stdout);
        std::fflush(stdout);
        batch_tokens.assign(1, token);
    }
    slm_detokenize(model, &detokenizer, SLM_TOKEN_NONE, piece, sizeof piece); // what is left of a character
    std::puts(piece);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: stream model.gguf \"text to continue\" [tokens]\n");
        return 1;
    }
    try {
        Owned<slm_model> model = open_model(argv[1]);
        std::fputs(argv[2], stdout);
        stream(model.get(), argv[2], argc > 3 ? std::strtol(argv[3], nullptr, 10) : 100);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "stream: %s\n", e.what());
        return 1;
    }
}
