/* make_model DIR [clinical | own | SEED]: a model folder without shared data, for tests that start
 * the node. With `clinical` its provenance is clinical, but nobody validated it. With `own` it is a
 * small residual network with batch normalisation that no name stands for, as an importer leaves
 * it. SEED: other weights. */
#include "nn_fixture.h"

static struct nn_graph *residual(struct nn_error *err)
{
    struct nn_conv2d conv = {.out_channels = 8,
                             .kernel_h = 5,
                             .kernel_w = 5,
                             .stride_h = 4,
                             .stride_w = 4,
                             .pad_h = 2,
                             .pad_w = 2,
                             .groups = 1};
    const struct nn_batch_norm norm = {.epsilon = 1e-5f, .momentum = 0.1f};
    struct nn_graph *g = nn_graph_create();
    int at = nn_graph_input(g, "image", (struct nn_shape){3, 64, 64});

    at = nn_graph_conv2d(g, "stem", at, conv);
    at = nn_graph_relu(g, "stem.relu", nn_graph_batch_norm(g, "stem.norm", at, norm));
    conv.stride_h = conv.stride_w = 1;
    int branch = nn_graph_batch_norm(g, "block.norm", nn_graph_conv2d(g, "block", at, conv), norm);
    at = nn_graph_add(g, "block.sum", (const int[2]){at, branch}, 2, true);
    at = nn_graph_linear(g, "fc", nn_graph_global_avg_pool(g, "pool", at), 3, false);
    (void)nn_graph_softmax(g, "prob", at);
    return nn_graph_finish(g, err) == NN_OK ? g : NULL;
}

static enum nn_status make_own(const char *dir, struct nn_model_info *info, struct nn_error *err)
{
    static const char *const fresh[] = {"stem", "stem.norm", "block", "block.norm", "fc", NULL};
    struct nn_tensor tensors[32];
    struct nn_values *values = NULL;
    struct nn_graph *graph = residual(err);

    if (!graph)
        return err->status;
    enum nn_status status = nn_values_create(graph, NULL, true, fresh, 5, &values, err);
    int count = nn_graph_parameter_count(graph);
    for (int i = 0; status == NN_OK && i < count && i < 32; i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, i);
        tensors[i] = (struct nn_tensor){.name = p->name,
                                        .dims = p->dims,
                                        .elements = p->elements,
                                        .data = nn_values_peek(values, i)};
        for (int d = 0; d < p->dims; d++)
            tensors[i].dim[d] = p->dim[d];
    }
    snprintf(info->network, sizeof info->network, NN_OWN_GRAPH);
    if (status == NN_OK)
        status = nn_model_save(dir, info, graph, tensors, (size_t)count, NN_F32, err);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
    return status;
}

int main(int argc, char **argv)
{
    static struct nn_model_info info;
    struct nn_model *model = NULL;
    struct nn_error err = {0};
    char path[PATH_MAX];
    if (argc < 2)
        return 64;

    if (argc > 2 && strcmp(argv[2], "own") == 0) {
        info = fixture_info(64);
        if (make_own(argv[1], &info, &err) != NN_OK)
            return fprintf(stderr, "%s\n", err.text), 70;
        return 0;
    }
    fixture_path(path, argv[1], "weights.safetensors");
    char *end = argv[argc > 2 ? 2 : 0];
    unsigned long seed = argc > 2 ? strtoul(end, &end, 10) : 0;
    bool seeded = argc > 2 && *end == '\0';
    fixture_seeded_weights(path, 3, 64, seeded ? seed : 7);
    info = fixture_info(64);
    if (argc > 2 && !seeded)
        info.provenance = NN_CLINICAL;
    info.weights_digest[0] = '\0';
    if (nn_model_assemble(&info, NULL, path, &model, &err) != NN_OK)
        return fprintf(stderr, "%s\n", err.text), 70;
    info = *nn_model_info(model);
    nn_model_close(model);
    if (nn_model_write(argv[1], &info, NULL, &err) != NN_OK)
        return fprintf(stderr, "%s\n", err.text), 70;
    return 0;
}
