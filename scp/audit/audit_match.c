#include "audit_match.h"

#include <stdio.h>
#include <string.h>

/* A time as far as it was told: 2026, 2026-11-27, 2026-11-27T05:30:00.000Z. */
static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    size_t length = strlen(text);
    if (length < 4 || length > sizeof form - 1)
        return false;
    for (size_t i = 0; i < length; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
                           : text[i] != form[i] && !(text[i] == 'Z' && i + 1 == length))
            return false;
    return true;
}

const char *audit_match_wrong(const struct audit_match *match)
{
    if ((match->since != NULL && !is_time(match->since)) ||
        (match->until != NULL && !is_time(match->until)))
        return "a time is as 2026-11-27 or 2026-11-27T05:30:00Z";
    if (match->outcome != NULL && strcmp(match->outcome, "success") != 0 &&
        strcmp(match->outcome, "failure") != 0)
        return "the outcome is success or failure";
    return NULL;
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

static bool holds(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static bool has_user(const json_t *record, const char *part)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(record, "participants"), i, one)
    {
        if (holds(member(one, "user"), part) || holds(member(one, "name"), part) ||
            holds(member(one, "ae_title"), part) || holds(member(one, "address"), part))
            return true;
    }
    return false;
}

static bool has_object(const json_t *record, const char *kind, const char *field, const char *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(record, "objects"), i, one)
    {
        if (strcmp(member(one, "kind"), kind) == 0 && strcmp(member(one, field), value) == 0)
            return true;
    }
    return false;
}

static bool is_met(const struct audit_match *m, const json_t *record)
{
    bool success = strcmp(member(record, "outcome"), "0") == 0;
    return (m->event == NULL || holds(member(record, "event"), m->event) ||
            holds(member(record, "type"), m->event) ||
            strcmp(member(record, "code"), m->event) == 0) &&
           (m->patient == NULL || has_object(record, "patient", "id", m->patient)) &&
           (m->study == NULL || has_object(record, "study", "id", m->study)) &&
           (m->accession == NULL || has_object(record, "study", "accession", m->accession)) &&
           (m->user == NULL || has_user(record, m->user)) &&
           (m->outcome == NULL || success == (strcmp(m->outcome, "success") == 0));
}

json_t *audit_match_take(const struct audit_match *match, const struct audit_record *record)
{
    if ((match->since != NULL && strcmp(record->time, match->since) < 0) ||
        (match->until != NULL && strcmp(record->time, match->until) >= 0))
        return NULL;
    json_t *json = audit_json(record);
    if (json != NULL && is_met(match, json))
        return json;
    json_decref(json);
    return NULL;
}

void audit_match_describe(const struct audit_match *m, const char *lead, char *text, size_t size)
{
    const struct {
        const char *name, *value;
    } conditions[] = {{"since", m->since},     {"until", m->until},    {"event", m->event},
                      {"patient", m->patient}, {"study", m->study},    {"accession", m->accession},
                      {"user", m->user},       {"outcome", m->outcome}};
    size_t used = (size_t)snprintf(text, size, "%s", lead);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && used < size; i++)
        if (conditions[i].value != NULL)
            used += (size_t)snprintf(text + used, size - used, " --%s %s", conditions[i].name,
                                     conditions[i].value);
}
