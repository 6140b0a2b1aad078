/* machine.h - what the bench runs on. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>
#include <stdio.h>

/* The processor's name, as the system has it. */
void machine_name(char *name, size_t room);

/* Prints the processor, the tiers and the kernel in every slot of the tier `isa` (NULL: the one that would be chosen). Returns
 * an exit status; problems go to stderr. */
int machine_print(FILE *file, const char *isa);

/* What the library sees of the machine's cores, which it chooses and why. Returns the exit code. */
int topology_print(FILE *f);

#endif
