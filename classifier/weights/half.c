/* IEEE 754 binary16 <-> binary32, exact one way, to nearest even the other. */
#include "weights_internal.h"
#include <string.h>

float nn_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ffu, bits;
    float value;

    if (exponent == 0x1f) {
        bits = sign | 0x7f800000u | fraction << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        value = (float)fraction * 0x1p-24f; /* subnormal or zero: exact */
        return sign != 0 ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The upper bits of `value`, rounded at `shift` to nearest, ties to even. */
static uint32_t rounded(uint32_t value, unsigned shift)
{
    uint32_t kept = value >> shift, rest = value & ((1u << shift) - 1), tie = 1u << (shift - 1);
    return kept + (rest > tie || (rest == tie && (kept & 1) != 0));
}

uint16_t nn_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu, half;

    if (magnitude > 0x7f800000u)
        half = 0x7e00; /* NaN */
    else if (magnitude >= 0x477ff000u)
        half = 0x7c00; /* from 65520 on: infinite */
    else if (magnitude >= 0x38800000u)
        half = rounded(magnitude - (112u << 23), 13);
    else if (magnitude >= 0x33000000u)
        half = rounded((magnitude & 0x7fffffu) | 0x800000u, 126 - (magnitude >> 23));
    else
        half = 0;
    return (uint16_t)(sign | half);
}
