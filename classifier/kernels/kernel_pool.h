/* kernel_pool.h: a kernel set's max pool (included by kernel_body.h).
 *
 * Three passes over a channel, each far enough behind the last that what it reads has left the
 * store buffer: a copy with padding, in which every stride'th column lies in a plane of its own;
 * the largest across each window; the largest down. */

#define LOWEST  (-__builtin_inff())
#define FETCHED 4096 /* floats of a channel: larger ones the processor fetches by itself */

static const float lane_numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* NaN wins. */
INLINE vec larger(vec a, vec b)
{
    mask first = (mask)(a > b) | (mask)(a != a);
    return (vec)(((mask)a & first) | ((mask)b & ~first));
}

/* The copy of one channel, and where its rows begin. */
struct copy {
    const struct nn_pool2d *pool;
    int rows, cols, width; /* in; in; out */
    int pitch;
    float padding;
    ptrdiff_t plane;
    float *cells, *across; /* (stride, rows, pitch); (rows, pitch) */
};

static struct copy copy_of(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                           float padding, float *cells)
{
    int pitch = nn_max_pool_pitch(pool, in, out);
    return (struct copy){.pool = pool,
                         .rows = in.h,
                         .cols = in.w,
                         .width = out.w,
                         .pitch = pitch,
                         .padding = padding,
                         .plane = (ptrdiff_t)in.h * pitch,
                         .cells = cells};
}

/* Columns begin, begin + stride, ... of a row (its channel ends at `end`), then padding. */
INLINE void copy_row(const float *from, const float *end, int count, const int stride,
                     float padding, float *to)
{
    for (int i = 0; i < count; i += LANES) {
        const float *at = from + (ptrdiff_t)i * stride;
        if (stride > 2 || end - at < stride * LANES) {
            for (int j = i; j < count && j < i + LANES; j++)
                to[j] = from[(ptrdiff_t)j * stride];
        } else if (stride == 2) {
            vec a = load(at), b = load(at + LANES);
            store(to + i, EVENS(a, b));
        } else {
            store(to + i, load(at));
        }
    }
    store(to + count, all(padding));
}

INLINE void copy_channel(const struct copy *copy, const float *x, const int stride)
{
    const float *end = x + (ptrdiff_t)copy->rows * copy->cols;
    int pad = copy->pool->pad_w;

    for (int phase = 0; phase < stride; phase++) {
        int first = phase < pad ? (pad - phase + stride - 1) / stride : 0;
        int begin = first * stride + phase - pad;
        int count = begin < copy->cols ? (copy->cols - begin + stride - 1) / stride : 0;
        float *to = copy->cells + phase * copy->plane + first;
        const float *from = x + begin;
        for (int row = 0; row < copy->rows; row++, from += copy->cols, to += copy->pitch)
            copy_row(from, end, count, stride, copy->padding, to);
    }
}

INLINE void pool_across(const struct copy *copy, const int kernel_w, const int stride)
{
    for (int row = 0; row < copy->rows; row++) {
        const float *from = copy->cells + (ptrdiff_t)row * copy->pitch;
        float *to = copy->across + (ptrdiff_t)row * copy->pitch;
        for (int i = 0; i < copy->width; i += LANES) {
            vec most = load(from + i);
            for (int kw = 1; kw < kernel_w; kw++)
                most = larger(load(from + kw % stride * copy->plane + kw / stride + i), most);
            store(to + i, most);
        }
    }
}

/* A whole vector where it stays inside the channel (what it writes too much comes after), else what
 * is left. */
INLINE void store_within(float *to, const float *end, vec v)
{
    store_some(to, v, end - to < LANES ? (int)(end - to) : LANES);
}

INLINE void pool_down(const struct copy *copy, int height, float *y)
{
    const struct nn_pool2d *pool = copy->pool;
    const float *end = y + (ptrdiff_t)height * copy->width;

    for (int r = 0; r < height; r++, y += copy->width) {
        int row0 = r * pool->stride_h - pool->pad_h, row1 = row0 + pool->kernel_h;
        row0 = row0 < 0 ? 0 : row0;
        row1 = row1 < copy->rows ? row1 : copy->rows;
        for (int i = 0; i < copy->width; i += LANES) {
            const float *from = copy->across + (ptrdiff_t)row0 * copy->pitch + i;
            vec most = load(from);
            for (int row = row0 + 1; row < row1; row++)
                most = larger(load(from += copy->pitch), most);
            store_within(y + i, end, most);
        }
    }
}

static void max_pool(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                     const float *x, float *y, int channels, float *scratch)
{
    int stride = pool->stride_w;
    struct copy copy = copy_of(pool, in, out, LOWEST, scratch);
    copy.across = scratch + stride * copy.plane;

    for (ptrdiff_t i = 0; i < stride * copy.plane; i++)
        scratch[i] = LOWEST;
    for (int c = 0; c < channels; c++) {
        if (stride == 1 && pool->kernel_w == 3) {
            copy_channel(&copy, x, 1);
            pool_across(&copy, 3, 1);
        } else if (stride == 2 && pool->kernel_w == 3) {
            copy_channel(&copy, x, 2);
            pool_across(&copy, 3, 2);
        } else {
            copy_channel(&copy, x, stride);
            pool_across(&copy, pool->kernel_w, stride);
        }
        pool_down(&copy, out.h, y);
        x += (ptrdiff_t)in.h * in.w;
        y += (ptrdiff_t)out.h * out.w;
    }
}
