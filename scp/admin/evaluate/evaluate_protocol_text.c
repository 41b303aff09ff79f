#include "evaluate_protocol_text.h"
#include "dx_uid.h"
#include <stdlib.h>
#include <string.h>

const char protocol_seal_key[] = "sha256 = ";
enum { KEY_LENGTH = sizeof protocol_seal_key - 1, DIGITS = 64 };

void protocol_seal(const char *text, size_t size, char digest[65])
{
    struct dx_sha256 *sha = dx_sha256_create();
    dx_sha256_add(sha, text, size);
    dx_sha256_take(sha, digest);
}

enum protocol_seal_state protocol_seal_check(const char *text, char digest[65], char sealed[65])
{
    size_t length = strlen(text), line = KEY_LENGTH + DIGITS + 1;
    if (length < line || text[length - 1] != '\n')
        return PROTOCOL_UNSEALED;
    const char *last = text + length - line;
    bool begins = last == text || last[-1] == '\n';
    if (!begins || strncmp(last, protocol_seal_key, KEY_LENGTH) != 0 ||
        strspn(last + KEY_LENGTH, "0123456789abcdef") != DIGITS)
        return PROTOCOL_UNSEALED;
    memcpy(sealed, last + KEY_LENGTH, DIGITS);
    sealed[DIGITS] = '\0';
    protocol_seal(text, (size_t)(last - text), digest);
    return strcmp(digest, sealed) == 0 ? PROTOCOL_SEALED : PROTOCOL_BROKEN;
}

bool protocol_value(const char *text, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    int found = 0;
    for (const char *at = text; *at;) {
        size_t line = strcspn(at, "\n");
        if (line >= length + 3 && strncmp(at, key, length) == 0 &&
            strncmp(at + length, " = ", 3) == 0) {
            size_t count = line - length - 3;
            if (count >= size)
                return false;
            memcpy(value, at + length + 3, count);
            value[count] = '\0';
            found++;
        }
        at += line + (at[line] == '\n');
    }
    return found == 1;
}

bool protocol_number(const char *text, const char *key, double low, double high, double *to)
{
    char value[64], *end;
    if (!protocol_value(text, key, value, sizeof value))
        return false;
    *to = strtod(value, &end);
    return end != value && *end == '\0' && *to >= low && *to <= high;
}
