/* Fully connected: y = W x + b, a row of W at a time. */
#include "ops.h"

void nn_linear_forward(int in, const float *x, const float *w, const float *b, float *y, int o0,
                       int o1, bool relu)
{
    for (int o = o0; o < o1; o++) {
        float v = nn_dot(w + (size_t)o * (size_t)in, x, (size_t)in) + (b == NULL ? 0.0f : b[o]);
        y[o] = relu && v <= 0.0f ? 0.0f : v;
    }
}

void nn_linear_backward_input(int in, int out, const float *dy, const float *w, float *dx, int i0,
                              int i1)
{
    for (int o = 0; o < out; o++)
        nn_add_scaled(dy[o], w + (size_t)o * (size_t)in + i0, dx + i0, (size_t)(i1 - i0));
}

void nn_linear_backward_weight(int in, const float *x, const float *dy, float *dw, int o0, int o1)
{
    for (int o = o0; o < o1; o++)
        nn_add_scaled(dy[o], x, dw + (size_t)o * (size_t)in, (size_t)in);
}
