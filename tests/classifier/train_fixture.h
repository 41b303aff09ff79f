/* train_fixture.h: trainings that take a blink: bright spots above or below, a network of two
 * layers with batch normalisation and dropout, a folder. */
#ifndef TRAIN_FIXTURE_H
#define TRAIN_FIXTURE_H

#include "nn_fixture.h"
#include "train/train_internal.h"

#define SPOT_SIDE 32

struct spots {
    bool inverted;  /* labels are the wrong way round */
    int lone_every; /* class 1 is only every so many-th; 0: every second */
    size_t nan_at;  /* this sample (from 1) holds a NaN */
};

static inline int spots_label(void *context, size_t index, uint64_t epoch)
{
    const struct spots *spots = context;
    size_t every = spots && spots->lone_every ? (size_t)spots->lone_every : 2;
    (void)epoch;
    return (index % every == every - 1) != (spots && spots->inverted);
}

static inline enum nn_status spots_load(void *context, size_t index, uint64_t epoch,
                                        struct nn_plane *plane, struct nn_error *err)
{
    const struct spots *spots = context;
    uint64_t state = index * 977 + epoch;
    bool low = spots_label(context, index, epoch) != (spots && spots->inverted);

    *plane = (struct nn_plane){SPOT_SIDE, SPOT_SIDE, calloc(SPOT_SIDE * SPOT_SIDE, sizeof(float))};
    if (!plane->pixels)
        return nn_fail(err, NN_NO_MEMORY, "no memory");
    for (int i = 0; i < SPOT_SIDE * SPOT_SIDE; i++)
        plane->pixels[i] = 0.3f + 0.1f * fixture_random(&state);
    for (int y = 0; y < 8; y++) {
        for (int x = 10; x < 22; x++)
            plane->pixels[(y + (low ? 20 : 4)) * SPOT_SIDE + x] = 0.6f;
    }
    if (spots && spots->nan_at == index + 1)
        plane->pixels[5] = NAN;
    return NN_OK;
}

static inline struct nn_source spots_source(struct spots *spots, size_t count)
{
    return (struct nn_source){spots, count, 0, spots_label, spots_load, NULL};
}

static const char *const tiny_heads[] = {"head", NULL};

static inline struct nn_graph *tiny_graph_of(float epsilon)
{
    struct nn_graph *g = nn_graph_create();
    struct nn_error err;
    int at = nn_graph_input(g, "data", (struct nn_shape){3, SPOT_SIDE, SPOT_SIDE});

    at = nn_graph_conv2d(g, "first/conv", at,
                         (struct nn_conv2d){.out_channels = 6,
                                            .kernel_h = 5,
                                            .kernel_w = 5,
                                            .stride_h = 4,
                                            .stride_w = 4,
                                            .groups = 1});
    at = nn_graph_batch_norm(g, "first/norm", at,
                             (struct nn_batch_norm){.epsilon = epsilon, .momentum = 0.1f});
    at = nn_graph_relu(g, "first/relu", at);
    at = nn_graph_linear(g, "second", at, 12, true);
    at = nn_graph_dropout(g, "drop", at, 0.3f);
    at = nn_graph_linear(g, "head", at, 2, false);
    (void)nn_graph_softmax(g, "prob", at);
    if (nn_graph_finish(g, &err) != NN_OK)
        fail_msg("%s", err.text);
    return g;
}

static inline struct nn_graph *tiny_graph(void)
{
    return tiny_graph_of(1e-5f);
}

/* Of the folder `dir`; graph is the caller's. */
static inline struct nn_train_settings tiny_settings(struct nn_graph *graph, const char *dir)
{
    return (struct nn_train_settings){
        .network = "tiny",
        .graph = graph,
        .heads = tiny_heads,
        .classes = 2,
        .preprocess = {.side = SPOT_SIDE, .scale = {1, 1, 1}, .mean = {0.4f, 0.4f, 0.4f}},
        .checkpoint_dir = dir,
        .epochs = 4,
        .batch = 5,
        .optimiser = {.kind = NN_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
        .rate = 0.002,
        .rate_drop_epochs = 4,
        .rate_drop = 0.5,
        .head_rate_factor = 1,
        .seed = 11,
        .threads = 1,
    };
}

static inline void weights_digest(const char *path, char digest[65])
{
    struct nn_weights *weights;
    struct nn_error err;

    if (nn_weights_open(path, &weights, &err) != NN_OK)
        fail_msg("%s", err.text);
    snprintf(digest, 65, "%s", nn_weights_digest(weights));
    nn_weights_close(weights);
}

#endif
