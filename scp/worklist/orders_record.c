/* What a hearer hands over, taken as a stranger's. */
#include "orders.h"

#include <string.h>

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}
#define IS_TEXT(field) is_text(field, sizeof(field))

/* A byte that is no bool must not be read as one. */
static bool is_flag(const bool *flag)
{
    unsigned char byte;
    memcpy(&byte, flag, 1);
    return byte <= 1;
}

static bool is_number(const void *at, unsigned most)
{
    unsigned number;
    memcpy(&number, at, sizeof number);
    return number <= most;
}

bool orders_is_order(const struct site_order *o)
{
    _Static_assert(sizeof o->priority == sizeof(unsigned) && sizeof o->read == sizeof(unsigned) &&
                       sizeof o->conclusion == sizeof(unsigned) && sizeof o->cancelled == 1,
                   "read as such");
    return IS_TEXT(o->accession) && IS_TEXT(o->study) && IS_TEXT(o->placer_order) &&
           IS_TEXT(o->filler_order) && IS_TEXT(o->accession_issuer) && IS_TEXT(o->procedure_id) &&
           IS_TEXT(o->procedure) && IS_TEXT(o->patients) &&
           (o->study[0] == '\0' || dx_uid_is_usable(o->study)) &&
           is_number(&o->priority, ORDER_STAT) && is_number(&o->read, SITE_READ) &&
           is_number(&o->conclusion, SITE_NO_INJURY) && is_flag(&o->postoperative) &&
           is_flag(&o->cancelled) && is_flag(&o->changed) && is_flag(&o->reports);
}

static bool are_ids(const struct site_id *ids, uint32_t count)
{
    for (uint32_t i = 0; i < SITE_IDS_MOST; i++)
        if (!IS_TEXT(ids[i].id) || !IS_TEXT(ids[i].issuer) || !IS_TEXT(ids[i].universal) ||
            (i < count && ids[i].id[0] == '\0'))
            return false;
    return count <= SITE_IDS_MOST;
}

static bool is_patient(const struct site_patient *p)
{
    return p->nows > 0 && are_ids(p->now, p->nows) && are_ids(p->prior, p->priors) &&
           IS_TEXT(p->name) && IS_TEXT(p->birth_date) && IS_TEXT(p->sex) &&
           (p->birth_date[0] == '\0' || strspn(p->birth_date, "0123456789") == 8) &&
           strspn(p->sex, "MFO") == strlen(p->sex) && p->at_ms >= 0;
}

static bool is_head(const struct orders_heard *heard, size_t bytes)
{
    if (bytes < ORDERS_BYTES(0) || heard->is_of_patients > 1 || heard->count == 0)
        return false;
    bool fits = heard->is_of_patients
                    ? heard->count <= PATIENTS_MOST && bytes == PATIENTS_BYTES(heard->count)
                    : heard->count <= ORDERS_MOST && bytes == ORDERS_BYTES(heard->count);
    return fits && heard->message[DX_DIGEST_MAX - 1] == '\0' &&
           strspn(heard->message, "0123456789abcdef") == DX_DIGEST_MAX - 1;
}

bool orders_is_record(const struct orders_heard *heard, size_t bytes)
{
    if (!is_head(heard, bytes))
        return false;
    for (size_t i = 0; heard->is_of_patients && i < heard->count; i++)
        if (!is_patient(&heard->patient[i]))
            return false;
    for (size_t i = 0; !heard->is_of_patients && i < heard->count; i++)
        if (!orders_is_order(&heard->order[i]))
            return false;
    return true;
}
