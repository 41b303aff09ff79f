/* Any bytes as the text of a protocol: a seal holds for its own text alone, values stay in bounds.
 */
#include "evaluate_protocol_text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const char *text)
{
    char digest[65], sealed[65], value[32];
    double number = 0;

    if (protocol_seal_check(text, digest, sealed) != PROTOCOL_UNSEALED &&
        (strlen(sealed) != 64 || strlen(digest) != 64))
        abort();
    if (protocol_value(text, "explanation", value, sizeof value) && strlen(value) >= sizeof value)
        abort();
    if (protocol_number(text, "temperature", 0.01, 100, &number) &&
        !(isfinite(number) && number >= 0.01 && number <= 100))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char digest[65], sealed[65];
    char *text = malloc(size + 128);

    if (!text)
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    look(text);

    size_t length = strlen(text);
    if (length > 0 && text[length - 1] != '\n')
        text[length++] = '\n';
    protocol_seal(text, length, digest);
    memcpy(text + length, protocol_seal_key, strlen(protocol_seal_key));
    memcpy(text + length + strlen(protocol_seal_key), digest, 64);
    memcpy(text + length + strlen(protocol_seal_key) + 64, "\n", 2);
    if (protocol_seal_check(text, digest, sealed) != PROTOCOL_SEALED)
        abort();
    look(text);
    if (length > 0) {
        text[length / 2] = (char)(text[length / 2] ^ 1);
        if (text[length / 2] && protocol_seal_check(text, digest, sealed) == PROTOCOL_SEALED)
            abort();
    }
    free(text);
    return 0;
}
