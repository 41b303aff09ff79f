/* PNG and JPEG bytes to a plane, and on to the network's input. */
#include "nn_model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nn_preprocess preprocess = {
        .side = 32, .fit = NN_FIT_PAD, .scale = {255, 255, 255}, .mean = {104, 117, 123}};
    static float input[3 * 32 * 32];
    struct nn_plane plane;
    struct nn_error err;

    if (nn_image_decode("input", data, size, &plane, &err) != NN_OK)
        return 0;
    if (nn_model_prepare(&preprocess, plane.pixels, plane.rows, plane.cols, input, &err) != NN_OK)
        abort();
    nn_plane_finish(&plane);
    return 0;
}
