/* The pixel pipeline. Up to 16 bits every stored value is mapped once, into a table of 65,536
 * entries that is indexed by the value's bits as they lie in memory; 32 bits are mapped one by one.
 * Either way the work is linear in rows * cols. */
#include "grey.h"
#include "codestream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TABLE 65536u
#define WHITE 65535.0

struct range {
    double low, high;
};

void dx_display_init(struct dx_display *display)
{
    memset(display, 0, sizeof *display);
    display->slope = 1.0;
    display->aspect = 1.0;
}

void dx_display_finish(struct dx_display *display)
{
    free(display->modality.entries);
    free(display->voi_lut.entries);
    for (int i = 0; i < 3; i++)
        free(display->palette[i].entries);
    dx_display_init(display);
}

int dx_display_is_inverted(const char *photometric, const char *shape)
{
    if (strcmp(shape, "INVERSE") == 0)
        return 1;
    if (strcmp(shape, "IDENTITY") == 0)
        return 0;
    return strcmp(photometric, "MONOCHROME1") == 0;
}

static uint16_t look_up(const struct dx_lut *lut, double input)
{
    double index = floor(input + 0.5) - lut->first;
    if (!(index > 0))
        return lut->entries[0];
    if (index >= lut->count)
        return lut->entries[lut->count - 1];
    return lut->entries[(uint32_t)index];
}

static double modality(const struct dx_display *display, int64_t stored)
{
    if (display->modality.count > 0)
        return look_up(&display->modality, (double)stored);
    return display->slope * (double)stored + display->intercept;
}

/* PS3.3 C.11.2.1.2.1 */
static double linear(double x, double center, double width)
{
    double half = (width - 1.0) / 2.0;
    if (x <= center - 0.5 - half)
        return 0.0;
    if (x > center - 0.5 + half)
        return 1.0;
    return (x - (center - 0.5)) / (width - 1.0) + 0.5;
}

/* PS3.3 C.11.2.1.3.2 */
static double linear_exact(double x, double center, double width)
{
    if (x <= center - width / 2.0)
        return 0.0;
    if (x > center + width / 2.0)
        return 1.0;
    return (x - center) / width + 0.5;
}

static double full_range(double x, const struct range *range)
{
    if (!(range->high > range->low))
        return 0.5; /* flat: the same for both polarities */
    return (x - range->low) / (range->high - range->low);
}

static uint16_t shown(const struct dx_display *display, const struct range *range, int64_t stored)
{
    double x = modality(display, stored);
    double y = 0.0;
    switch (display->voi) {
    case DX_VOI_FULL_RANGE:
        y = full_range(x, range);
        break;
    case DX_VOI_LUT:
        y = look_up(&display->voi_lut, x) / (double)((1u << display->voi_lut.bits) - 1u);
        break;
    case DX_VOI_LINEAR:
        y = linear(x, display->center, display->width);
        break;
    case DX_VOI_LINEAR_EXACT:
        y = linear_exact(x, display->center, display->width);
        break;
    case DX_VOI_SIGMOID: /* C.11.2.1.3.1 */
        y = 1.0 / (1.0 + exp(-4.0 * (x - display->center) / display->width));
        break;
    }
    y = display->is_inverted ? 1.0 - y : y;
    return (uint16_t)(y <= 0.0 ? 0.0 : y >= 1.0 ? WHITE : floor(y * WHITE + 0.5));
}

static int is_padding(const struct dx_display *display, int64_t stored)
{
    return display->has_padding && stored >= display->padding_low &&
           stored <= display->padding_high;
}

static void widen(struct range *range, double x)
{
    if (x < range->low)
        range->low = x;
    if (x > range->high)
        range->high = x;
}

/* The value that 1 or 2 bytes in memory stand for. */
static int64_t value_of(uint32_t bits, uint16_t bits_allocated, int is_signed)
{
    if (bits_allocated == 8)
        return is_signed ? (int8_t)bits : (uint8_t)bits;
    return is_signed ? (int16_t)bits : (uint16_t)bits;
}

