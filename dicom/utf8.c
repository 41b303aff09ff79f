/* Plain attributes in ISO_IR 192. */
#include "charset.h"
#include "dx_result.h"

#include <stdlib.h>
#include <string.h>

#define CHARACTER_SET DX_TAG(0x0008, 0x0005)

static int is_ascii(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] > 0x7e)
            return 0;
    return 1;
}

static enum dx_status convert_one(struct dx_charset *charset, const struct dx_attrs *attrs,
                                  size_t i, struct dx_attrs *to, struct dx_error *err)
{
    uint32_t tag;
    char vr[3], *text = NULL;
    const char *value;
    size_t length, count;
    enum dx_status status;
    dx_attrs_at(attrs, i, &tag, vr, &value, &length);
    if (tag == CHARACTER_SET)
        return DX_OK;
    if (!dx_charset_concerns(vr)) {
        if (!is_ascii(value, length))
            return dx_fail(err, DX_UNSUPPORTED, "(%04x,%04x): bytes that no %s has", tag >> 16,
                           tag & 0xffff, vr);
        status = dx_attrs_set(to, tag, vr, value, length);
    } else {
        if (!dx_charset_decode(charset, vr, value, length, &text, &count))
            return dx_fail(err, DX_UNSUPPORTED, "(%04x,%04x): bytes that are not of \"%.64s\"",
                           tag >> 16, tag & 0xffff, dx_attrs_text(attrs, CHARACTER_SET));
        status = dx_attrs_set(to, tag, vr, text, count);
        free(text);
    }
    if (status == DX_LIMIT)
        return dx_fail(err, DX_UNSUPPORTED, "(%04x,%04x): too long as UTF-8", tag >> 16,
                       tag & 0xffff);
    return status ? dx_fail(err, status, "character set: %s", dx_status_text(status)) : DX_OK;
}

enum dx_status dx_attrs_to_utf8(const struct dx_attrs *attrs, struct dx_attrs **converted,
                                struct dx_error *err)
{
    if (!attrs || !converted)
        return dx_fail(err, DX_INVALID, "character set: no attributes");
    const char *declared = dx_attrs_text(attrs, CHARACTER_SET);
    struct dx_charset *charset = dx_charset_create(declared);
    if (!charset)
        return dx_fail(err, DX_UNSUPPORTED, "(0008,0005): unknown character set \"%.64s\"",
                       declared);
    enum dx_status status = DX_NO_MEMORY;
    struct dx_attrs *result = dx_attrs_create();
    if (result)
        status = dx_attrs_set_text(result, CHARACTER_SET, "CS", "ISO_IR 192");
    for (size_t i = 0; status == DX_OK && i < dx_attrs_count(attrs); i++)
        status = convert_one(charset, attrs, i, result, err);
    dx_charset_destroy(charset);
    if (status == DX_OK)
        *converted = result;
    else
        dx_attrs_destroy(result);
    return status == DX_NO_MEMORY ? dx_fail(err, status, "character set: out of memory") : status;
}
