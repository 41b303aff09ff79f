/* Modality Worklist: the query, in ascending order of tags, and what a peer says of an order. */
#include "dx_mwl.h"

#include "charset.h"
#include "scan_dataset.h"

#include <string.h>

#define CHARACTER_SET  DX_TAG(0x0008, 0x0005)
#define ACCESSION      DX_TAG(0x0008, 0x0050)
#define ACCESSION_FROM DX_TAG(0x0008, 0x0051)
#define MODALITY       DX_TAG(0x0008, 0x0060)
#define CODE_VALUE     DX_TAG(0x0008, 0x0100)
#define CODE_MEANING   DX_TAG(0x0008, 0x0104)
#define PATIENT_ID     DX_TAG(0x0010, 0x0020)
#define ISSUER         DX_TAG(0x0010, 0x0021)
#define STUDY          DX_TAG(0x0020, 0x000d)
#define PROCEDURE_TEXT DX_TAG(0x0032, 0x1060)
#define PROCEDURE_CODE DX_TAG(0x0032, 0x1064)
#define STEPS          DX_TAG(0x0040, 0x0100)
#define STEP_STATION   DX_TAG(0x0040, 0x0001)
#define LOCAL          DX_TAG(0x0040, 0x0031)
#define UNIVERSAL      DX_TAG(0x0040, 0x0032)
#define STEP_DATE      DX_TAG(0x0040, 0x0002)
#define STEP_TIME      DX_TAG(0x0040, 0x0003)
#define PROCEDURE_ID   DX_TAG(0x0040, 0x1001)
#define PRIORITY       DX_TAG(0x0040, 0x1003)
#define PLACER_ORDER   DX_TAG(0x0040, 0x2016)
#define FILLER_ORDER   DX_TAG(0x0040, 0x2017)

/* Peers that look for the keys of a modality's query find them: an item of the scheduled step with
 * its required keys, each empty. */
static void put_step(struct dx_writing *to)
{
    dx_put_begin(to, STEPS);
    dx_put_item(to);
    dx_put_text(to, MODALITY, "");
    dx_put_text(to, STEP_STATION, "");
    dx_put_text(to, STEP_DATE, "");
    dx_put_text(to, STEP_TIME, "");
    dx_put_item_end(to);
    dx_put_end(to);
}

/* Without item it matches everything (PS3.4 C.2.2.2.6): with one of empty keys some peers leave out
 * what has no code. */
static void put_empty(struct dx_writing *to, uint32_t sequence)
{
    dx_put_begin(to, sequence);
    dx_put_end(to);
}

void dx_mwl_write_query(const struct dx_mwl_query *query, struct dx_writing *to)
{
    dx_put_text(to, ACCESSION, query->accession);
    put_empty(to, ACCESSION_FROM);
    dx_put_text(to, PATIENT_ID, query->patient_id);
    dx_put_text(to, ISSUER, "");
    dx_put_uid(to, STUDY, query->study);
    dx_put_text(to, PROCEDURE_TEXT, "");
    put_empty(to, PROCEDURE_CODE);
    put_step(to);
    dx_put_text(to, PROCEDURE_ID, "");
    dx_put_text(to, PRIORITY, "");
    dx_put_text(to, PLACER_ORDER, "");
    dx_put_text(to, FILLER_ORDER, "");
}

/* Texts stay as they came until the character set is known. */
struct collecting {
    struct dx_mwl_item *item;
    char character_set[257];
    bool is_cut;
    char code[65], meaning[257];
};

/* What does not fit is not there: a part of it could be another's. */
static void keep(char *to, size_t size, const uint8_t *value, size_t length)
{
    if (!dx_scan_copy_text(to, size, value, length))
        to[0] = '\0';
}
#define KEEP(field) keep(field, sizeof(field), value, length)

