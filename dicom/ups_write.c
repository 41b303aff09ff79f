/* Unified Procedure Step: what is sent, in ascending order of tags (PS3.4 tables CC.2.2-1,
 * CC.2.5-3, CC.2.6). */
#include "dx_ups.h"
#include "dx_ups_scp.h"
#include "tree.h"
#include "ups_tags.h"

#include <string.h>

#define LABEL_MOST 64 /* characters of an LO */

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static bool is_said(const char *text)
{
    return text != NULL && text[0] != '\0';
}

const char *dx_ups_priority_word(enum dx_ups_priority priority)
{
    static const char *const words[] = {"", "LOW", "MEDIUM", "HIGH"};
    return words[priority];
}

const char *dx_ups_state_word(enum dx_ups_state state)
{
    static const char *const words[] = {"", "SCHEDULED", "IN PROGRESS", "CANCELED", "COMPLETED"};
    return words[state];
}

/* 1C: where one of the texts is not ASCII. */
static void put_character_set(struct dx_writing *to, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!dx_text_is_ascii(text_of(texts[i]))) {
            dx_put_text(to, UPS_CHARACTER_SET, "ISO_IR 192");
            return;
        }
}

static void put(struct dx_writing *to, uint32_t tag, const char *text)
{
    dx_put_text(to, tag, text_of(text));
}

/* At most 64 characters, whole ones. */
static void put_label(struct dx_writing *to, uint32_t tag, const char *text)
{
    char label[4 * LABEL_MOST + 1];
    size_t at = 0, characters = 0;
    for (text = text_of(text); *text != '\0' && at + 1 < sizeof label; text++) {
        if (((unsigned char)*text & 0xc0u) != 0x80u && ++characters > LABEL_MOST)
            break;
        label[at++] = *text;
    }
    label[at] = '\0';
    dx_put_text(to, tag, label);
}

static void put_empty(struct dx_writing *to, uint32_t sequence)
{
    dx_put_begin(to, sequence);
    dx_put_end(to);
}

