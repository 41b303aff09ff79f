/* Unified Procedure Step: what a manager says of an item. */
#include "dx_ups.h"

#include "charset.h"
#include "dx_ups_scp.h"
#include "scan_dataset.h"
#include "ups_tags.h"

#include <string.h>

/* Where the texts of an item's own character set stay until that is known. */
struct collecting {
    struct dx_ups_item *item;
    char character_set[257];
    bool is_cut;
};

enum dx_ups_priority dx_ups_priority_parse(const char *word, size_t length)
{
    for (int priority = DX_UPS_LOW; priority <= DX_UPS_HIGH; priority++) {
        const char *known = dx_ups_priority_word((enum dx_ups_priority)priority);
        if (strlen(known) == length && memcmp(known, word, length) == 0)
            return (enum dx_ups_priority)priority;
    }
    return DX_UPS_PRIORITY_UNKNOWN;
}

enum dx_ups_state dx_ups_state_parse(const char *word, size_t length)
{
    for (int state = DX_UPS_SCHEDULED; state <= DX_UPS_COMPLETED; state++) {
        const char *known = dx_ups_state_word((enum dx_ups_state)state);
        if (strlen(known) == length && memcmp(known, word, length) == 0)
            return (enum dx_ups_state)state;
    }
    return DX_UPS_STATE_UNKNOWN;
}

/* What does not fit is "". */
static void keep(struct collecting *c, char *to, size_t size, const uint8_t *value, size_t length)
{
    if (dx_scan_copy_text(to, size, value, length))
        return;
    to[0] = '\0';
    c->item->cut = true;
}

static void take_own(struct collecting *c, uint32_t tag, const uint8_t *value, size_t length)
{
    struct dx_ups_item *item = c->item;
    char word[17] = "";
    switch (tag) {
    case UPS_CHARACTER_SET:
        c->is_cut = !dx_scan_copy_text(c->character_set, sizeof c->character_set, value, length);
        break;
    case UPS_SOP_INSTANCE:
        keep(c, item->sop_instance, sizeof item->sop_instance, value, length);
        break;
    case UPS_PATIENT_ID:
        keep(c, item->patient_id, sizeof item->patient_id, value, length);
        break;
    case UPS_PATIENT_ISSUER:
        keep(c, item->issuer, sizeof item->issuer, value, length);
        break;
    case UPS_COMMENTS:
        item->cut_comments =
            !dx_scan_copy_text(item->comments, sizeof item->comments, value, length);
        break;
    case UPS_STATE:
        if (dx_scan_copy_text(word, sizeof word, value, length))
            item->state = dx_ups_state_parse(word, strlen(word));
        break;
    case UPS_PRIORITY:
        if (dx_scan_copy_text(word, sizeof word, value, length))
            item->priority = dx_ups_priority_parse(word, strlen(word));
        break;
    default:
        break;
    }
}

static void take_request(struct collecting *c, const struct dx_place *place, uint32_t tag,
                         const uint8_t *value, size_t length)
{
    struct dx_ups_item *item = c->item;
    if (place->item[0] >= DX_UPS_REQUESTS)
        return;
    struct dx_ups_request *request = &item->request[place->item[0]];
    if (item->requests <= place->item[0])
        item->requests = place->item[0] + 1;
    if (place->depth == 1 && tag == UPS_STUDY)
        keep(c, request->study, sizeof request->study, value, length);
    else if (place->depth == 1 && tag == UPS_ACCESSION)
        keep(c, request->accession, sizeof request->accession, value, length);
    else if (place->depth == 2 && place->sequence[1] == UPS_ACCESSION_ISSUER &&
             tag == UPS_NAMESPACE)
        keep(c, request->issuer, sizeof request->issuer, value, length);
}

static bool take(void *context, const struct dx_place *place, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct collecting *c = context;
    struct dx_ups_item *item = c->item;
    if (place->depth == 0) {
        take_own(c, tag, value, length);
    } else if (place->sequence[0] == UPS_REQUESTS) {
        take_request(c, place, tag, value, length);
    } else if (place->sequence[0] == UPS_INPUT && place->depth == 1 && tag == UPS_STUDY &&
               item->inputs < DX_UPS_REQUESTS) {
        keep(c, item->input_study[item->inputs++], DX_UID_MAX, value, length);
    } else if (place->sequence[0] == UPS_WORKITEM_CODES && place->depth == 1) {
        if (item->codes <= place->item[0])
            item->codes = place->item[0] + 1;
        if (tag == UPS_CODE_VALUE && place->item[0] == 0)
            keep(c, item->code, sizeof item->code, value, length);
        else if (tag == UPS_CODE_SCHEME && place->item[0] == 0)
            keep(c, item->scheme, sizeof item->scheme, value, length);
    }
    return true;
}

static void decode(struct collecting *c)
{
    struct dx_ups_item *item = c->item;
    struct dx_charset *charset = c->is_cut ? NULL : dx_charset_create(c->character_set);
    bool all = dx_charset_decode_in_place(charset, "LO", item->patient_id, sizeof item->patient_id);
    all = dx_charset_decode_in_place(charset, "LO", item->issuer, sizeof item->issuer) && all;
    for (unsigned i = 0; i < item->requests; i++) {
        struct dx_ups_request *request = &item->request[i];
        all = dx_charset_decode_in_place(charset, "SH", request->accession,
                                         sizeof request->accession) &&
              all;
        all = dx_charset_decode_in_place(charset, "UT", request->issuer, sizeof request->issuer) &&
              all;
    }
    item->cut = item->cut || !all;
    if (item->cut_comments)
        item->comments[0] = '\0';
    else
        item->cut_comments =
            !dx_charset_decode_in_place(charset, "LT", item->comments, sizeof item->comments);
    dx_charset_destroy(charset);
}

enum dx_status dx_ups_read(const uint8_t *bytes, size_t count, struct dx_ups_item *item,
                           struct dx_error *err)
{
    static const uint32_t sequences[] = {
        UPS_REQUESTS,  UPS_INPUT,  UPS_WORKITEM_CODES, UPS_ACCESSION_ISSUER, UPS_REFERENCED_SOPS,
        UPS_RETRIEVAL, UPS_PLACER, UPS_FILLER,         UPS_PROCEDURE_CODES,  0};
    struct collecting c = {.item = item};
    memset(item, 0, sizeof *item);
    enum dx_status status = dx_dataset_read(bytes, count, sequences, take, &c, err);
    if (status == DX_OK)
        decode(&c);
    else
        memset(item, 0, sizeof *item);
    return status;
}
