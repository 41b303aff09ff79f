/* make_model DIR [clinical]: a model folder without shared data, for tests that start the node.
 * With `clinical` its provenance is clinical, but nobody validated it. */
#include "nn_fixture.h"

int main(int argc, char **argv)
{
    static struct nn_model_info info;
    struct nn_model *model = NULL;
    struct nn_error err = {0};
    char path[PATH_MAX];
    if (argc < 2)
        return 64;

    fixture_path(path, argv[1], "weights.safetensors");
    fixture_weights(path, 3, 64);
    info = fixture_info(64);
    if (argc > 2)
        info.provenance = NN_CLINICAL;
    info.weights_digest[0] = '\0';
    if (nn_model_assemble(&info, path, &model, &err) != NN_OK)
        return fprintf(stderr, "%s\n", err.text), 70;
    info = *nn_model_info(model);
    nn_model_close(model);
    if (nn_model_write(argv[1], &info, &err) != NN_OK)
        return fprintf(stderr, "%s\n", err.text), 70;
    return 0;
}
