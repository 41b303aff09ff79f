/* Fully connected: y = W x + b, a row of W at a time. A dot product runs in 16 lanes that are added
 * at the end in order: one result whatever the vector width. */
#include "kernel.h"
#include "ops.h"

#define LANES 16

NN_KERNEL
static float dot(const float *a, const float *b, int count)
{
    float lane[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += a[i + j] * b[i + j];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}

NN_KERNEL
static void add_scaled(float factor, const float *from, float *to, int count)
{
    for (int i = 0; i < count; i++)
        to[i] += factor * from[i];
}

void nn_linear_forward(int in, const float *x, const float *w, const float *b, float *y, int o0,
                       int o1, bool relu)
{
    for (int o = o0; o < o1; o++) {
        float v = dot(w + (size_t)o * (size_t)in, x, in) + (b == NULL ? 0.0f : b[o]);
        y[o] = relu && v <= 0.0f ? 0.0f : v;
    }
}

void nn_linear_backward_input(int in, int out, const float *dy, const float *w, float *dx, int i0,
                              int i1)
{
    for (int o = 0; o < out; o++)
        add_scaled(dy[o], w + (size_t)o * (size_t)in + i0, dx + i0, i1 - i0);
}

void nn_linear_backward_weight(int in, const float *x, const float *dy, float *dw, int o0, int o1)
{
    for (int o = o0; o < o1; o++)
        add_scaled(dy[o], x, dw + (size_t)o * (size_t)in, in);
}
