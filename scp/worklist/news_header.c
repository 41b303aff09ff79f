#include "news_header.h"

#include "dx_attrs.h"
#include "dx_result.h"
#include "dx_uid.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FIELDS 10
#define ORDER  5 /* the first field of an order; those before it are the patient's */
#define DIGITS 8 /* of a field's digest */
#define UNSAID "--------"
_Static_assert(NEWS_IDENTITY == FIELDS * DIGITS + 1, "an identity is its fields' digests");

static void copy(char *to, size_t size, const struct dx_attrs *attrs, uint16_t group,
                 uint16_t element)
{
    const char *text = attrs != NULL ? dx_attrs_text(attrs, DX_TAG(group, element)) : "";
    (void)snprintf(to, size, "%s", text);
    size_t length = strlen(to);
    while (length > 0 && to[length - 1] == ' ')
        to[--length] = '\0';
}

void news_take_header(struct news *news, const uint8_t *bytes, size_t count)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *raw = NULL, *utf8 = NULL;
    if (bytes == NULL || dx_attrs_unpack(bytes, count, &raw, &err) != DX_OK)
        return;
    const struct dx_attrs *attrs = dx_attrs_to_utf8(raw, &utf8, &err) == DX_OK ? utf8 : raw;
    const char *accession = dx_attrs_text(attrs, DX_TAG(0x0008, 0x0050));
    if (accession[strspn(accession, " ")] != '\0')
        copy(news->accession, sizeof news->accession, attrs, 0x0008, 0x0050);
    copy(news->issuer_of_accession, sizeof news->issuer_of_accession, attrs, 0x0040, 0x0031);
    copy(news->study_id, sizeof news->study_id, attrs, 0x0020, 0x0010);
    copy(news->patient_id, sizeof news->patient_id, attrs, 0x0010, 0x0020);
    copy(news->issuer, sizeof news->issuer, attrs, 0x0010, 0x0021);
    copy(news->patient_name, sizeof news->patient_name, attrs, 0x0010, 0x0010);
    copy(news->birth_date, sizeof news->birth_date, attrs, 0x0010, 0x0030);
    copy(news->sex, sizeof news->sex, attrs, 0x0010, 0x0040);
    copy(news->study_date, sizeof news->study_date, attrs, 0x0008, 0x0020);
    copy(news->study_time, sizeof news->study_time, attrs, 0x0008, 0x0030);
    copy(news->study_description, sizeof news->study_description, attrs, 0x0008, 0x1030);
    dx_attrs_destroy(utf8);
    dx_attrs_destroy(raw);
}

/* The alphabetic group. */
static void plain_name(const char *name, char *plain, size_t size)
{
    size_t length = strcspn(name, "=");
    while (length > 0 && (name[length - 1] == '^' || name[length - 1] == ' '))
        length--;
    (void)snprintf(plain, size, "%.*s", (int)length, name);
    for (char *p = plain; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
}

static void digest_of(const char *text, char digits[DIGITS + 1])
{
    char digest[DX_DIGEST_MAX] = "";
    struct dx_sha256 *sha = text[0] != '\0' ? dx_sha256_create() : NULL;
    if (sha != NULL) {
        dx_sha256_add_text(sha, text);
        dx_sha256_take(sha, digest);
    }
    (void)snprintf(digits, DIGITS + 1, "%.*s", DIGITS, digest[0] != '\0' ? digest : UNSAID);
}

static bool is_another(const char *told, const char *now)
{
    bool has_header = false;
    if (strlen(told) != NEWS_IDENTITY - 1)
        return false;
    for (int i = 0; i < ORDER; i++)
        has_header = has_header || memcmp(now + i * DIGITS, UNSAID, DIGITS) != 0;
    for (int i = 0; i < FIELDS; i++) {
        const char *was = told + i * DIGITS, *is = now + i * DIGITS;
        bool was_said = memcmp(was, UNSAID, DIGITS) != 0, said = memcmp(is, UNSAID, DIGITS) != 0;
        if (was_said && memcmp(was, is, DIGITS) != 0 && (said || (i >= ORDER && has_header)))
            return true;
    }
    return false;
}

void news_identify(struct news *news)
{
    char name[sizeof news->patient_name];
    plain_name(news->patient_name, name, sizeof name);
    const char *const fields[FIELDS] = {name,
                                        news->patient_id,
                                        news->issuer,
                                        news->birth_date,
                                        news->sex,
                                        news->accession,
                                        news->issuer_of_accession,
                                        news->placer_order,
                                        news->filler_order,
                                        news->procedure_id};
    if (news->kind == NEWS_WITHDRAWN && news->told_identity[0] != '\0') {
        memcpy(news->identity, news->told_identity, sizeof news->identity);
        return;
    }
    for (int i = 0; i < FIELDS; i++)
        digest_of(fields[i], news->identity + i * DIGITS);
    if (news->kind == NEWS_PRIORITY && is_another(news->told_identity, news->identity))
        news->item++;
}
