/* fuzz.h - a fuzz target is a file tests/fuzz/fuzz_NAME.c, a line in targets.def and a folder corpus/NAME of small inputs:
 *
 *   FUZZ_TARGET(NAME)      // has: const uint8_t *data, size_t size
 *   {
 *       ...
 *       return 0;
 *   }
 *
 * `make fuzz` links one target with libFuzzer, which calls LLVMFuzzerTestOneInput. The test binary links all of them, calls
 * fuzz_NAME on its corpus, and needs no libFuzzer: hence the weak symbol. A crash that was mended leaves its input in the corpus. */
#ifndef SLM_FUZZ_H
#define SLM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_TARGET(name)                                                      \
    int fuzz_##name(const uint8_t *data, size_t size);                         \
    __attribute__((weak)) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_##name(data, size); } \
    int fuzz_##name(const uint8_t *data, size_t size)

#endif
