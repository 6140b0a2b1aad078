/* The demo model, inside slm-run: what answers when no -m is given. */
#if defined(__linux__) || defined(__ELF__)
    .section .rodata
    .globl demo_model, demo_model_end
    .hidden demo_model, demo_model_end
    .balign 64
demo_model:
    .incbin "examples/models/demo-q8_0.gguf"
demo_model_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
#endif
