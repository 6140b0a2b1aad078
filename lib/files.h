/* files.h - the files of a model, mapped or in the caller's memory, and their one directory. Most models are one file; large ones are cut
 * into parts, model-00001-of-00003.gguf and so on, of which the first has the metadata and each some of the tensors. */
#ifndef SLM_FILES_H
#define SLM_FILES_H

#include "gguf.h"
#include "map.h"

struct files {
    struct map *maps;       /* [count], by the part of a tensor; NULL: in memory */
    uint32_t count;
    uint64_t bytes;         /* of all parts */
    struct gguf gguf;       /* of all parts */
};

/* Opens a file; if it is a part of a split model, whichever, all of its parts, which lie beside it. */
slm_status files_open(const mem *m, const char *path, struct files *files, slm_error *err);

/* The same of a file in memory, which is only read. SLM_UNSUPPORTED if it is a part of a split model. */
slm_status files_open_memory(const mem *m, const void *data, size_t size, struct files *files, slm_error *err);

void files_close(struct files *files);

#endif
