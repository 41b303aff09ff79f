/* kernels.h: the innermost loops, written once (kernel_body.h) and compiled for each instruction
 * set. A set is chosen once a process: the widest that the processor has, or the one that the
 * environment's CERVIGATE_KERNELS names (avx512, avx2, portable), if it runs here.
 *
 * Within a set the bits of a result depend on the arguments alone. Sets differ in the last bits:
 * they add in other orders, and some multiply and add in one rounding. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include "nn_graph.h"

#define NN_MAX_LANES  16
#define NN_VECTORS    3 /* vectors across a block of a product */
#define NN_MAX_WIDTH  (NN_VECTORS * NN_MAX_LANES)
#define NN_POINTS     6 /* Winograd: points of a tile along one axis, m + r - 1, at most */
#define NN_MAX_OUTPUT 4 /* its largest m */

/* One block of c = a . b: `rows` x `cols` numbers, k products each. */
struct nn_product {
    int k;
    const float *a; /* a[row / rows * a_block + row % rows * a_row + i * a_step]: rows of the set */
    ptrdiff_t a_block, a_row, a_step;
    const float *b; /* panel (k, width): b[i * width + col], width a multiple of the lanes */
    int width;
    const float *ahead; /* the panel that the next product reads: fetched meanwhile; or NULL */
    float *c;           /* c[row * c_row + col] */
    ptrdiff_t c_row;
    bool add;          /* c += rather than c = */
    bool last;         /* then: + bias[row] when there is one, and ReLU (NaN passes) when asked */
    const float *bias; /* or NULL */
    bool relu;
};

/* Winograd's convolution (Lavin and Gray 2016) of m x m outputs by r x r taps: m + r - 1 = 6 points
 * along each axis; (m, r) = (4, 3), (3, 4) or (2, 5); or 4 points, 0, +-1 and infinity, (2, 3). The
 * 6 points are 0, +-sqrt(1/2), +-sqrt(2), infinity: the error is near that of plain sums, a fifth
 * of that with the usual 0, +-1, +-2 (docs/performance.md). One row of tiles. */
struct nn_winograd_row {
    int points, m, tiles; /* along an axis; outputs along an axis; tiles in the row */
    int y, x;       /* of the first tile's first cell: input (may lie in the padding) or output */
    int channels;   /* at most a vector's lanes */
    int rows, cols; /* of the plane */
    size_t plane;   /* floats from point to point in the transformed tiles */
    size_t pitch;   /* floats from tile to tile */
    float *stripe;  /* scratch: NN_POINTS * (tiles * m + 4) * lanes */
    const float *bias; /* output: channels of them, or NULL */
    bool add, relu;    /* output: y += ; ReLU */
};

/* Weights of one input channel and at most a vector's lanes of outputs, to points. */
struct nn_winograd_weights {
    int points, r, outputs;
    const float *w; /* tap t of output o: w[o * output + t], or the taps backwards */
    ptrdiff_t output;
    bool mirrored;
    float *u; /* u[point * plane + output], a whole vector of outputs */
    size_t plane;
};

/* Sums at the points, of one output and at most a vector's lanes of input channels, to taps. */
struct nn_winograd_taps {
    int points, r, channels;
    const float *sum; /* sum[point * plane + channel], a whole vector of channels */
    size_t plane;
    float *dw; /* dw[channel * r * r + tap] += */
};

struct nn_kernels {
    const char *name;
    int lanes; /* of a vector */
    int rows;  /* of a product's block that is fast */
    /* rows >= 1 (any number), cols 1..NN_VECTORS * lanes. */
    void (*product)(const struct nn_product *product, int rows, int cols);
    /* x: (channels, rows, cols) -> v[point * plane + tile * pitch + channel], a whole vector of
     * channels (zeros where there are no more). */
    void (*winograd_input)(const struct nn_winograd_row *row, const float *x, float *v);
    /* The same of an output's gradient: the tiles are m x m cells and do not overlap. */
    void (*winograd_gradient)(const struct nn_winograd_row *row, const float *dy, float *v);
    void (*winograd_weights)(const struct nn_winograd_weights *weights);
    void (*winograd_taps)(const struct nn_winograd_taps *taps);
    /* products -> y (channels, rows, cols). */
    void (*winograd_output)(const struct nn_winograd_row *row, const float *products, float *y);
    /* Channels, NaN wins. scratch: (stride_w + 1) * in.h rows of nn_max_pool_pitch. */
    void (*max_pool)(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                     const float *x, float *y, int channels, float *scratch);
    /* Its gradient, added to dx or stored there; stride_w 1 or 2. scratch:
     * nn_max_pool_gradient_floats. */
    void (*max_pool_backward)(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                              const float *x, const float *y, const float *dy, float *dx, bool add,
                              int channels, float *scratch);
};

