/* The demo model, inside slm-run: what answers when no -m is given. */
    .section .rodata
    .globl demo_model, demo_model_size
    .hidden demo_model, demo_model_size
    .balign 64
demo_model:
    .incbin "examples/models/demo-q8_0.gguf"
end:
    .balign 8
demo_model_size:
    .quad end - demo_model
    .section .note.GNU-stack, "", %progbits
