#!/bin/sh
# formats.sh - prints docs/formats.md from kernels/quants.def: `scripts/formats.sh > docs/formats.md` after a change there.
set -eu
cd "$(dirname "$0")/.."
cat <<'TEXT'
# Weight types

Made by `scripts/formats.sh` from `kernels/quants.def`; `make lint` checks that it is current. A file may hold any of them, a different
one for each tensor. *In the file* and *packed* are bits per weight: weights are packed once, when a model is loaded, into the layout that
`kernels/README.md` draws; decoding reads that many. *Block* is the number of values that share scales in the file; a row is a multiple
of it.

| type | GGUF number | block | in the file | packed | arithmetic |
|---|---|---|---|---|---|
TEXT
awk -F '[(),]' '
BEGIN {
    text["DENSE"] = "float multiply-adds"
    text["ONE_SCALE"] = "int8, one scale for 32 values"
    text["SCALE_MIN"] = "int8, scale and minimum for 32 values"
    text["TWO_SCALES"] = "int8, a scale for each 16 values"
    text["TWO_SCALES_MINS"] = "int8, scale and minimum for each 16 values"
}
/^QUANT\(/ {
    gsub(/ /, "")
    if (!($9 in text)) { print "formats.sh knows no family " $9 > "/dev/stderr"; exit 1 }
    printf "| %s | %d | %d | %.4g | %.4g | %s |\n", $2, $3, $4, 8 * $5 / $4, 8 * $6 / (16 * $4), text[$9]
}' kernels/quants.def
cat <<'TEXT'

Rows that are not a multiple of 256 values can't be of a type with blocks of 256. Quantizers give such tensors a type with blocks of 32
instead (Q4_K: Q5_0; Q5_K: Q5_1; Q6_K: Q8_0; Q2_K, Q3_K, IQ4_XS: IQ4_NL; TQ1_0, TQ2_0: Q4_0), and so do the random models of `slm-bench`.

F32, F16 and BF16 weights also serve as vectors (norms, biases). Types of GGUF that are not in the table are refused by name, with the
list of those that are.
TEXT
