/* fingerprint_internal.h: between fingerprint.c (making, all pairs) and fingerprint_align.c. */
#ifndef NN_FINGERPRINT_INTERNAL_H
#define NN_FINGERPRINT_INTERNAL_H

#include "nn_fingerprint.h"

enum { FP_FINE = 128, FP_LEVELS = 3, FP_COARSE = 16 };
#define FP_SIDE(level) (16 << (level)) /* 16, 32, 64 */

struct nn_fingerprint {
    uint8_t grey[FP_FINE * FP_FINE]; /* 1st to 99th percentile as 0 to 255 */
    int8_t level0[16 * 16];          /* locally normalised, times FP_STEPS */
    int8_t level1[32 * 32];
    int8_t level2[64 * 64];
    int16_t coarse[FP_COARSE * FP_COARSE]; /* zero mean, Euclidean length FP_LENGTH or 0 */
};
#define FP_STEPS  24.0f
#define FP_LENGTH 4096

/* Planes of one thread that compares. */
struct nn_fp_scratch {
    float first[FP_FINE * FP_FINE], second[FP_FINE * FP_FINE], warped[FP_FINE * FP_FINE];
    float across[FP_FINE * FP_FINE], down[FP_FINE * FP_FINE]; /* gradients; blurred planes */
    float buffer[FP_FINE * FP_FINE];
};

/* Where pixel (row, col) of a square lies under a symmetry: to[row][col] = from[index]. */
static inline int nn_fp_index(int side, int row, int col, enum nn_symmetry symmetry)
{
    int y = symmetry & 4 ? col : row, x = symmetry & 4 ? row : col;

    y = symmetry & 1 ? side - 1 - y : y;
    x = symmetry & 2 ? side - 1 - x : x;
    return y * side + x;
}

/* plane (side, side) becomes its detail: blurred a little, the neighbourhood's mean taken away,
 * divided by the neighbourhood's deviation. boxes: widths of three box blurs that make the
 * neighbourhood. */
void nn_fp_normalise(float *plane, int side, const int boxes[3], struct nn_fp_scratch *scratch);

/* Correlation of the details of two prints after alignment, the second seen under symmetry and
 * inversion; what fails on the way has the score 0. */
double nn_fp_compare(const struct nn_fingerprint *a, const struct nn_fingerprint *b,
                     enum nn_symmetry symmetry, bool inverted, struct nn_fp_scratch *scratch);

#endif
