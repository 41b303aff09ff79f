#include "news_header.h"

#include "dx_attrs.h"
#include "dx_result.h"
#include <stdio.h>
#include <string.h>

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
