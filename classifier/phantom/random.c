/* random.c: counter-based random streams, one a purpose, so that no draw shifts another's. */
#include "mix_internal.h"
#include "phantom_parts.h"

struct phantom_rng nn_phantom_rng(uint64_t seed, uint64_t index, enum phantom_purpose purpose)
{
    uint64_t key = nn_mix64(seed + NN_MIX_STEP);

    key = nn_mix64(key ^ nn_mix64(index + UINT64_C(0xd1b54a32d192ed03)));
    return (struct phantom_rng){
        nn_mix64(key ^ nn_mix64((uint64_t)purpose * UINT64_C(0x8cb92ba72f3d8dd7)))};
}

uint64_t nn_phantom_bits(struct phantom_rng *rng)
{
    return nn_mix_next(&rng->state);
}

double nn_phantom_uniform(struct phantom_rng *rng, double low, double high)
{
    return low + (high - low) * ((double)(nn_phantom_bits(rng) >> 11) * 0x1p-53);
}

double nn_phantom_clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Sum of twelve uniforms: bounded, and no libm. */
double nn_phantom_normal(struct phantom_rng *rng, double mean, double deviation)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += nn_phantom_uniform(rng, 0, 1);
    return mean + deviation * nn_phantom_clamp(sum, -3, 3);
}

bool nn_phantom_chance(struct phantom_rng *rng, double probability)
{
    return nn_phantom_uniform(rng, 0, 1) < probability;
}
