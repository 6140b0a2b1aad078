/* pin.h - the option --pin: which CPUs a tool's threads may run on. */
#ifndef PIN_H
#define PIN_H

#include <stdbool.h>

/* Binds the process, and so the threads it will start, to CPUs: "none" leaves it alone, "auto" takes those that the library
 * chooses (slm_topology_get), a list names them: "0-3,8". To be called before the first session. False after a failure that has
 * been reported. */
bool pin(const char *how);

#endif
