/* What archives answer, as JSON: bounded by the caller, trusted in nothing. */
#include "stow.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define TAG_SOP_INSTANCE "00081155"
#define TAG_WARNING      "00081196"
#define TAG_FAILURE      "00081197"
#define TAG_FAILED       "00081198" /* Failed SOP Sequence */
#define TAG_REFERENCED   "00081199" /* Referenced SOP Sequence */

#define PROCESSING_FAILURE 0x0110

/* ---- the DICOM JSON model ---- */

static const json_t *values_of(const json_t *dataset, const char *tag)
{
    const json_t *values = json_object_get(json_object_get(dataset, tag), "Value");
    return json_is_array(values) ? values : NULL;
}

static const char *text_of(const json_t *dataset, const char *tag)
{
    const char *text = json_string_value(json_array_get(values_of(dataset, tag), 0));
    return text != NULL ? text : "";
}

/* A US; 0 where it is none. */
static uint16_t number_of(const json_t *dataset, const char *tag)
{
    json_int_t number = json_integer_value(json_array_get(values_of(dataset, tag), 0));
    return number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* The item of a sequence that is about this object. */
static const json_t *item_of(const json_t *dataset, const char *sequence, const char *sop_instance)
{
    const json_t *items = values_of(dataset, sequence);
    for (size_t i = 0; i < json_array_size(items); i++)
        if (strcmp(text_of(json_array_get(items, i), TAG_SOP_INSTANCE), sop_instance) == 0)
            return json_array_get(items, i);
    return NULL;
}

bool stow_read(const char *bytes, size_t count, const char *sop_instance, struct stow_said *said)
{
    json_t *whole = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, NULL);
    const json_t *dataset = json_is_array(whole) ? json_array_get(whole, 0) : whole;
    memset(said, 0, sizeof *said);
    bool is_dataset = json_is_object(dataset);
    const json_t *stored = item_of(dataset, TAG_REFERENCED, sop_instance);
    const json_t *failed = item_of(dataset, TAG_FAILED, sop_instance);
    said->stored = stored != NULL;
    said->failed = failed != NULL;
    said->warning = number_of(stored, TAG_WARNING);
    said->failure = number_of(failed, TAG_FAILURE);
    json_decref(whole);
    return is_dataset;
}

bool stow_matches(const char *bytes, size_t count, const char *const tags[STOW_TAGS],
                  stow_take take, void *context, size_t *matches)
{
    json_t *whole = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, NULL);
    bool is_list = json_is_array(whole);
    *matches = is_list ? json_array_size(whole) : 0;
    for (size_t i = 0; i < *matches; i++) {
        const char *values[STOW_TAGS];
        for (size_t k = 0; k < STOW_TAGS; k++)
            values[k] = tags[k] != NULL ? text_of(json_array_get(whole, i), tags[k]) : "";
        take(context, values);
    }
    json_decref(whole);
    return is_list;
}

/* ---- verdicts ---- */

static bool is_json(const char *type)
{
    return strcmp(type, "application/dicom+json") == 0 || strcmp(type, "application/json") == 0;
}

/* What a status alone says: about the peer as a whole (UNREACHED), about this object now (LATER) or
 * for good (REFUSED). */
static const struct {
    long least, most;
    enum verdict verdict;
    const char *advice;
} statuses[] = {
    {300, 399, VERDICT_UNREACHED, "it redirects, which is not followed; set url at <peer>"},
    {401, 401, VERDICT_UNREACHED, "set user and passwordFile, or tokenFile, at <peer>"},
    {403, 403, VERDICT_LATER, "let this node's user store there"},
    {404, 405, VERDICT_UNREACHED, "set url at <peer>: what stands before /studies"},
    {407, 408, VERDICT_UNREACHED, NULL},
    {425, 425, VERDICT_UNREACHED, NULL},
    {429, 429, VERDICT_UNREACHED, NULL},
    {400, 499, VERDICT_REFUSED, NULL},
    {502, 504, VERDICT_UNREACHED, NULL},
    {501, 501, VERDICT_REFUSED, "it has no STOW-RS"},
    {500, 599, VERDICT_LATER, NULL},
    {0, 999, VERDICT_LATER, NULL},
};

static void judge_status(long status, struct stow_told *told)
{
    size_t i = 0;
    while (status < statuses[i].least || status > statuses[i].most)
        i++;
    told->verdict = statuses[i].verdict;
    (void)snprintf(told->text, sizeof told->text, "HTTP status %ld%s%s", status,
                   statuses[i].advice != NULL ? ": " : "",
                   statuses[i].advice != NULL ? statuses[i].advice : "");
}

/* A failure is no success, whatever number it has; 0111 is: the peer has that UID. */
static enum verdict verdict_of_failure(uint16_t failure)
{
    if (failure == 0 || (failure & 0xf000) == 0xb000)
        return VERDICT_LATER;
    return sender_verdict(failure);
}

void stow_judge(const struct stow_reply *reply, const char *sop_instance, struct stow_told *told)
{
    struct stow_said said = {.stored = false};
    memset(told, 0, sizeof *told);
    bool may_tell = reply->status == 200 || reply->status == 202 || reply->status == 409;
    bool told_of = may_tell && is_json(reply->type) &&
                   stow_read(reply->body, reply->count, sop_instance, &said) &&
                   (said.stored || said.failed);
    if (told_of && said.failed) {
        told->reason = said.failure != 0 ? said.failure : PROCESSING_FAILURE;
        told->verdict = verdict_of_failure(said.failure);
        (void)snprintf(told->text, sizeof told->text, "HTTP status %ld, failure reason %04X",
                       reply->status, said.failure);
    } else if (told_of) {
        told->verdict = VERDICT_DELIVERED;
        told->reason = said.warning;
        (void)snprintf(told->text, sizeof told->text, "HTTP status %ld, warning reason %04X",
                       reply->status, said.warning);
    } else if (reply->status >= 200 && reply->status <= 299) {
        told->verdict = VERDICT_LATER; /* anything answers 200: a proxy's page, a portal */
        (void)snprintf(told->text, sizeof told->text,
                       "HTTP status %ld without saying, in DICOM JSON, that it stored the object",
                       reply->status);
    } else {
        judge_status(reply->status, told);
    }
    /* What a gateway says in the 500s the archive behind it need not know of. */
    told->may_be_there = told->verdict == VERDICT_DELIVERED ||
                         (told->reason == 0 && (reply->status < 300 || reply->status >= 500));
}