/* Floats of a row of a max pool's copy: padding, whole vectors, one more, and what overhangs; whole
 * cache lines. */
static inline int nn_max_pool_pitch(const struct nn_pool2d *pool, struct nn_shape in,
                                    struct nn_shape out)
{
    int columns = in.w / pool->stride_w > out.w ? in.w / pool->stride_w : out.w;
    int floats = pool->pad_w + columns + pool->kernel_w + 2 * NN_MAX_LANES;
    return (floats + NN_MAX_LANES - 1) / NN_MAX_LANES * NN_MAX_LANES;
}

/* The shapes whose gradient looks at a channel as one row (kernel_pool_flat.h). */
static inline bool nn_max_pool_is_flat(const struct nn_pool2d *pool, struct nn_shape in,
                                       struct nn_shape out)
{
    int stride = pool->stride_w, pad = stride == 1;
    return pool->kernel_h == 3 && pool->kernel_w == 3 && stride <= 2 && pool->stride_h == stride &&
           pool->pad_h == pad && pool->pad_w == pad && in.h == stride * out.h &&
           in.w == stride * out.w;
}

#define NN_FLAT_ARRAYS   6
#define NN_FLAT_CHANNELS 16
#define NN_FLAT_LEAST    512  /* numbers of several channels at a time */
#define NN_FLAT_MOST     1024 /* numbers of a band of rows: its arrays stay in the first cache */

struct nn_max_pool_flat {
    int width, count; /* of the output; numbers of a channel (stride 2: of a band of its columns) */
    int margin, pitch, channels; /* of an array; at a time */
};

static inline struct nn_max_pool_flat nn_max_pool_flat(const struct nn_pool2d *pool,
                                                       struct nn_shape in, struct nn_shape out)
{
    struct nn_max_pool_flat f = {.width = out.w};
    int rows = NN_FLAT_MOST / f.width;
    rows = rows < 3 ? 3 : rows; /* those of one output */
    rows = in.h + 1 < rows ? in.h + 1 : rows;
    f.count = (pool->stride_w == 1 ? in.h : rows) * f.width;
    f.margin = (f.width + NN_MAX_LANES) / NN_MAX_LANES * NN_MAX_LANES;
    f.pitch = f.margin + (f.count + 2 * f.width + 3 * NN_MAX_LANES) / NN_MAX_LANES * NN_MAX_LANES;
    f.channels = (NN_FLAT_LEAST + f.count - 1) / f.count;
    f.channels = f.channels < NN_FLAT_CHANNELS ? f.channels : NN_FLAT_CHANNELS;
    return f;
}

static inline size_t nn_max_pool_gradient_floats(const struct nn_pool2d *pool, struct nn_shape in,
                                                 struct nn_shape out)
{
    if (nn_max_pool_is_flat(pool, in, out)) {
        struct nn_max_pool_flat f = nn_max_pool_flat(pool, in, out);
        return (size_t)(2 + NN_FLAT_ARRAYS * f.channels) * (size_t)f.pitch;
    }
    return ((size_t)(pool->stride_w + 3) * (size_t)in.h + (size_t)out.h) *
           (size_t)nn_max_pool_pitch(pool, in, out);
}

const struct nn_kernels *nn_kernels(void);

extern const struct nn_kernels nn_kernels_portable;
#if defined(__x86_64__)
extern const struct nn_kernels nn_kernels_avx2, nn_kernels_avx512;
#endif

#endif
