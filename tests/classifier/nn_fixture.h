/* nn_fixture.h: a folder of one test, and GoogLeNet weights without shared data: He-scaled numbers
 * from a fixed stream, so that activations neither die nor explode. */
#ifndef NN_FIXTURE_H
#define NN_FIXTURE_H

#include "nn_model.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static inline void fixture_path(char *path, const char *dir, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

static inline char *fixture_dir(char template[32])
{
    snprintf(template, 32, "/tmp/nn-test-XXXXXX");
    char *dir = mkdtemp(template);
    assert_non_null(dir);
    return dir;
}

/* Removes the files that these tests make, then the folder. */
static inline void fixture_remove(const char *dir)
{
    static const char *const names[] = {"a.png",
                                        "a.jpg",
                                        "b.png",
                                        "model.xml",
                                        "weights.safetensors",
                                        "init.safetensors",
                                        "checkpoint.safetensors",
                                        "history.csv",
                                        "one.safetensors",
                                        "two.safetensors"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture_path(path, dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static inline float fixture_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (float)((double)(*state >> 40) / (double)(1 << 23) - 1.0);
}

static inline void fixture_seeded_weights(const char *path, int classes, int side, uint64_t state)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(classes, side, &err);
    assert_non_null(graph);
    size_t count = (size_t)nn_graph_parameter_count(graph);
    struct nn_tensor *tensors = calloc(count, sizeof *tensors);

    assert_non_null(tensors);
    for (size_t i = 0; i < count; i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, (int)i);
        float *data = malloc(p->elements * sizeof *data);
        assert_non_null(data);
        double fan = p->dims > 1 ? (double)p->elements / p->dim[0] : 1;
        float scale = p->dims > 1 ? (float)sqrt(6.0 / fan) : 0.01f;
        for (size_t k = 0; k < p->elements; k++)
            data[k] = scale * fixture_random(&state);
        tensors[i] = (struct nn_tensor){
            .name = p->name, .dims = p->dims, .elements = p->elements, .data = data};
        for (int d = 0; d < p->dims; d++)
            tensors[i].dim[d] = p->dim[d];
    }
    assert_int_equal(nn_weights_write(path, tensors, count, NULL, 0, NN_F16, &err), NN_OK);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)tensors[i].data);
    free(tensors);
    nn_graph_destroy(graph);
}

static inline void fixture_weights(const char *path, int classes, int side)
{
    fixture_seeded_weights(path, classes, side, 7);
}

static inline struct nn_model_info fixture_info(int side)
{
    struct nn_model_info info = {
        .name = "test-model",
        .version = "1.0",
        .network = "googlenet",
        .classes = 3,
        .class_ = {{"dislocation", true, 0.25}, {"fracture", true, 0.375}, {"normal", false, 0}},
        .preprocess = {.side = side,
                       .fit = NN_FIT_STRETCH,
                       .scale = {255, 255, 255},
                       .mean = {104, 117, 123}},
        .provenance = NN_SYNTHETIC,
        .provenance_text = "made by a test <of> \"quotes\" & entities",
        .intended_use = "tests",
        .modalities = "CR DX",
        .body_parts = "CSPINE",
        .views = "LL LATERAL",
        .minimum_age = 16};
    memset(info.weights_digest, 'a', 64);
    return info;
}

#endif
