/* exp.h: exp of a float by the same few operations on every machine: libm's expf changes with the
 * CPU and the version. Inlined into a loop it becomes vector code.
 *
 * x = n ln 2 + r, |r| <= ln(2)/2, exp(x) = 2^n exp(r); exp(r) by a polynomial of degree 7 whose
 * coefficients minimise the relative error (Cephes' expf, Moshier 1992, has the same shape). Error
 * below 2 ulp from the smallest denormal to the largest float. NaN stays NaN. */
#ifndef NN_OPS_EXP_H
#define NN_OPS_EXP_H

#include <stdint.h>
#include <string.h>

static inline uint32_t nn_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float nn_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float nn_exp(float x)
{
    const float round = 0x1.8p23f;       /* added, it leaves the nearest integer in the bits */
    const float ln2_high = 0.693359375f; /* 9 bits: n times it is exact */
    const float ln2_low = -2.12194440e-4f;
    x = x < -104.0f ? -104.0f : x; /* 0 */
    x = x > 89.0f ? 89.0f : x;     /* infinity */
    float shifted = x * 1.44269504f + round, n = shifted - round;
    float r = (x - n * ln2_high) - n * ln2_low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * r * r + r) + 1.0f;
    /* 2^n in two factors, so that denormals are reached; n = first + second */
    uint32_t whole = nn_bits_of(shifted) - nn_bits_of(round);
    uint32_t first = ((whole + 256u) >> 1) - 128u, second = whole - first;
    return p * nn_float_of((first + 127u) << 23) * nn_float_of((second + 127u) << 23);
}

#endif