static void put_code(struct dx_writing *to, uint32_t sequence, const struct dx_ups_code *code)
{
    dx_put_begin(to, sequence);
    if (is_said(code->value)) {
        dx_put_item(to);
        put(to, UPS_CODE_VALUE, code->value);
        put(to, UPS_CODE_SCHEME, code->scheme);
        put_label(to, UPS_CODE_MEANING, code->meaning);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

/* Referenced Instances and Access macro (table CC.2.5-2c): what cannot be named whole is not named.
 */
static void put_input(struct dx_writing *to, const struct dx_ups_input *input)
{
    dx_put_begin(to, UPS_INPUT);
    if (is_said(input->study) && is_said(input->series) && is_said(input->sop_class) &&
        is_said(input->sop_instance) && is_said(input->retrieve_ae)) {
        dx_put_item(to);
        dx_put_begin(to, UPS_REFERENCED_SOPS);
        dx_put_item(to);
        dx_put_uid(to, UPS_REFERENCED_CLASS, input->sop_class);
        dx_put_uid(to, UPS_REFERENCED_INSTANCE, input->sop_instance);
        dx_put_item_end(to);
        dx_put_end(to);
        dx_put_uid(to, UPS_STUDY, input->study);
        dx_put_uid(to, UPS_SERIES, input->series);
        dx_put_text(to, UPS_TYPE_OF_INSTANCES, "DICOM");
        dx_put_begin(to, UPS_RETRIEVAL);
        dx_put_item(to);
        dx_put_text(to, UPS_RETRIEVE_AE, input->retrieve_ae);
        dx_put_item_end(to);
        dx_put_end(to);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

static void put_issuer(struct dx_writing *to, uint32_t sequence, const char *issuer)
{
    dx_put_begin(to, sequence);
    if (is_said(issuer)) {
        dx_put_item(to);
        dx_put_text(to, UPS_NAMESPACE, issuer);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

static void put_request(struct dx_writing *to, const struct dx_ups_new *item)
{
    dx_put_begin(to, UPS_REQUESTS);
    dx_put_item(to);
    put(to, UPS_ACCESSION, item->accession);
    put_issuer(to, UPS_ACCESSION_ISSUER, item->issuer_of_accession);
    dx_put_uid(to, UPS_STUDY, text_of(item->study));
    put_label(to, UPS_PROCEDURE_TEXT, item->procedure_description);
    put_empty(to, UPS_PROCEDURE_CODES);
    put_empty(to, UPS_PLACER);
    put_empty(to, UPS_FILLER);
    put(to, UPS_PROCEDURE_ID, item->procedure_id);
    if (is_said(item->placer_order))
        dx_put_text(to, UPS_PLACER_ORDER, item->placer_order);
    if (is_said(item->filler_order))
        dx_put_text(to, UPS_FILLER_ORDER, item->filler_order);
    dx_put_item_end(to);
    dx_put_end(to);
}

/* Relationship module, but for the request. is_new: a manager is told that there is no transaction
 * yet; of its own items it never tells one. */
static void put_patient(struct dx_writing *to, const struct dx_ups_new *item, bool is_new)
{
    put(to, UPS_DIAGNOSES, "");
    put_empty(to, UPS_DIAGNOSES_CODES);
    if (is_new)
        dx_put_uid(to, UPS_TRANSACTION, "");
    put(to, UPS_PATIENT_NAME, item->patient_name);
    put(to, UPS_PATIENT_ID, item->patient_id);
    put(to, UPS_PATIENT_ISSUER, item->issuer);
    put_empty(to, UPS_ISSUER_QUALIFIERS);
    put(to, UPS_BIRTH_DATE, item->birth_date);
    put(to, UPS_SEX, item->sex);
    put_empty(to, UPS_OTHER_IDS);
    dx_put_uid(to, UPS_STUDY, text_of(item->study)); /* reading makes a report in this study */
    put(to, UPS_ADMISSION, "");
    put_empty(to, UPS_ADMISSION_ISSUER);
}

/* Input Readiness: the sequence is complete, all that it names is there; the images of the study
 * were there before we were told of them. */
static void put_schedule(struct dx_writing *to, const struct dx_ups_new *item, const char *modified)
{
    put(to, UPS_COMMENTS, item->comments);
    put(to, UPS_START, item->start);
    if (modified != NULL)
        put(to, UPS_MODIFIED, modified);
    put_code(to, UPS_WORKITEM_CODES, &item->workitem);
    put_input(to, &item->input);
    put_empty(to, UPS_STATION_NAMES);
    put_empty(to, UPS_STATION_CLASSES);
    put_empty(to, UPS_STATION_PLACES);
    dx_put_text(to, UPS_READINESS, "READY");
}

/* ---- what a performer said ---- */

/* What a canceled step must have, where nobody has said it (final state X). */
static void put_canceled(struct dx_writing *to, const struct dx_tree *said,
                         const struct dx_node *item, uint32_t tag, const struct dx_ups_held *held)
{
    static const struct dx_ups_code unspecified = {"110513", "DCM",
                                                   "Discontinued for unspecified reason"};
    size_t first = item != NULL ? dx_tree_at(said, item) + 1 : 0;
    const struct dx_node *has = item != NULL ? dx_tree_find(said, first, item->end, tag) : NULL;
    bool is_empty = has == NULL || (has->length == 0 && has->end == dx_tree_at(said, has) + 1);
    if (!is_empty)
        dx_tree_put(said, has, to);
    else if (tag == UPS_CANCEL_TIME)
        put(to, tag, held->ended);
    else if (tag == UPS_DISCONTINUATION)
        put_code(to, tag, &unspecified);
    else if (is_said(held->why))
        put(to, tag, held->why);
}

static bool is_of_cancel(uint32_t tag)
{
    return tag == UPS_CANCEL_TIME || tag == UPS_DISCONTINUATION || tag == UPS_CANCEL_REASON;
}

/* The one item of progress, with what was said in between. */
static void put_progress(struct dx_writing *to, const struct dx_tree *said,
                         const struct dx_ups_held *held)
{
    static const uint32_t tags[] = {UPS_CANCEL_TIME, UPS_DISCONTINUATION, UPS_CANCEL_REASON};
    const struct dx_node *progress = dx_tree_find(said, 0, said->count, UPS_PROGRESS);
    size_t at = progress != NULL ? dx_tree_at(said, progress) + 1 : 0, next = 0;
    const struct dx_node *item = progress != NULL && at < progress->end ? &said->node[at] : NULL;
    if (held->state != DX_UPS_CANCELED) {
        if (progress != NULL)
            dx_tree_put(said, progress, to);
        else
            put_empty(to, UPS_PROGRESS);
        return;
    }
    dx_put_begin(to, UPS_PROGRESS);
    dx_put_item(to);
    for (size_t i = at + 1; item != NULL && i < item->end; i = said->node[i].end) {
        while (next < 3 && tags[next] < said->node[i].tag)
            put_canceled(to, said, item, tags[next++], held);
        if (!is_of_cancel(said->node[i].tag))
            dx_tree_put(said, &said->node[i], to);
    }
    while (next < 3)
        put_canceled(to, said, item, tags[next++], held);
    dx_put_item_end(to);
    dx_put_end(to);
}

static void put_performed(struct dx_writing *to, const struct dx_tree *said)
{
    const struct dx_node *performed = dx_tree_find(said, 0, said->count, UPS_PERFORMED);
    if (performed != NULL)
        dx_tree_put(said, performed, to);
    else
        put_empty(to, UPS_PERFORMED);
}

/* ---- items ---- */

/* held NULL: one that is to be made by another. */
static void write_item(const struct dx_ups_new *item, const struct dx_ups_held *held,
                       const struct dx_tree *said, struct dx_writing *to)
{
    const char *const texts[] = {item->label,
                                 item->worklist_label,
                                 item->comments,
                                 item->workitem.meaning,
                                 item->patient_name,
                                 item->patient_id,
                                 item->issuer,
                                 item->accession,
                                 item->placer_order,
                                 item->issuer_of_accession,
                                 item->filler_order,
                                 item->procedure_id,
                                 item->procedure_description};
    if (dx_tree_find(said, 0, said->count, UPS_CHARACTER_SET) != NULL)
        dx_put_text(to, UPS_CHARACTER_SET, "ISO_IR 192");
    else
        put_character_set(to, texts, sizeof texts / sizeof texts[0]);
    if (held != NULL) {
        dx_put_uid(to, UPS_SOP_CLASS, DX_UPS_PUSH);
        dx_put_uid(to, UPS_SOP_INSTANCE, text_of(held->sop_instance));
    }
    put_patient(to, item, held == NULL);
    put_schedule(to, item, held != NULL ? text_of(held->modified) : NULL);
    put_request(to, item);
    dx_put_text(to, UPS_STATE, dx_ups_state_word(held != NULL ? held->state : DX_UPS_SCHEDULED));
    if (held != NULL)
        put_progress(to, said, held);
    else
        put_empty(to, UPS_PROGRESS);
    dx_put_text(to, UPS_PRIORITY, dx_ups_priority_word(item->priority));
    put_label(to, UPS_WORKLIST_LABEL, item->worklist_label);
    put_label(to, UPS_LABEL, item->label);
    put_empty(to, UPS_PARAMETERS);
    put_performed(to, said);
}

void dx_ups_write_new(const struct dx_ups_new *item, struct dx_writing *to)
{
    const struct dx_tree nothing = {.count = 0};
    write_item(item, NULL, &nothing, to);
}

void dx_ups_write_held(const struct dx_ups_held *held, struct dx_writing *to)
{
    struct dx_tree said;
    struct dx_error err;
    if (dx_tree_read(held->said, held->said_bytes, &said, &err) != DX_OK)
        dx_tree_finish(&said); /* ours, and damaged: as if nothing had been said */
    write_item(&held->item, held, &said, to);
    dx_tree_finish(&said);
}

void dx_ups_write_change(const struct dx_ups_change *change, struct dx_writing *to)
{
    const char *const texts[] = {change->label, change->comments};
    put_character_set(to, texts, sizeof texts / sizeof texts[0]);
    if (change->comments != NULL)
        dx_put_text(to, UPS_COMMENTS, change->comments);
    if (change->input.study != NULL)
        put_input(to, &change->input);
    if (change->priority != DX_UPS_PRIORITY_UNKNOWN)
        dx_put_text(to, UPS_PRIORITY, dx_ups_priority_word(change->priority));
    if (change->label != NULL)
        put_label(to, UPS_LABEL, change->label);
}

void dx_ups_write_cancel(const char *reason, struct dx_writing *to)
{
    put_character_set(to, &reason, 1);
    put(to, UPS_CANCEL_REASON, reason);
}

static void put_request_key(struct dx_writing *to, const char *accession, const char *study)
{
    dx_put_begin(to, UPS_REQUESTS);
    dx_put_item(to);
    dx_put_text(to, UPS_ACCESSION, accession);
    put_empty(to, UPS_ACCESSION_ISSUER);
    dx_put_uid(to, UPS_STUDY, study);
    dx_put_item_end(to);
    dx_put_end(to);
}

static void put_input_key(struct dx_writing *to, const char *study)
{
    dx_put_begin(to, UPS_INPUT);
    dx_put_item(to);
    dx_put_uid(to, UPS_STUDY, study);
    dx_put_item_end(to);
    dx_put_end(to);
}

/* A sequence without item matches everything and comes back whole (PS3.4 C.2.2.2.6); one with an
 * item of empty keys may miss the items that have none. */
void dx_ups_write_query(enum dx_ups_key key, const char *value, const char *patient_id,
                        struct dx_writing *to)
{
    const char *const texts[] = {value, patient_id};
    put_character_set(to, texts, 2);
    dx_put_uid(to, UPS_SOP_CLASS, "");
    dx_put_uid(to, UPS_SOP_INSTANCE, "");
    put(to, UPS_PATIENT_ID, patient_id);
    put(to, UPS_PATIENT_ISSUER, "");
    put_empty(to, UPS_WORKITEM_CODES);
    if (key == DX_UPS_BY_INPUT_STUDY)
        put_input_key(to, text_of(value));
    else
        put_empty(to, UPS_INPUT);
    if (key == DX_UPS_BY_ACCESSION)
        put_request_key(to, text_of(value), "");
    else if (key == DX_UPS_BY_REQUEST_STUDY)
        put_request_key(to, "", text_of(value));
    else
        put_empty(to, UPS_REQUESTS);
    put(to, UPS_STATE, "");
    put(to, UPS_PRIORITY, "");
}
