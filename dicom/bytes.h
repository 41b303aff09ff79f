/* bytes.h: whole numbers as bytes hold them, at any address (private to dicom/). */
#ifndef DX_BYTES_H
#define DX_BYTES_H

#include <stdint.h>

static inline uint32_t dx_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t dx_le32(const uint8_t *p)
{
    return dx_le16(p + 2) << 16 | dx_le16(p);
}

static inline uint32_t dx_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t dx_be32(const uint8_t *p)
{
    return dx_be16(p) << 16 | dx_be16(p + 2);
}

static inline void dx_put_le16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void dx_put_le32(uint8_t *p, uint32_t value)
{
    dx_put_le16(p, value);
    dx_put_le16(p + 2, value >> 16);
}

#endif
