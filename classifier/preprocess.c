/* preprocess.c: a plane of any size becomes the network's input. The one path for training, the
 * node and the tools (papers.md, Preprocessing: resize; the same plane in all three channels). */
#include "nn_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 4096

/* Fits the plane into side x side without changing its aspect, black around it, centred. */
static enum nn_status pad(const float *plane, int rows, int cols, int side, float *to,
                          struct nn_error *err)
{
    int longer = rows > cols ? rows : cols;
    int h = (int)lround((double)rows * side / longer),
        w = (int)lround((double)cols * side / longer);
    enum nn_status status;

    h = h < 1 ? 1 : h;
    w = w < 1 ? 1 : w;
    float *small = malloc((size_t)h * (size_t)w * sizeof *small);
    if (!small)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for %d x %d", h, w);
    status = nn_plane_resize(plane, rows, cols, small, h, w, err);
    if (status == NN_OK) {
        int top = (side - h) / 2, left = (side - w) / 2;
        memset(to, 0, (size_t)side * (size_t)side * sizeof *to);
        for (int y = 0; y < h; y++)
            memcpy(to + (size_t)(top + y) * (size_t)side + left, small + (size_t)y * (size_t)w,
                   (size_t)w * sizeof *to);
    }
    free(small);
    return status;
}

enum nn_status nn_model_prepare(const struct nn_preprocess *preprocess, const float *plane,
                                int rows, int cols, float *input, struct nn_error *err)
{
    int side = preprocess->side;
    if (side < 1 || side > MAX_SIDE || rows < 1 || cols < 1)
        return nn_fail(err, NN_INVALID, "preprocess: %d x %d to side %d", rows, cols, side);

    size_t area = (size_t)side * (size_t)side;
    float *grey = input + 2 * area; /* the last channel is the scratch of the first two */
    enum nn_status status = preprocess->fit == NN_FIT_PAD
                                ? pad(plane, rows, cols, side, grey, err)
                                : nn_plane_resize(plane, rows, cols, grey, side, side, err);
    if (status != NN_OK)
        return status;
    for (size_t i = 0; i < area; i++) {
        if (!isfinite(grey[i]))
            return nn_fail(err, NN_BAD_DATA,
                           "preprocess: the plane holds a value that is not a "
                           "finite number");
    }
    for (size_t c = 0; c < 3; c++) {
        float *channel = input + c * area;
        for (size_t i = 0; i < area; i++)
            channel[i] = grey[i] * preprocess->scale[c] - preprocess->mean[c];
    }
    return NN_OK;
}
