/* texture.h: band-limited noise, private to classifier/phantom. */
#ifndef NN_PHANTOM_TEXTURE_H
#define NN_PHANTOM_TEXTURE_H

#include "phantom_parts.h"

#define PHANTOM_TILE 256

/* (PHANTOM_TILE, PHANTOM_TILE) numbers of unit variance, periodic, correlated over a cell or two;
 * the caller's to free. NULL: no memory. */
float *nn_phantom_tile(struct phantom_rng rng);
/* Adds anatomical texture to attenuation: trabeculae where sponge is, and soft tissue's noise whose
 * power falls with the third power of frequency (Burgess, Med Phys 28 (2001) 419). */
void nn_phantom_add_texture(const struct phantom_detector *detector, const float *tile,
                            float *plane);

#endif
