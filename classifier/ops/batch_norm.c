/* Batch normalisation (Ioffe and Szegedy 2015, algorithm 1 and the gradients of section 3). Sums
 * run in 8 lanes of double that are added at the end in order: one result whatever the vector
 * width. The variance takes a second pass: E[x^2] - E[x]^2 cancels. */
#include "clones.h"
#include "ops.h"
#include <math.h>

#define LANES 8

struct lanes {
    double sum[LANES];
};

static double total(const struct lanes *lanes)
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lanes->sum[j];
    return sum;
}

NN_CLONED
static void add_plane(const float *x, int count, struct lanes *to)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            to->sum[j] += (double)x[i + j];
    for (int j = 0; i < count; i++, j++)
        to->sum[j] += (double)x[i];
}

NN_CLONED
static void add_squares(const float *x, double mean, int count, struct lanes *to)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double d = (double)x[i + j] - mean;
            to->sum[j] += d * d;
        }
    for (int j = 0; i < count; i++, j++) {
        double d = (double)x[i] - mean;
        to->sum[j] += d * d;
    }
}

/* to += dy * (x - mean) */
NN_CLONED
static void add_products(const float *x, double mean, const float *dy, int count, struct lanes *to)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            to->sum[j] += (double)dy[i + j] * ((double)x[i + j] - mean);
    for (int j = 0; i < count; i++, j++)
        to->sum[j] += (double)dy[i] * ((double)x[i] - mean);
}

NN_CLONED
static void normalise(const float *x, float mean, float factor, float beta, float *y, int count)
{
    for (int i = 0; i < count; i++)
        y[i] = (x[i] - mean) * factor + beta;
}

/* dx += factor * (dy - mean_dy - (x - mean) * slope) */
NN_CLONED
static void add_centred(const float *x, float mean, const float *dy, float mean_dy, float slope,
                        float factor, float *dx, int count)
{
    for (int i = 0; i < count; i++)
        dx[i] += factor * (dy[i] - mean_dy - (x[i] - mean) * slope);
}

static double inverse_deviation(float variance, float epsilon)
{
    return 1.0 / sqrt((double)variance + (double)epsilon);
}

void nn_batch_norm_statistics(struct nn_shape shape, const float *x, size_t x_stride, int batch,
                              float *mean, float *variance, int c0, int c1)
{
    int area = shape.h * shape.w;
    double count = (double)area * batch;

    for (int c = c0; c < c1; c++) {
        const float *plane = x + (size_t)c * (size_t)area;
        struct lanes sum = {{0}}, squares = {{0}};
        for (int s = 0; s < batch; s++)
            add_plane(plane + (size_t)s * x_stride, area, &sum);
        double middle = total(&sum) / count;
        for (int s = 0; s < batch; s++)
            add_squares(plane + (size_t)s * x_stride, middle, area, &squares);
        mean[c] = (float)middle;
        variance[c] = (float)(total(&squares) / count);
    }
}

void nn_batch_norm_forward(struct nn_shape shape, const float *x, const float *gamma,
                           const float *beta, const float *mean, const float *variance,
                           float epsilon, float *y, int c0, int c1)
{
    int area = shape.h * shape.w;
    for (int c = c0; c < c1; c++) {
        float factor = (float)((double)gamma[c] * inverse_deviation(variance[c], epsilon));
        size_t at = (size_t)c * (size_t)area;
        normalise(x + at, mean[c], factor, beta[c], y + at, area);
    }
}

void nn_batch_norm_sums(struct nn_shape shape, const float *x, size_t x_stride, const float *dy,
                        size_t dy_stride, int batch, const float *mean, const float *variance,
                        float epsilon, double *sum_dy, double *sum_dy_xhat, int c0, int c1)
{
    int area = shape.h * shape.w;
    for (int c = c0; c < c1; c++) {
        size_t at = (size_t)c * (size_t)area;
        struct lanes sum = {{0}}, products = {{0}};
        for (int s = 0; s < batch; s++) {
            const float *share = dy + (size_t)s * dy_stride + at;
            add_plane(share, area, &sum);
            add_products(x + (size_t)s * x_stride + at, (double)mean[c], share, area, &products);
        }
        sum_dy[c] = total(&sum);
        sum_dy_xhat[c] = total(&products) * inverse_deviation(variance[c], epsilon);
    }
}

void nn_batch_norm_backward(struct nn_shape shape, const float *x, const float *dy,
                            const float *gamma, const float *mean, const float *variance,
                            float epsilon, const double *sum_dy, const double *sum_dy_xhat,
                            int batch, float *dx, int c0, int c1)
{
    int area = shape.h * shape.w;
    double count = (double)area * batch;

    for (int c = c0; c < c1; c++) {
        double inverse = inverse_deviation(variance[c], epsilon);
        float factor = (float)((double)gamma[c] * inverse);
        size_t at = (size_t)c * (size_t)area;
        if (sum_dy == NULL)
            nn_add_scaled(factor, dy + at, dx + at, (size_t)area);
        else
            add_centred(x + at, mean[c], dy + at, (float)(sum_dy[c] / count),
                        (float)(sum_dy_xhat[c] * inverse / count), factor, dx + at, area);
    }
}
