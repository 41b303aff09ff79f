/* A record of the audit log, to bytes and back. */
#include "audit_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEXADECIMAL "0123456789abcdef"
#define DIGITS      "0123456789"
#define HOST_BYTES  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

const char audit_record_none[DX_DIGEST_MAX] =
    "0000000000000000000000000000000000000000000000000000000000000000";

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, HEXADECIMAL) == length && text[length] == '\0';
}

/* 2026-11-22T05:30:00.123Z: 0 stands for a digit. */
static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return true;
}

static bool is_message(const char *text, size_t count)
{
    if (count < 2 || count > AUDIT_MESSAGE_MOST || text[0] != '<' || text[count - 1] != '>')
        return false;
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

static bool is_well(const struct audit_record *r)
{
    size_t host = strlen(r->host);
    return r->seq > 0 && r->seq <= INT64_MAX && is_time(r->time) && host > 0 &&
           strspn(r->host, HOST_BYTES) == host && is_hex(r->node, 32) && is_hex(r->prev, 64) &&
           is_message(r->message, r->message_bytes);
}

/* False: no memory. */
static bool digest(const struct audit_record *r, char hash[DX_DIGEST_MAX])
{
    char head[256];
    struct dx_sha256 *sha = dx_sha256_create();
    int length = snprintf(head, sizeof head, "%" PRIu64 " %s %s %s %s ", r->seq, r->time, r->host,
                          r->node, r->prev);
    if (sha == NULL)
        return false;
    dx_sha256_add(sha, head, (size_t)length);
    dx_sha256_add(sha, r->message, r->message_bytes);
    dx_sha256_take(sha, hash);
    return is_hex(hash, 64);
}

/* The word before the next blank, which *at passes; false when it is empty or too long. */
static bool take_word(const char **at, const char *end, char *word, size_t size)
{
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    size_t length = blank != NULL ? (size_t)(blank - *at) : 0;
    if (length == 0 || length >= size || memchr(*at, '\0', length) != NULL)
        return false;
    memcpy(word, *at, length);
    word[length] = '\0';
    *at = blank + 1;
    return true;
}

static bool take_number(const char *word, uint64_t *number)
{
    if (word[0] == '0' || strspn(word, DIGITS) != strlen(word) || strlen(word) > 18)
        return false;
    *number = 0;
    for (; *word != '\0'; word++)
        *number = *number * 10 + (uint64_t)(*word - '0');
    return *number > 0;
}

enum audit_parse audit_record_parse(const char *bytes, size_t count, struct audit_record *r)
{
    char number[20], hash[DX_DIGEST_MAX];
    const char *at = bytes, *end = memchr(bytes, '\n', count);
    memset(r, 0, sizeof *r);
    r->bytes = count;
    if (end == NULL)
        return count < AUDIT_RECORD_MOST ? AUDIT_PARSE_CUT : AUDIT_PARSE_WRONG;
    r->bytes = (size_t)(end - bytes) + 1;
    if (!take_word(&at, end, number, sizeof number) || !take_number(number, &r->seq) ||
        !take_word(&at, end, r->time, sizeof r->time) ||
        !take_word(&at, end, r->host, sizeof r->host) ||
        !take_word(&at, end, r->node, sizeof r->node) ||
        !take_word(&at, end, r->prev, sizeof r->prev) ||
        !take_word(&at, end, r->hash, sizeof r->hash))
        return AUDIT_PARSE_WRONG;
    r->message = at;
    r->message_bytes = (size_t)(end - at);
    if (!is_well(r) || !is_hex(r->hash, 64))
        return AUDIT_PARSE_WRONG;
    if (!digest(r, hash))
        return AUDIT_PARSE_NO_MEMORY;
    return strcmp(hash, r->hash) == 0 ? AUDIT_PARSE_OK : AUDIT_PARSE_ALTERED;
}

bool audit_record_write(struct audit_record *r, char *line, size_t room)
{
    if (!is_well(r) || !digest(r, r->hash))
        return false;
    int length = snprintf(line, room, "%" PRIu64 " %s %s %s %s %s %.*s\n", r->seq, r->time, r->host,
                          r->node, r->prev, r->hash, (int)r->message_bytes, r->message);
    r->bytes = (size_t)length;
    return length > 0 && (size_t)length < room && (size_t)length <= AUDIT_RECORD_MOST;
}
