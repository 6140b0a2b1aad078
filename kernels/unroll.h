/* unroll.h - how to tell the compiler what the kernels' bodies rely on. */
#ifndef SLM_UNROLL_H
#define SLM_UNROLL_H

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Before a loop of constant count over registers: unroll it whole. (Of clang's forms only this one is obeyed, too, where the count is an
 * argument that inlining makes constant.) */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Left alone, compilers reorder sums of integers into trees and keep broadcast values for a second use, and then run out of
 * registers. KEEP: this sum is formed here as written. RELOAD: values read before are read again after. LAUNDER: what a pointer leads to
 * is read anew, not kept since it was last read or written. None is an instruction. */
#if defined(SLM_EMULATE) /* vectors are structs */
#define KEEP(vector) ((void)0)
#else
#define KEEP(vector) __asm__("" : "+x"(vector))
#endif
#define RELOAD() __asm__ volatile("" : : : "memory")
#define LAUNDER(pointer) __asm__("" : "+r"(pointer) : : "memory")

#endif
