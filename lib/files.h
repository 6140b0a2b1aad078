/* files.h - the files of a model, mapped, and their one directory. Most models are one file; large ones are cut into parts,
 * model-00001-of-00003.gguf and so on, of which the first has the metadata and each some of the tensors. */
#ifndef SLM_FILES_H
#define SLM_FILES_H

#include "gguf.h"
#include "map.h"

struct files {
    struct map *maps;       /* [count], by the part of a tensor */
    uint32_t count;
    struct gguf gguf;       /* of all parts */
};

/* Opens a file; if it is a part of a split model, whichever, all of its parts, which lie beside it. */
slm_status files_open(const mem *m, const char *path, struct files *files, slm_error *err);
void files_close(struct files *files);

/* For a model in memory: SLM_UNSUPPORTED if it is only a part of one. */
slm_status files_refuse_part(const struct gguf *gguf, slm_error *err);

#endif
