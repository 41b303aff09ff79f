/* nn_fingerprint.h: finds copies of one image among many, however they were turned or retouched.
 *
 * Two planes are alike when one is the other after any of: rotation by 90, 180 or 270 degrees,
 * mirroring, inversion, rescaling (also by different factors an axis), brightness, contrast, gamma,
 * blur, sharpening, noise, lossy compression, a border of some per cent cut off. Limits and what
 * was measured: docs/data.md.
 *
 * Three steps, each on fewer pairs than the one before:
 *   1. 16 x 16 numbers an image, contrast normalised locally; a pair's correlation under the 8
 *      symmetries of the square and inversion (exact: whole numbers);
 *   2. what may be alike is aligned (scale and shift an axis, Gauss-Newton, 16 to 64 pixels);
 *   3. what still may be is compared at 128 pixels after alignment: local detail has to agree.
 * All pairs of n images cost n^2 of step 1: 10,000 images take minutes, and 22 KB each.
 * Deterministic: no libm, fixed order of sums. Thread-safe. */
#ifndef NN_FINGERPRINT_H
#define NN_FINGERPRINT_H

#include "nn_image.h"
#include <stdbool.h>

/* Correlation of the aligned details from which on two images are copies: between the most alike
 * pair of different patients and the worst copy that were measured (docs/data.md). */
#define NN_FINGERPRINT_ALIKE 0.82

struct nn_fingerprint; /* immutable */
/* NN_INVALID for a plane without pixels. A plane without contrast is like no other. */
NN_MUST_USE enum nn_status nn_fingerprint_create(const struct nn_plane *plane,
                                                 struct nn_fingerprint **print,
                                                 struct nn_error *err);
void nn_fingerprint_destroy(struct nn_fingerprint *print); /* NULL is allowed */

/* How the second image lies when the first is taken for upright; rotations are clockwise. */
enum nn_symmetry {
    NN_UPRIGHT,
    NN_FLIPPED_DOWN, /* top becomes bottom */
    NN_MIRRORED,     /* left becomes right */
    NN_ROTATED_180,
    NN_TRANSPOSED, /* mirrored at the falling diagonal */
    NN_ROTATED_270,
    NN_ROTATED_90,
    NN_TRANSVERSED, /* mirrored at the rising diagonal */
    NN_SYMMETRIES
};
const char *nn_symmetry_name(enum nn_symmetry symmetry); /* "upright", "rotated 90", ... */

struct nn_copy {
    size_t a, b;  /* a < b */
    double score; /* correlation, threshold .. 1 */
    enum nn_symmetry symmetry;
    bool inverted;
};

/* All pairs of prints with a score of at least `threshold` (NN_FINGERPRINT_ALIKE), ordered by a,
 * then b. *copies is malloc'd, the caller's; NULL when there are none. `report` (may be NULL) hears
 * of every image that has been compared with all before it. */
NN_MUST_USE enum nn_status
nn_fingerprint_pairs(const struct nn_fingerprint *const *prints, size_t count, double threshold,
                     struct nn_copy **copies, size_t *copy_count,
                     void (*report)(void *context, size_t done, size_t count), void *context,
                     struct nn_error *err);

#endif
