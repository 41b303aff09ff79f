/* fingerprint.c: what is kept of a plane to know it again, and the comparison of all pairs. */
#include "fingerprint_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* |correlation| of the coarse planes from which on a pair is looked at closely. The least that a
 * copy was measured with is above it (5 % of a side cut off); different phantoms have 0.24 in the
 * median.
 */
#define COARSE_ALIKE 0.5
#define FLAT         1e-6f

const char *nn_symmetry_name(enum nn_symmetry symmetry)
{
    static const char *const names[NN_SYMMETRIES] = {"upright",     "flipped down", "mirrored",
                                                     "rotated 180", "transposed",   "rotated 270",
                                                     "rotated 90",  "transversed"};

    return names[symmetry];
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The 1st to the 99th percentile become 0 to 1; false: there is no contrast. */
static bool stretch(float *plane, size_t count, float *sorted)
{
    memcpy(sorted, plane, count * sizeof *plane);
    qsort(sorted, count, sizeof *sorted, by_value);
    float low = sorted[count / 100], high = sorted[count - 1 - count / 100];
    if (!(high - low > FLAT))
        return false;
    for (size_t i = 0; i < count; i++) {
        float value = (plane[i] - low) / (high - low);
        plane[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    return true;
}

/* Means of 2 x 2 pixels; in place is allowed. */
static void halve(const float *from, int side, float *to)
{
    int half = side / 2;

    for (int y = 0; y < half; y++) {
        for (int x = 0; x < half; x++) {
            const float *at = from + 2 * y * side + 2 * x;
            to[y * half + x] = (at[0] + at[1] + at[side] + at[side + 1]) / 4;
        }
    }
}

static void keep(const float *from, int count, int8_t *to)
{
    for (int i = 0; i < count; i++) {
        float value = from[i] * FP_STEPS;
        value = value < -127 ? -127 : value > 127 ? 127 : value;
        to[i] = (int8_t)(value < 0 ? value - 0.5f : value + 0.5f);
    }
}

static void keep_coarse(const float *from, int16_t *to)
{
    enum { COUNT = FP_COARSE * FP_COARSE };
    double mean = 0, square = 0;

    for (int i = 0; i < COUNT; i++)
        mean += (double)from[i] / COUNT;
    for (int i = 0; i < COUNT; i++)
        square += ((double)from[i] - mean) * ((double)from[i] - mean);
    double scale = square > 1e-9 ? FP_LENGTH / sqrt(square) : 0;
    for (int i = 0; i < COUNT; i++) {
        double value = ((double)from[i] - mean) * scale;
        to[i] = (int16_t)(value < 0 ? value - 0.5 : value + 0.5);
    }
}

enum nn_status nn_fingerprint_create(const struct nn_plane *plane, struct nn_fingerprint **print,
                                     struct nn_error *err)
{
    static const int neighbourhood[3] = {11, 13, 13}; /* deviation 6.2 of 64 pixels */
    struct nn_fp_scratch *scratch = NULL;
    enum nn_status status;

    *print = NULL;
    if (!plane->pixels || plane->rows < 1 || plane->cols < 1)
        return nn_fail(err, NN_INVALID, "a fingerprint of a plane without pixels");
    struct nn_fingerprint *made = calloc(1, sizeof *made);
    scratch = malloc(sizeof *scratch);
    if (!made || !scratch) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for a fingerprint");
        goto out;
    }
    status = nn_plane_resize(plane->pixels, plane->rows, plane->cols, scratch->first, FP_FINE,
                             FP_FINE, NULL, err);
    if (status != NN_OK)
        goto out;
    for (int i = 0; i < FP_FINE * FP_FINE; i++) {
        if (!(scratch->first[i] > -1e6f && scratch->first[i] < 1e6f))
            scratch->first[i] = 0;
    }
    if (stretch(scratch->first, FP_FINE * FP_FINE, scratch->second)) {
        float *small = scratch->second;
        for (int i = 0; i < FP_FINE * FP_FINE; i++)
            made->grey[i] = (uint8_t)(scratch->first[i] * 255.0f + 0.5f);
        halve(scratch->first, FP_FINE, small);
        nn_fp_normalise(small, 64, neighbourhood, scratch);
        keep(small, 64 * 64, made->level2);
        halve(small, 64, small);
        keep(small, 32 * 32, made->level1);
        halve(small, 32, small);
        keep(small, 16 * 16, made->level0);
        keep_coarse(small, made->coarse);
    }
    *print = made;
    made = NULL;
out:
    free(scratch);
    free(made);
    return status;
}

void nn_fingerprint_destroy(struct nn_fingerprint *print)
{
    free(print);
}

/* The growing list, and what one image is compared with. */
struct search {
    int16_t turned[NN_SYMMETRIES][FP_COARSE * FP_COARSE];
    struct nn_fp_scratch scratch;
    struct nn_copy *copies;
    size_t count, room;
};

static int32_t dot(const int16_t *a, const int16_t *b)
{
    int32_t sum = 0;

    for (int i = 0; i < FP_COARSE * FP_COARSE; i++)
        sum += a[i] * b[i];
    return sum;
}

static enum nn_status add(struct search *search, const struct nn_copy *copy, struct nn_error *err)
{
    if (search->count == search->room) {
        size_t room = search->room ? 2 * search->room : 64;
        struct nn_copy *more = reallocarray(search->copies, room, sizeof *more);
        if (!more)
            return nn_fail(err, NN_NO_MEMORY, "no memory for the list of duplicates");
        search->copies = more;
        search->room = room;
    }
    search->copies[search->count++] = *copy;
    return NN_OK;
}

/* Takes up the symmetries that the coarse planes allow, the likeliest first; one that fits ends
 * the search. */
static bool compare(struct search *search, const struct nn_fingerprint *a,
                    const struct nn_fingerprint *b, double threshold, struct nn_copy *copy)
{
    int32_t likely[NN_SYMMETRIES];
    const int32_t least = (int32_t)(COARSE_ALIKE * FP_LENGTH * FP_LENGTH);

    for (int s = 0; s < NN_SYMMETRIES; s++)
        likely[s] = dot(a->coarse, search->turned[s]);
    for (;;) {
        int best = 0;
        for (int s = 1; s < NN_SYMMETRIES; s++)
            best = abs(likely[s]) > abs(likely[best]) ? s : best;
        if (abs(likely[best]) < least)
            return false;
        copy->symmetry = (enum nn_symmetry)best;
        copy->inverted = likely[best] < 0;
        copy->score = nn_fp_compare(a, b, copy->symmetry, copy->inverted, &search->scratch);
        if (copy->score >= threshold)
            return true;
        likely[best] = 0;
    }
}

static int by_items(const void *a, const void *b)
{
    const struct nn_copy *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

enum nn_status nn_fingerprint_pairs(const struct nn_fingerprint *const *prints, size_t count,
                                    double threshold, struct nn_copy **copies, size_t *copy_count,
                                    void (*report)(void *context, size_t done, size_t count),
                                    void *context, struct nn_error *err)
{
    struct search *search = calloc(1, sizeof *search);
    enum nn_status status = NN_OK;

    *copies = NULL;
    *copy_count = 0;
    if (!search)
        return nn_fail(err, NN_NO_MEMORY, "no memory to compare fingerprints");
    for (size_t b = 0; b < count && status == NN_OK; b++) {
        for (int s = 0; s < NN_SYMMETRIES; s++) {
            for (int y = 0; y < FP_COARSE; y++) {
                for (int x = 0; x < FP_COARSE; x++) {
                    int from = nn_fp_index(FP_COARSE, y, x, (enum nn_symmetry)s);
                    search->turned[s][y * FP_COARSE + x] = prints[b]->coarse[from];
                }
            }
        }
        for (size_t a = 0; a < b && status == NN_OK; a++) {
            struct nn_copy copy = {.a = a, .b = b};
            if (compare(search, prints[a], prints[b], threshold, &copy))
                status = add(search, &copy, err);
        }
        if (report)
            report(context, b + 1, count);
    }
    if (status == NN_OK && search->count > 0) {
        qsort(search->copies, search->count, sizeof *search->copies, by_items);
        *copies = search->copies;
        *copy_count = search->count;
    } else {
        free(search->copies);
    }
    free(search);
    return status;
}
