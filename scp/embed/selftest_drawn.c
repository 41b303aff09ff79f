/* selftest_drawn OUTPUT.c: draws the self-test's inputs, when the node is built. */
#include "selftest_draw.h"

#include <stdio.h>

static int write_input(FILE *file, int i)
{
    static uint16_t pixels[SELFTEST_PIXELS];
    struct nn_error err = {0};
    if (selftest_draw(i, pixels, &err) != NN_OK)
        return fprintf(stderr, "selftest_drawn: %s\n", err.text), 70;
    (void)fprintf(file, "    {\n");
    for (int k = 0; k < SELFTEST_PIXELS; k++)
        (void)fprintf(file, "%d,%s", pixels[k], k % 20 == 19 ? "\n" : "");
    (void)fprintf(file, "    },\n");
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (!file)
        return fprintf(stderr, "usage: selftest_drawn OUTPUT.c\n"), 64;
    (void)fprintf(file, "/* Made by scp/embed/selftest_drawn.c. */\n#include \"selftest_draw.h\"\n"
                        "const uint16_t selftest_drawn[SELFTEST_INPUTS][SELFTEST_PIXELS] = {\n");
    for (int i = 0; i < SELFTEST_INPUTS && status == 0; i++)
        status = write_input(file, i);
    (void)fprintf(file, "};\n");
    if (ferror(file) || fclose(file) != 0)
        return perror(argv[1]), 74;
    return status;
}
