/* mix_internal.h: SplitMix64 (Steele et al. 2014), the room's one source of chance. */
#ifndef NN_MIX_INTERNAL_H
#define NN_MIX_INTERNAL_H

#include <stdint.h>

#define NN_MIX_STEP UINT64_C(0x9e3779b97f4a7c15)

/* Its finaliser: a hash of 64 bits. */
static inline uint64_t nn_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t nn_mix_next(uint64_t *state)
{
    return nn_mix64(*state += NN_MIX_STEP);
}

#endif
