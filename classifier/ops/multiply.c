/* The product of two activations, or of one and a factor a channel (squeeze and excitation: Hu et
 * al. 2018). */
#include "clones.h"
#include "ops.h"

NN_CLONED
static void product(const float *a, const float *b, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] * b[i];
}

NN_CLONED
static void scaled(const float *a, float factor, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] * factor;
}

NN_CLONED
static void add_product(const float *a, const float *b, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += a[i] * b[i];
}

void nn_multiply_forward(struct nn_shape shape, const float *a, const float *b, bool per_channel,
                         float *y, int c0, int c1)
{
    size_t area = (size_t)shape.h * (size_t)shape.w, i0 = (size_t)c0 * area;
    if (!per_channel)
        product(a + i0, b + i0, y + i0, (size_t)(c1 - c0) * area);
    else
        for (int c = c0; c < c1; c++)
            scaled(a + (size_t)c * area, b[c], y + (size_t)c * area, area);
}

void nn_multiply_backward(struct nn_shape shape, const float *dy, const float *other,
                          bool per_channel, float *dx, int c0, int c1)
{
    size_t area = (size_t)shape.h * (size_t)shape.w, i0 = (size_t)c0 * area;
    if (!per_channel)
        add_product(dy + i0, other + i0, dx + i0, (size_t)(c1 - c0) * area);
    else
        for (int c = c0; c < c1; c++)
            nn_add_scaled(other[c], dy + (size_t)c * area, dx + (size_t)c * area, area);
}

void nn_multiply_backward_channel(struct nn_shape shape, const float *dy, const float *a, float *db,
                                  int c0, int c1)
{
    size_t area = (size_t)shape.h * (size_t)shape.w;
    for (int c = c0; c < c1; c++)
        db[c] += nn_dot(dy + (size_t)c * area, a + (size_t)c * area, area);
}
