/* A fuzz target over its first inputs, and over nothing: run_seeds FOLDER... What libFuzzer does
 * first, in every build. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static size_t inputs;

/* In a room of its own length: a sanitizer sees what is read behind it. */
static int run(const char *path, const struct stat *known, int type, struct FTW *at)
{
    (void)at;
    if (type != FTW_F)
        return 0;
    size_t size = (size_t)known->st_size;
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rbe");
    if (bytes == NULL || file == NULL || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    inputs++;
    return 0;
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    (void)LLVMFuzzerTestOneInput(nothing, 0);
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], run, 8, 0) != 0) {
            perror(argv[i]);
            return 1;
        }
    printf("%zu inputs\n", inputs);
    return argc > 1 && inputs == 0; /* folders without any are a mistake */
}