static uint32_t bits_at(const struct dx_frame *frame, size_t i)
{
    uint32_t bits;
    uint16_t half;
    switch (frame->info.bits_allocated) {
    case 8:
        return frame->bytes[i];
    case 16:
        memcpy(&half, frame->bytes + 2 * i, sizeof half);
        return half;
    default:
        memcpy(&bits, frame->bytes + 4 * i, sizeof bits);
        return bits;
    }
}

/* Marks the values that occur. */
static void mark_seen(const struct dx_frame *frame, size_t pixels, uint8_t *seen)
{
    if (frame->info.bits_allocated == 8) {
        for (size_t i = 0; i < pixels; i++)
            seen[frame->bytes[i]] = 1;
        return;
    }
    const uint16_t *words = (const void *)frame->bytes;
    for (size_t i = 0; i < pixels; i++)
        seen[words[i]] = 1;
}

/* Marks all from the least to the greatest: more than occur, and found at several times the speed.
 */
static void mark_between(const struct dx_frame *frame, size_t pixels, uint8_t *seen)
{
    const uint16_t *words = (const void *)frame->bytes;
    uint16_t flip = frame->info.is_signed ? 0x8000 : 0, low = UINT16_MAX, high = 0;
    for (size_t i = 0; i < pixels; i++) {
        uint16_t value = words[i] ^ flip;
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    for (uint32_t value = low; value <= high; value++)
        seen[value ^ flip] = 1;
}

/* Whether only the least and the greatest value that occur tell what is shown. */
static int is_ramp(const struct dx_frame *frame, const struct dx_display *display)
{
    return frame->info.bits_allocated == 16 && !display->has_padding &&
           display->modality.count == 0;
}

static void map(const struct dx_frame *frame, const uint16_t *table, size_t pixels, uint16_t *out)
{
    if (frame->info.bits_allocated == 8) {
        for (size_t i = 0; i < pixels; i++)
            out[i] = table[frame->bytes[i]];
        return;
    }
    const uint16_t *words = (const void *)frame->bytes;
    for (size_t i = 0; i < pixels; i++)
        out[i] = table[words[i]];
}

static enum dx_status render_table(const struct dx_frame *frame, const struct dx_display *display,
                                   size_t pixels, uint16_t *out, struct dx_error *err)
{
    uint16_t *table = malloc(TABLE * sizeof *table);
    uint8_t *seen = calloc(TABLE, 1);
    enum dx_status status = DX_OK;
    if (!table || !seen) {
        status = dx_fail(err, DX_NO_MEMORY, "grey plane: out of memory");
        goto out;
    }
    if (is_ramp(frame, display))
        mark_between(frame, pixels, seen);
    else
        mark_seen(frame, pixels, seen);

    struct range range = {INFINITY, -INFINITY};
    for (uint32_t bits = 0; bits < TABLE; bits++) {
        int64_t value = value_of(bits, frame->info.bits_allocated, frame->info.is_signed);
        if (seen[bits] && !is_padding(display, value))
            widen(&range, modality(display, value));
    }
    for (uint32_t bits = 0; bits < TABLE; bits++) {
        int64_t value = value_of(bits, frame->info.bits_allocated, frame->info.is_signed);
        if (seen[bits])
            table[bits] = is_padding(display, value) ? 0 : shown(display, &range, value);
    }
    map(frame, table, pixels, out);

out:
    free(seen);
    free(table);
    return status;
}

static int64_t value_32(const struct dx_frame *frame, size_t i)
{
    uint32_t bits = bits_at(frame, i);
    return frame->info.is_signed ? (int32_t)bits : (int64_t)bits;
}

static void render_32(const struct dx_frame *frame, const struct dx_display *display, size_t pixels,
                      uint16_t *out)
{
    struct range range = {INFINITY, -INFINITY};
    for (size_t i = 0; display->voi == DX_VOI_FULL_RANGE && i < pixels; i++) {
        int64_t value = value_32(frame, i);
        if (!is_padding(display, value))
            widen(&range, modality(display, value));
    }
    for (size_t i = 0; i < pixels; i++) {
        int64_t value = value_32(frame, i);
        out[i] = is_padding(display, value) ? 0 : shown(display, &range, value);
    }
}

/* ITU-R BT.601, of components 0..1. */
static uint16_t luma(double red, double green, double blue)
{
    return (uint16_t)floor((0.299 * red + 0.587 * green + 0.114 * blue) * WHITE + 0.5);
}

static void render_rgb(const struct dx_frame *frame, size_t pixels, uint16_t *out)
{
    double most = (double)((1ull << frame->info.bits_stored) - 1u);
    for (size_t i = 0; i < pixels; i++)
        out[i] = luma(bits_at(frame, 3 * i) / most, bits_at(frame, 3 * i + 1) / most,
                      bits_at(frame, 3 * i + 2) / most);
}

static enum dx_status render_palette(const struct dx_frame *frame, const struct dx_display *display,
                                     size_t pixels, uint16_t *out, struct dx_error *err)
{
    uint16_t *table = malloc(TABLE * sizeof *table);
    if (!table)
        return dx_fail(err, DX_NO_MEMORY, "grey plane: out of memory");
    for (uint32_t bits = 0; bits < TABLE; bits++) {
        double value = (double)value_of(bits, frame->info.bits_allocated, frame->info.is_signed);
        double part[3];
        for (int c = 0; c < 3; c++)
            part[c] = look_up(&display->palette[c], value) /
                      (double)((1u << display->palette[c].bits) - 1u);
        table[bits] = luma(part[0], part[1], part[2]);
    }
    map(frame, table, pixels, out);
    free(table);
    return DX_OK;
}

static enum dx_status check_frame(const struct dx_frame *frame, const struct dx_display *display,
                                  const struct dx_limits *limits, struct dx_error *err)
{
    const struct dx_image_info *info = &frame->info;
    size_t bytes;
    enum dx_status status = dx_check_area(info->rows, info->cols, info->samples,
                                          info->bits_allocated, limits, &bytes, err);
    if (status)
        return status;
    if (bytes > frame->count)
        return dx_fail(err, DX_INVALID, "frame of %zu bytes, expected %zu", frame->count, bytes);
    int is_palette = strcmp(info->photometric, "PALETTE COLOR") == 0;
    if (is_palette &&
        (!display->palette[0].count || !display->palette[1].count || !display->palette[2].count))
        return dx_fail(err, DX_UNSUPPORTED, "PALETTE COLOR without its look-up tables");
    int is_wide = info->bits_allocated == 32;
    if ((info->bits_allocated != 8 && info->bits_allocated != 16 && !is_wide) ||
        (is_wide && is_palette) || (info->samples != 1 && info->samples != 3) ||
        info->bits_stored == 0 || info->bits_stored > info->bits_allocated)
        return dx_fail(err, DX_UNSUPPORTED, "%u samples of %u bits (%s)", info->samples,
                       info->bits_allocated, info->photometric);
    return DX_OK;
}

static enum dx_status render(const struct dx_frame *frame, const struct dx_display *display,
                             size_t pixels, uint16_t *out, struct dx_error *err)
{
    if (frame->info.samples == 3) {
        render_rgb(frame, pixels, out);
        return DX_OK;
    }
    if (strcmp(frame->info.photometric, "PALETTE COLOR") == 0)
        return render_palette(frame, display, pixels, out, err);
    if (frame->info.bits_allocated < 32)
        return render_table(frame, display, pixels, out, err);
    render_32(frame, display, pixels, out);
    return DX_OK;
}

/* Between neighbours a and b, `part` of the way. */
static uint16_t between(uint16_t a, uint16_t b, double part)
{
    return (uint16_t)floor(a + ((double)b - a) * part + 0.5);
}

/* Where pixel i of `to` lies among `from` pixels: centres match at both ends of the field. */
static size_t place(size_t i, size_t from, size_t to, double *part)
{
    double at = ((double)i + 0.5) * (double)from / (double)to - 0.5;
    at = at < 0.0 ? 0.0 : at > (double)(from - 1) ? (double)(from - 1) : at;
    size_t low = (size_t)at;
    *part = at - (double)low;
    return low;
}

static void stretch(const struct dx_grey *from, struct dx_grey *to)
{
    for (size_t r = 0; r < to->rows; r++) {
        double down;
        size_t top = place(r, from->rows, to->rows, &down);
        const uint16_t *upper = from->pixels + top * from->cols;
        const uint16_t *lower = top + 1 < from->rows ? upper + from->cols : upper;
        for (size_t c = 0; c < to->cols; c++) {
            double right;
            size_t left = place(c, from->cols, to->cols, &right);
            size_t next = left + 1 < from->cols ? left + 1 : left;
            to->pixels[r * to->cols + c] = between(between(upper[left], upper[next], right),
                                                   between(lower[left], lower[next], right), down);
        }
    }
}

/* Square pixels of the finer of the two distances. A ratio beyond 1:16 is taken for a mistake. */
static enum dx_status make_square(const struct dx_display *display, const struct dx_limits *limits,
                                  struct dx_grey *grey, struct dx_error *err)
{
    int is_known = display->row_mm > 0 && display->col_mm > 0;
    double ratio = is_known ? display->row_mm / display->col_mm : display->aspect;
    grey->mm_per_pixel = is_known ? fmin(display->row_mm, display->col_mm) : 0.0;
    if (!(ratio >= 1.0 / 16.0 && ratio <= 16.0) || fabs(ratio - 1.0) < 1e-3)
        return DX_OK;

    struct dx_grey square = *grey;
    if (ratio > 1.0)
        square.rows = (uint32_t)floor(grey->rows * ratio + 0.5);
    else
        square.cols = (uint32_t)floor(grey->cols / ratio + 0.5);
    size_t bytes;
    enum dx_status status = dx_check_area(square.rows, square.cols, 1, 16, limits, &bytes, err);
    if (status)
        return status;
    square.pixels = malloc(bytes);
    if (!square.pixels)
        return dx_fail(err, DX_NO_MEMORY, "grey plane: out of memory");
    stretch(grey, &square);
    free(grey->pixels);
    *grey = square;
    return DX_OK;
}

enum dx_status dx_grey_render(const struct dx_frame *frame, const struct dx_display *display,
                              const struct dx_limits *limits, struct dx_grey *grey,
                              struct dx_error *err)
{
    memset(grey, 0, sizeof *grey);
    enum dx_status status = check_frame(frame, display, limits, err);
    if (status)
        return status;
    size_t pixels = (size_t)frame->info.rows * frame->info.cols;
    struct dx_grey plane = {.rows = frame->info.rows,
                            .cols = frame->info.cols,
                            .was_lossy = display->was_lossy,
                            .pixels = malloc(pixels * sizeof(uint16_t))};
    if (!plane.pixels)
        return dx_fail(err, DX_NO_MEMORY, "grey plane: out of memory");
    status = render(frame, display, pixels, plane.pixels, err);
    if (status == DX_OK)
        status = make_square(display, limits, &plane, err);
    if (status == DX_OK)
        *grey = plane;
    else
        free(plane.pixels);
    return status;
}

void dx_grey_finish(struct dx_grey *grey)
{
    if (!grey)
        return;
    if (!grey->is_lent)
        free(grey->pixels);
    memset(grey, 0, sizeof *grey);
}
