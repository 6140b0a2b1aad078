/* map.h - a file's bytes, mapped read-only. */
#ifndef SLM_MAP_H
#define SLM_MAP_H

#include "status.h"

struct map {
    const uint8_t *bytes;
    size_t size;
};

slm_status map_open(const char *path, struct map *map, slm_error *err);
void map_close(struct map *map);

/* Tells that a range will not be needed again, so its pages leave the process. Only whole pages inside it are dropped. */
void map_drop(const struct map *map, const void *start, size_t length);

#endif
