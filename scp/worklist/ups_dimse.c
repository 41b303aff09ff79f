/* The services of UPS over an association. */
#include "ups_step.h"

static enum dx_status find(struct telling *t, enum dx_ups_key key, const char *value,
                           const char *patient_id, size_t most, dx_ups_match match, void *context,
                           uint16_t *status)
{
    struct dx_writing query = {.count = 0};
    dx_ups_write_query(key, value, patient_id, &query);
    enum dx_status end = dx_scu_ups_find(t->scu, &query, most, match, context, status, &t->err);
    dx_writing_finish(&query);
    return end;
}

static enum dx_status get(struct telling *t, const char *uid, struct dx_ups_item *item,
                          struct dx_ups_answer *answer)
{
    return dx_scu_ups_get(t->scu, uid, item, answer, &t->err);
}

static enum dx_status create(struct telling *t, const char *uid, const struct dx_writing *item,
                             struct dx_ups_answer *answer)
{
    return dx_scu_ups_create(t->scu, uid, item, answer, &t->err);
}

static enum dx_status set(struct telling *t, const char *uid, const struct dx_writing *change,
                          struct dx_ups_answer *answer)
{
    return dx_scu_ups_set(t->scu, uid, change, answer, &t->err);
}

static enum dx_status cancel(struct telling *t, const char *uid, const struct dx_writing *reason,
                             struct dx_ups_answer *answer)
{
    return dx_scu_ups_cancel(t->scu, uid, reason, answer, &t->err);
}

static bool is_broken(const struct telling *t)
{
    return dx_scu_is_broken(t->scu);
}

const struct ups_way ups_dimse = {find, get, create, set, cancel, is_broken};
