/* Which matches are of a study, and what they say: pure functions. */
#include "inquire.h"

#include "dx_attrs.h"
#include <stdio.h>
#include <string.h>

const char *inquire_end_word(enum inquire_end end)
{
    static const char *const words[] = {"found",    "none",    "other-patient", "ambiguous",
                                        "too-many", "refused", "broken",        "away"};
    return words[end];
}

static bool is_same(const char *ours, const char *theirs)
{
    return ours[0] != '\0' && dx_text_is_ascii(ours) && strcmp(ours, theirs) == 0;
}

/* What one side does not say is no difference. */
static bool is_another(const char *patient_id, const char *issuer, const struct dx_mwl_item *item)
{
    return (patient_id[0] != '\0' && item->patient_id[0] != '\0' &&
            dx_text_differs(patient_id, item->patient_id)) ||
           (issuer[0] != '\0' && item->issuer[0] != '\0' && dx_text_differs(issuer, item->issuer));
}

static void copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    memcpy(to, from, length < size ? length + 1 : 0);
}

/* As a message of HL7 that says the same (orders_hear.c). */
static struct site_order order_of(const struct dx_mwl_item *item, bool postoperative)
{
    struct site_order o = {.priority = priority_order_parse(item->priority),
                           .postoperative = postoperative};
    copy(o.accession, sizeof o.accession, item->accession);
    if (dx_uid_is_usable(item->study))
        copy(o.study, sizeof o.study, item->study);
    if (item->accession_local[0] != '\0' || item->accession_universal[0] != '\0')
        (void)snprintf(o.accession_issuer, sizeof o.accession_issuer, "%s&%s",
                       item->accession_local, item->accession_universal);
    copy(o.placer_order, sizeof o.placer_order, item->placer_order);
    copy(o.filler_order, sizeof o.filler_order, item->filler_order);
    copy(o.procedure_id, sizeof o.procedure_id, item->procedure_id);
    copy(o.procedure, sizeof o.procedure, item->procedure);
    return o;
}

/* What the store tells orders by. */
static bool is_same_order(const struct site_order *a, const struct site_order *b)
{
    return strcmp(a->accession, b->accession) == 0 && strcmp(a->study, b->study) == 0 &&
           strcmp(a->placer_order, b->placer_order) == 0 &&
           strcmp(a->filler_order, b->filler_order) == 0;
}

/* Several steps of one procedure say the same of its order. */
static void add(struct inquire_found *found, const struct site_order *order)
{
    for (uint32_t i = 0; i < found->count; i++) {
        const struct site_order *known = &found->order[i];
        if (!is_same_order(known, order))
            continue;
        found->ambiguous = found->ambiguous || known->priority != order->priority ||
                           known->postoperative != order->postoperative;
        return;
    }
    if (found->count == ORDERS_MOST)
        found->ambiguous = true;
    else
        found->order[found->count++] = *order;
}

static void add_patient(struct inquire_found *found, const struct dx_mwl_item *item)
{
    if (is_another(found->patient_id, found->issuer, item))
        found->ambiguous = true;
    if (found->patient_id[0] == '\0')
        copy(found->patient_id, sizeof found->patient_id, item->patient_id);
    if (found->issuer[0] == '\0')
        copy(found->issuer, sizeof found->issuer, item->issuer);
}

void inquire_take(struct inquire_found *found, const struct dx_mwl_item *item, bool postoperative)
{
    const struct store_inquiry *of = found->of;
    bool by_study = is_same(of->study, item->study);
    if (!by_study && (found->by_study || !is_same(of->accession, item->accession)))
        return;
    if (is_another(of->patient_id, of->issuer, item)) {
        found->other = true;
        return;
    }
    if (by_study && !found->by_study) /* those of the accession number alone count no more */
        *found = (struct inquire_found){.of = of, .by_study = true, .other = found->other};
    add_patient(found, item);
    struct site_order order = order_of(item, postoperative);
    add(found, &order);
}

enum inquire_end inquire_end_of(const struct inquire_found *found)
{
    if (found->ambiguous)
        return INQUIRE_AMBIGUOUS;
    if (found->count > 0)
        return INQUIRE_FOUND;
    return found->other ? INQUIRE_OTHER : INQUIRE_NONE;
}

/* ---- an answer, taken as a stranger's ---- */

/* This way says nothing of reading and cancels nothing; each order is of the study or its
 * accession number. */
static bool is_order(const struct site_order *o, const struct store_inquiry *of)
{
    return orders_is_order(o) && o->read == SITE_READ_UNSAID && !o->cancelled && !o->reports &&
           (is_same(of->study, o->study) || is_same(of->accession, o->accession));
}

bool inquire_is_answer(const struct inquire_answer *answer, size_t bytes,
                       const struct store_inquiry *of)
{
    unsigned end;
    _Static_assert(sizeof answer->end == sizeof end, "read as such");
    if (bytes < INQUIRE_BYTES(0))
        return false;
    memcpy(&end, &answer->end, sizeof end);
    if (answer->count > ORDERS_MOST || bytes != INQUIRE_BYTES(answer->count) ||
        end > INQUIRE_AWAY || (end == INQUIRE_FOUND) != (answer->count > 0) ||
        memchr(answer->study, '\0', sizeof answer->study) == NULL ||
        memchr(answer->why, '\0', sizeof answer->why) == NULL ||
        strcmp(answer->study, of->study) != 0)
        return false;
    for (uint32_t i = 0; i < answer->count; i++)
        if (!is_order(&answer->order[i], of))
            return false;
    return true;
}
