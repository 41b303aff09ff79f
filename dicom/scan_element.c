/* Element headers (PS3.5 7.1) and what a transfer syntax UID says about them. */
#include "bytes.h"
#include "scan_dataset.h"

#include <string.h>

enum scan_encoding dx_scan_encoding_of(const char *transfer_syntax)
{
    /* Implicit VR little endian, Papyrus, and GE's private syntax (implicit, with big endian
     * pixels only). */
    static const char *const implicit[] = {"1.2.840.10008.1.2", "1.2.840.10008.1.20",
                                           "1.2.840.113619.5.2"};
    for (size_t i = 0; i < sizeof implicit / sizeof implicit[0]; i++)
        if (strcmp(transfer_syntax, implicit[i]) == 0)
            return SCAN_IMPLICIT_LITTLE;
    if (strcmp(transfer_syntax, "1.2.840.10008.1.2.2") == 0)
        return SCAN_EXPLICIT_BIG;
    return SCAN_EXPLICIT_LITTLE;
}

bool dx_scan_is_deflated(const char *transfer_syntax)
{
    /* Deflated explicit, JPIP referenced deflate, JPIP HTJ2K referenced deflate. */
    static const char *const deflated[] = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95",
                                           "1.2.840.10008.1.2.4.205"};
    for (size_t i = 0; i < sizeof deflated / sizeof deflated[0]; i++)
        if (strcmp(transfer_syntax, deflated[i]) == 0)
            return true;
    return false;
}

static uint32_t number16(const uint8_t *p, enum scan_encoding encoding)
{
    return encoding == SCAN_EXPLICIT_BIG ? dx_be16(p) : dx_le16(p);
}

static uint32_t number32(const uint8_t *p, enum scan_encoding encoding)
{
    return encoding == SCAN_EXPLICIT_BIG ? dx_be32(p) : dx_le32(p);
}

/* VRs with a 32-bit length. Two unknown capitals are a VR of a later edition: those have 32-bit
 * lengths too (PS3.5 6.2); anything else is read with 16 bits, as DCMTK does. */
static bool has_long_length(const char vr[3])
{
    static const char shorts[] = "AEASATCSDADSDTFLFDISLOLTPNSHSLSSSTTMUIULUS";

    if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
        return false;
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2)
        if (vr[0] == shorts[i] && vr[1] == shorts[i + 1])
            return false;
    return true;
}

struct scan_element dx_scan_element_header(const uint8_t *bytes, size_t count,
                                           enum scan_encoding encoding)
{
    struct scan_element element = {0};
    if (count < 8)
        return element;

    element.tag = number16(bytes, encoding) << 16 | number16(bytes + 2, encoding);
    if (encoding == SCAN_IMPLICIT_LITTLE || element.tag >> 16 == 0xfffe) {
        element.length = number32(bytes + 4, encoding);
        element.size = 8;
        return element;
    }

    element.vr[0] = (char)bytes[4];
    element.vr[1] = (char)bytes[5];
    if (!has_long_length(element.vr)) {
        element.length = number16(bytes + 6, encoding);
        element.size = 8;
    } else if (count >= 12) {
        element.length = number32(bytes + 8, encoding);
        element.size = 12;
    }
    return element;
}

bool dx_scan_copy_text(char *to, size_t size, const uint8_t *value, size_t length)
{
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\0'))
        length--;
    while (length > 0 && *value == ' ') {
        value++;
        length--;
    }
    if (length >= size) {
        to[0] = '\0';
        return false;
    }
    memcpy(to, value, length);
    to[length] = '\0';
    return memchr(to, '\0', length) == NULL;
}
