/* From a model folder to its first answer, and what a worker costs: bench_model DIR [THREADS]
 * Prints one line of JSON. The folder's files have been read before (its pages are in memory). */
#include "bench.h"
#include "nn_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9
#define SIDE   512

/* MiB of this process that no other shares and that were written. */
static double private_dirty(void)
{
    char line[256];
    double sum = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            sum = strtod(line + 14, NULL) / 1024;
    if (file != NULL)
        fclose(file);
    return sum;
}

static _Noreturn void die(const struct nn_error *err)
{
    fprintf(stderr, "bench_model: %s\n", err->text);
    exit(70);
}

static struct nn_judge *answer(const struct nn_model *model, struct nn_pool *pool,
                               const float *plane, bool explain)
{
    struct nn_error err = {0};
    struct nn_judge *judge;
    struct nn_judgement judgement;
    int side = nn_model_info(model)->preprocess.side;
    float *map = malloc((size_t)side * (size_t)side * sizeof *map);
    if (map == NULL || nn_judge_create(model, pool, &judge, &err) != NN_OK ||
        nn_judge_plane(judge, plane, SIDE, SIDE, &judgement, &err) != NN_OK ||
        (explain && nn_judge_saliency(judge, judgement.top, map, &err) != NN_OK))
        die(&err);
    free(map);
    return judge;
}

int main(int argc, char **argv)
{
    struct nn_error err = {0};
    struct nn_model *model;
    double took[ROUNDS];
    if (argc < 2) {
        fprintf(stderr, "usage: bench_model DIR [THREADS]\n");
        return 64;
    }
    float *plane = calloc((size_t)SIDE * SIDE, sizeof *plane);
    struct nn_pool *pool = nn_pool_create(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2);
    if (plane == NULL || pool == NULL)
        return 70;
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        plane[i] = (float)((i * 2654435761u) % 1000) / 1000;

    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        if (nn_model_open(argv[1], &model, &err) != NN_OK)
            die(&err);
        struct nn_judge *judge = answer(model, pool, plane, false);
        took[i] = bench_now() - start;
        nn_judge_destroy(judge);
        nn_model_close(model);
    }
    qsort(took, ROUNDS, sizeof *took, bench_ascending);

    double before = private_dirty();
    if (nn_model_open(argv[1], &model, &err) != NN_OK)
        die(&err);
    struct nn_judge *first = answer(model, pool, plane, true);
    double one = private_dirty();
    struct nn_judge *second = answer(model, pool, plane, true);
    double two = private_dirty();
    printf("{\"work\": \"model\", \"load_to_answer_ms\": %.1f, \"worker_mib\": %.1f, "
           "\"shared_mib\": %.1f}\n",
           took[ROUNDS / 2], two - one, one - before - (two - one));
    nn_judge_destroy(second);
    nn_judge_destroy(first);
    nn_model_close(model);
    nn_pool_destroy(pool);
    free(plane);
    return 0;
}
