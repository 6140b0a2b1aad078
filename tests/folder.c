/* Files that tests write. */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f && fwrite(bytes, 1, size, f) == size && !fclose(f), "%s can't be written", path);
}

char test_folder[64];

void test_folder_make(void)
{
    strcpy(test_folder, "/tmp/slm-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(test_folder));
}

void test_folder_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", test_folder);
    ck_assert_int_eq(system(command), 0);
}