static void take_own(struct collecting *c, uint32_t tag, const uint8_t *value, size_t length)
{
    struct dx_mwl_item *item = c->item;
    switch (tag) {
    case CHARACTER_SET:
        c->is_cut = !dx_scan_copy_text(c->character_set, sizeof c->character_set, value, length);
        break;
    case ACCESSION:
        KEEP(item->accession);
        break;
    case PATIENT_ID:
        KEEP(item->patient_id);
        break;
    case ISSUER:
        KEEP(item->issuer);
        break;
    case STUDY:
        KEEP(item->study);
        break;
    case PROCEDURE_TEXT:
        KEEP(item->procedure);
        break;
    case PROCEDURE_ID:
        KEEP(item->procedure_id);
        break;
    case PRIORITY:
        KEEP(item->priority);
        break;
    case PLACER_ORDER:
        KEEP(item->placer_order);
        break;
    case FILLER_ORDER:
        KEEP(item->filler_order);
        break;
    default:
        break;
    }
}

static bool take(void *context, const struct dx_place *place, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct collecting *c = context;
    if (place->depth == 0)
        take_own(c, tag, value, length);
    else if (place->depth == 1 && place->sequence[0] == PROCEDURE_CODE && place->item[0] == 0) {
        if (tag == CODE_VALUE)
            KEEP(c->code);
        else if (tag == CODE_MEANING)
            KEEP(c->meaning);
    } else if (place->depth == 1 && place->sequence[0] == ACCESSION_FROM && place->item[0] == 0) {
        if (tag == LOCAL)
            KEEP(c->item->accession_local);
        else if (tag == UNIVERSAL)
            KEEP(c->item->accession_universal);
    }
    return true;
}

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* Controls are looked for behind it: an escape of ISO 2022 is none when it is decoded. */
static void decode(struct dx_charset *charset, const char *vr, char *text, size_t size)
{
    if (!dx_charset_decode_in_place(charset, vr, text, size) || has_controls(text))
        text[0] = '\0';
}
#define DECODE(vr, field) decode(charset, vr, field, sizeof(field))

static void decode_all(struct collecting *c)
{
    struct dx_mwl_item *item = c->item;
    struct dx_charset *charset = c->is_cut ? NULL : dx_charset_create(c->character_set);
    DECODE("SH", item->accession);
    DECODE("UT", item->accession_local);
    DECODE("UT", item->accession_universal);
    DECODE("UI", item->study);
    DECODE("LO", item->patient_id);
    DECODE("LO", item->issuer);
    DECODE("LO", item->placer_order);
    DECODE("LO", item->filler_order);
    DECODE("SH", item->procedure_id);
    DECODE("LO", item->procedure);
    DECODE("CS", item->priority);
    DECODE("LO", c->meaning);
    DECODE("SH", c->code);
    if (item->procedure[0] == '\0' && c->meaning[0] != '\0')
        memcpy(item->procedure, c->meaning, sizeof c->meaning);
    else if (item->procedure[0] == '\0')
        memcpy(item->procedure, c->code, sizeof c->code);
    dx_charset_destroy(charset);
}

enum dx_status dx_mwl_read(const uint8_t *bytes, size_t count, struct dx_mwl_item *item,
                           struct dx_error *err)
{
    static const uint32_t sequences[] = {
        PROCEDURE_CODE,         STEPS,
        ACCESSION_FROM,         DX_TAG(0x0008, 0x1110), /* referenced studies */
        DX_TAG(0x0008, 0x1120),                         /* referenced patients */
        DX_TAG(0x0010, 0x0024),                         /* qualifiers of the issuer */
        DX_TAG(0x0010, 0x1002),                         /* other patient IDs */
        DX_TAG(0x0040, 0x0026),                         /* issuers of the order's numbers */
        DX_TAG(0x0040, 0x0027), 0};
    struct collecting c = {.item = item};
    memset(item, 0, sizeof *item);
    enum dx_status status = dx_dataset_read(bytes, count, sequences, take, &c, err);
    if (status == DX_OK)
        decode_all(&c);
    else
        memset(item, 0, sizeof *item);
    return status;
}
