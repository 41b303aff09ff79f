/* Query strings of DICOMweb searches. */
#include "qido.h"

#include "conf.h"
#include "dx_uid.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OFFSET_MOST INT32_MAX

enum key_kind { KEY_UIDS, KEY_PATTERN, KEY_NAME, KEY_DATES };

static const struct key {
    const char *keyword, *tag;
    enum key_kind kind;
    size_t at; /* in struct store_search */
} keys[] = {
    {"StudyInstanceUID", "0020000D", KEY_UIDS, offsetof(struct store_search, studies)},
    {"SeriesInstanceUID", "0020000E", KEY_UIDS, offsetof(struct store_search, series)},
    {"SOPInstanceUID", "00080018", KEY_UIDS, offsetof(struct store_search, instances)},
    {"SOPClassUID", "00080016", KEY_UIDS, offsetof(struct store_search, classes)},
    {"PatientID", "00100020", KEY_PATTERN, offsetof(struct store_search, patient)},
    {"PatientName", "00100010", KEY_NAME, offsetof(struct store_search, name)},
    {"AccessionNumber", "00080050", KEY_PATTERN, offsetof(struct store_search, accession)},
    {"Modality", "00080060", KEY_PATTERN, offsetof(struct store_search, modality)},
    {"ModalitiesInStudy", "00080061", KEY_PATTERN, offsetof(struct store_search, modality)},
    {"StudyDate", "00080020", KEY_DATES, 0},
};
#define KEYS (sizeof keys / sizeof *keys)

void qido_init(struct qido *qido, enum store_level level, const char *study)
{
    *qido = (struct qido){.search = {.level = level, .picture_modality = ""},
                          .limit = QIDO_RESULTS_MOST};
    (void)snprintf(qido->search.study, sizeof qido->search.study, "%s", study);
}

static bool fail(struct qido *qido, const char *name, const char *what)
{
    char shown[48];
    size_t n = 0;
    for (; name[n] != '\0' && n < sizeof shown - 1; n++)
        shown[n] = name[n] > ' ' && name[n] < 0x7f ? name[n] : '?';
    shown[n] = '\0';
    (void)snprintf(qido->why, sizeof qido->why, "%s: %s", shown, what);
    return false;
}

/* ",1.2,1.3," of "1.2,1.3" or "1.2\1.3" */
static bool take_uids(const char *value, char *list)
{
    size_t used = 1;
    list[0] = ',';
    list[1] = '\0';
    while (*value != '\0') {
        char uid[DX_UID_MAX];
        size_t length = strcspn(value, ",\\");
        (void)snprintf(uid, sizeof uid, "%.*s", (int)(length < sizeof uid ? length : 0), value);
        if (!dx_uid_is_usable(uid) || used + length + 2 > STORE_SEARCH_TEXT)
            return false;
        used += (size_t)snprintf(list + used, STORE_SEARCH_TEXT - used, "%s,", uid);
        value += length + (value[length] != '\0');
    }
    return used > 1;
}

/* The wildcards of DICOM are GLOB's; its bracket is none of DICOM's. */
static bool take_pattern(const char *value, bool capitals, char *pattern)
{
    size_t used = 0;
    if (strspn(value, "*") == strlen(value)) { /* universal matching */
        pattern[0] = '\0';
        return true;
    }
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c < ' ' || c == 0x7f || used + 4 > STORE_SEARCH_TEXT)
            return false;
        if (c == '[')
            pattern[used++] = '[';
        pattern[used++] = capitals && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : (char)c;
        if (c == '[')
            pattern[used++] = ']';
    }
    pattern[used] = '\0';
    return true;
}

static bool is_date(const char *text, size_t length)
{
    return length == 8 && strspn(text, "0123456789") >= 8;
}

/* "20260101", "20260101-20260131", "20260101-", "-20260131" */
static bool take_dates(const char *value, struct store_search *search)
{
    size_t length = strlen(value);
    const char *dash = strchr(value, '-');
    size_t first = dash != NULL ? (size_t)(dash - value) : length;
    const char *last = dash != NULL ? dash + 1 : value;
    if ((first > 0 && !is_date(value, first)) || (*last != '\0' && !is_date(last, strlen(last))) ||
        (first == 0 && *last == '\0'))
        return false;
    (void)snprintf(search->first_date, sizeof search->first_date, "%.*s", (int)first, value);
    (void)snprintf(search->last_date, sizeof search->last_date, "%s", last);
    return true;
}

static bool take_number(const char *value, int64_t most, int64_t *number)
{
    if (value[0] == '\0' || strspn(value, "0123456789") != strlen(value))
        return false;
    errno = 0;
    long long n = strtoll(value, NULL, 10);
    *number = errno != 0 || n > most ? most : n;
    return true;
}

static uint32_t tag_of(const char *name)
{
    if (strlen(name) == 8 && strspn(name, "0123456789abcdefABCDEF") == 8)
        return (uint32_t)strtoul(name, NULL, 16);
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].keyword, name) == 0)
            return (uint32_t)strtoul(keys[i].tag, NULL, 16);
    return conf_keyword_tag(name);
}

/* What is not known is not there: nothing is said of it. */
static bool take_include(struct qido *qido, const char *value)
{
    while (*value != '\0') {
        char name[65];
        size_t length = strcspn(value, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : 0), value);
        uint32_t tag = tag_of(name);
        if (strcmp(name, "all") == 0)
            qido->include_all = true;
        else if (tag != 0 && qido->include_count == QIDO_INCLUDE_MOST)
            return false;
        else if (tag != 0)
            qido->include[qido->include_count++] = tag;
        value += length + (value[length] != '\0');
    }
    return true;
}

static bool take_key(struct qido *qido, const struct key *key, const char *value)
{
    char *text = (char *)&qido->search + key->at;
    unsigned mark = 1u << (unsigned)(key - keys);
    if (qido->seen & mark)
        return fail(qido, key->keyword, "it is there twice");
    qido->seen |= mark;
    if (value[0] == '\0') /* universal matching */
        return true;
    switch (key->kind) {
    case KEY_UIDS:
        return take_uids(value, text) || fail(qido, key->keyword, "expected UIDs");
    case KEY_DATES:
        return take_dates(value, &qido->search) ||
               fail(qido, key->keyword, "expected YYYYMMDD, or two of them with - between");
    case KEY_PATTERN:
    case KEY_NAME:
        break;
    }
    return take_pattern(value, key->kind == KEY_NAME, text) ||
           fail(qido, key->keyword, "it is too long, or has characters that no value has");
}

bool qido_take(struct qido *qido, const char *name, const char *value)
{
    int64_t number = 0;
    value = value != NULL ? value : "";
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(name, keys[i].keyword) == 0 || strcasecmp(name, keys[i].tag) == 0)
            return take_key(qido, &keys[i], value);
    if (strcmp(name, "limit") == 0 || strcmp(name, "offset") == 0) {
        bool is_limit = name[0] == 'l';
        if (!take_number(value, is_limit ? QIDO_RESULTS_MOST : OFFSET_MOST, &number))
            return fail(qido, name, "expected a number");
        if (is_limit)
            qido->limit = (size_t)number;
        else
            qido->search.offset = number;
        return true;
    }
    if (strcmp(name, "includefield") == 0)
        return take_include(qido, value) || fail(qido, name, "there are too many");
    if (strcmp(name, "fuzzymatching") == 0) {
        qido->fuzzy = strcmp(value, "true") == 0;
        return true;
    }
    if (strcmp(name, "accept") == 0 || strcmp(name, "charset") == 0)
        return true;
    return fail(qido, name, "this node cannot search by it");
}
