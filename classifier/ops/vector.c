/* Sums that several layers are made of. */
#include "clones.h"
#include "ops.h"

#define LANES 16

NN_CLONED
void nn_add(const float *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

NN_CLONED
void nn_add_scaled(float factor, const float *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * from[i];
}

/* 16 lanes, added at the end in order: one result whatever the vector width. */
NN_CLONED
float nn_dot(const float *a, const float *b, size_t count)
{
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += a[i + (size_t)j] * b[i + (size_t)j];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}
