#include "phantom_dice.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct phantom_dice phantom_dice(uint64_t seed, uint64_t index, enum phantom_dice_purpose purpose)
{
    uint64_t key = mix(seed + UINT64_C(0x9e3779b97f4a7c15));

    key = mix(key ^ mix(index + UINT64_C(0xbb67ae8584caa73b)));
    return (struct phantom_dice){mix(key ^ mix((uint64_t)purpose + UINT64_C(0x3c6ef372fe94f82b)))};
}

uint64_t phantom_dice_bits(struct phantom_dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(dice->state);
}

double phantom_dice_uniform(struct phantom_dice *dice)
{
    return (double)(phantom_dice_bits(dice) >> 11) * 0x1p-53;
}

int phantom_dice_below(struct phantom_dice *dice, int sides)
{
    return (int)(phantom_dice_uniform(dice) * sides);
}
