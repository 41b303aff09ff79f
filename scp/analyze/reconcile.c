/* A correction is one only where a value is another one: names are compared without letter case and
 * empty ends, since modalities and hospitals write them in their own ways, and what the site does
 * not say stays. */
#include "reconcile.h"

#include "audit.h"
#include "dx_result.h"
#include "log.h"
#include "node.h"
#include "report_file.h"
#include "store_reconcile.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_CHARSET   DX_TAG(0x0008, 0x0005)
#define TAG_ACCESSION DX_TAG(0x0008, 0x0050)
#define TAG_LOCAL     DX_TAG(0x0040, 0x0031)
#define TAG_UNIVERSAL DX_TAG(0x0040, 0x0032)
#define TAG_NAME      DX_TAG(0x0010, 0x0010)
#define TAG_ID        DX_TAG(0x0010, 0x0020)
#define TAG_ISSUER    DX_TAG(0x0010, 0x0021)
#define TAG_BIRTH     DX_TAG(0x0010, 0x0030)
#define TAG_SEX       DX_TAG(0x0010, 0x0040)

#define TEXT_MOST  1025
#define GROUP_MOST 64 /* characters of a component group of PN */

/* What an image says of its patient, in UTF-8. */
struct seen_patient {
    struct site_id id;
    char name[TEXT_MOST], birth_date[TEXT_MOST], sex[TEXT_MOST];
};

static const char *standard_of(const struct conf *conf)
{
    return conf->orders.issuer != NULL ? conf->orders.issuer : "";
}

/* ---- what an image says ---- */

static bool is_ascii(const struct dx_attrs *attrs)
{
    return dx_text_is_ascii(dx_attrs_text(attrs, TAG_NAME)) &&
           dx_text_is_ascii(dx_attrs_text(attrs, TAG_ID)) &&
           dx_text_is_ascii(dx_attrs_text(attrs, TAG_ISSUER));
}

/* An identifier that does not fit is none: a part of it could be another's. */
static void copy(char *to, size_t size, const struct dx_attrs *attrs, uint32_t tag)
{
    const char *text = dx_attrs_text(attrs, tag);
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    (void)snprintf(to, size, "%.*s", length < size ? (int)length : 0, text);
}

static void see(const struct dx_attrs *attrs, struct seen_patient *seen)
{
    struct dx_attrs *utf8 = NULL;
    struct dx_error err = {.status = DX_OK};
    const struct dx_attrs *from = attrs;
    if (!is_ascii(attrs) && dx_attrs_to_utf8(attrs, &utf8, &err) == DX_OK)
        from = utf8;
    *seen = (struct seen_patient){.name = ""};
    copy(seen->id.id, sizeof seen->id.id, from, TAG_ID);
    copy(seen->id.issuer, sizeof seen->id.issuer, from, TAG_ISSUER);
    copy(seen->name, sizeof seen->name, from, TAG_NAME);
    copy(seen->birth_date, sizeof seen->birth_date, from, TAG_BIRTH);
    copy(seen->sex, sizeof seen->sex, from, TAG_SEX);
    dx_attrs_destroy(utf8);
}

/* ---- what changes ---- */

static size_t name_length(const char *name)
{
    size_t length = strcspn(name, "=");
    while (length > 0 && (name[length - 1] == '^' || name[length - 1] == ' '))
        length--;
    return length;
}

/* The alphabetic groups. */
static bool is_same_name(const char *a, const char *b)
{
    size_t length = name_length(a);
    if (length != name_length(b))
        return false;
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

/* As much of a name as PN has room for, whole characters. */
static void cut_name(char *name)
{
    size_t characters = 0;
    for (char *at = name; *at != '\0'; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80 && characters++ == GROUP_MOST) {
            *at = '\0';
            return;
        }
    }
}

struct change {
    uint32_t tag;
    const char *vr, *value;
};

static size_t changes_of(const struct seen_patient *seen, struct site_said *said,
                         const char *standard, struct change change[5])
{
    size_t count = 0;
    struct site_id in_place = said->now;
    cut_name(said->name);
    memcpy(in_place.id, seen->id.id, sizeof in_place.id);
    if (strcmp(said->now.id, seen->id.id) != 0)
        change[count++] = (struct change){TAG_ID, "LO", said->now.id};
    if (!site_id_is(&in_place, &seen->id, standard))
        change[count++] = (struct change){
            TAG_ISSUER, "LO", said->now.issuer[0] != '\0' ? said->now.issuer : said->now.universal};
    if (said->name[0] != '\0' && !is_same_name(said->name, seen->name))
        change[count++] = (struct change){TAG_NAME, "PN", said->name};
    if (said->birth_date[0] != '\0' && strcmp(said->birth_date, seen->birth_date) != 0)
        change[count++] = (struct change){TAG_BIRTH, "DA", said->birth_date};
    if (said->sex[0] != '\0' && strcmp(said->sex, seen->sex) != 0)
        change[count++] = (struct change){TAG_SEX, "CS", said->sex};
    return count;
}

static bool set_all(struct dx_attrs *to, const struct dx_attrs *from)
{
    for (size_t i = 0; i < dx_attrs_count(from); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(from, i, &tag, vr, &value, &length);
        if (dx_attrs_set(to, tag, vr, value, length) != DX_OK)
            return false;
    }
    return true;
}

/* Other characters than ASCII need a set that has them: then all texts become UTF-8. Where the
 * image's own cannot be converted, such a value is left as it was. */
static bool change_all(struct dx_attrs *attrs, const struct change *change, size_t count)
{
    struct dx_attrs *utf8 = NULL;
    struct dx_error err = {.status = DX_OK};
    bool is_plain = true, good = true;
    for (size_t i = 0; i < count; i++)
        is_plain = is_plain && dx_text_is_ascii(change[i].value);
    bool is_utf8 = strcmp(dx_attrs_text(attrs, TAG_CHARSET), "ISO_IR 192") == 0;
    if (!is_plain && !is_utf8 && dx_attrs_to_utf8(attrs, &utf8, &err) == DX_OK) {
        good = set_all(attrs, utf8) &&
               dx_attrs_set_text(attrs, TAG_CHARSET, "CS", "ISO_IR 192") == DX_OK;
        is_utf8 = true;
    }
    dx_attrs_destroy(utf8);
    for (size_t i = 0; good && i < count; i++)
        if (is_utf8 || dx_text_is_ascii(change[i].value))
            good = dx_attrs_set_text(attrs, change[i].tag, change[i].vr, change[i].value) == DX_OK;
    return good;
}

/* seen: what attrs say. STORE_NONE: nothing changes. */
static enum store_status correct(const struct conf *conf, struct store *store,
                                 const struct seen_patient *seen, int64_t began_ms,
                                 struct dx_attrs *attrs)
{
    struct site_said said;
    struct change change[5];
    if (seen->id.id[0] == '\0')
        return STORE_NONE;
    enum store_status status = store_said_of(store, &seen->id, seen->name, seen->birth_date,
                                             began_ms, standard_of(conf), &said);
    if (status != STORE_OK)
        return status;
    size_t count = changes_of(seen, &said, standard_of(conf), change);
    if (count == 0)
        return STORE_NONE;
    return change_all(attrs, change, count) ? STORE_OK : STORE_BROKEN;
}

static enum store_status correct_patient_of(const struct conf *conf, struct store *store,
                                            const char *study, struct dx_attrs *attrs)
{
    struct seen_patient seen;
    int64_t began_ms = 0;
    bool said = false;
    see(attrs, &seen);
    enum store_status status = store_is_said(store, seen.id.id, &said);
    if (status != STORE_OK || !said)
        return status;
    status = store_study_began(store, study, &began_ms);
    if (status == STORE_OK)
        status = correct(conf, store, &seen, began_ms, attrs);
    if (status == STORE_OK)
        log_event(LOG_AT_INFO, "patient-corrected", "study=%s images=1 results=0", study);
    return status == STORE_NONE ? STORE_OK : status;
}

/* "" where nobody says it. */
static void issuer_of_accession(const struct dx_attrs *attrs, char issuer[131])
{
    char local[65], universal[65];
    copy(local, sizeof local, attrs, TAG_LOCAL);
    copy(universal, sizeof universal, attrs, TAG_UNIVERSAL);
    (void)snprintf(issuer, 131, "%s&%s", local, universal);
}

static enum store_status rename_accession(struct dx_attrs *attrs, const char *accession)
{
    const struct change change = {TAG_ACCESSION, "SH", accession};
    return change_all(attrs, &change, 1) ? STORE_OK : STORE_BROKEN;
}

static enum store_status correct_accession_of(struct store *store, const char *study,
                                              struct dx_attrs *attrs)
{
    struct site_renamed renamed;
    struct seen_patient seen;
    char accession[65], issuer[131];
    see(attrs, &seen);
    copy(accession, sizeof accession, attrs, TAG_ACCESSION);
    issuer_of_accession(attrs, issuer);
    enum store_status status = store_renamed_of(store, accession, issuer, seen.id.id, &renamed);
    if (status == STORE_OK)
        status = rename_accession(attrs, renamed.accession);
    if (status == STORE_OK)
        log_event(LOG_AT_INFO, "accession-corrected", "study=%s images=1 results=0", study);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status reconcile_image(const struct conf *conf, struct store *store, const char *study,
                                  struct dx_attrs *attrs)
{
    enum store_status status = correct_patient_of(conf, store, study, attrs);
    return status == STORE_OK ? correct_accession_of(store, study, attrs) : status;
}

/* ---- what was judged before ---- */

/* Who is due: a patient; an accession number, where renamed is not NULL. */
struct correcting {
    const struct conf *conf;
    struct store *store;
    const struct site_renamed *renamed;
};

static enum store_status correct_attrs(const struct correcting *c, const struct site_thing *thing,
                                       struct dx_attrs *attrs)
{
    struct seen_patient seen;
    if (c->renamed != NULL)
        return rename_accession(attrs, c->renamed->accession);
    see(attrs, &seen);
    return correct(c->conf, c->store, &seen, thing->began_ms, attrs);
}

/* *differs: it has new attrs. */
static enum store_status correct_thing(const struct correcting *c, struct site_thing *thing,
                                       bool *differs)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *attrs = NULL;
    uint8_t *bytes = NULL;
    size_t count = 0;
    *differs = false;
    if (dx_attrs_unpack(thing->attrs, thing->bytes, &attrs, &err) != DX_OK)
        return STORE_OK; /* of nobody's hand: it stays as it is */
    enum store_status status = correct_attrs(c, thing, attrs);
    if (status == STORE_OK && dx_attrs_pack(attrs, &bytes, &count) != DX_OK)
        status = STORE_BROKEN;
    if (status == STORE_OK) {
        free(thing->attrs);
        thing->attrs = bytes;
        thing->bytes = count;
        report_patient_digest(attrs, thing->digest);
        *differs = true;
    }
    dx_attrs_destroy(attrs);
    return status == STORE_NONE ? STORE_OK : status;
}

/* Those that change come first. */
static enum store_status correct_all(const struct correcting *c, struct site_thing *list,
                                     size_t count, size_t *changed)
{
    enum store_status status = STORE_OK;
    *changed = 0;
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        bool differs;
        status = correct_thing(c, &list[i], &differs);
        if (!differs)
            continue;
        struct site_thing one = list[i];
        list[i] = list[*changed];
        list[(*changed)++] = one;
    }
    return status;
}

static void tell_corrected(const struct correcting *c, const struct site_due *due, size_t images,
                           size_t results)
{
    char what[200];
    log_event(LOG_AT_INFO, c->renamed != NULL ? "accession-corrected" : "patient-corrected",
              "images=%zu results=%zu", images, results);
    (void)snprintf(what, sizeof what, "images=%zu results=%zu", images, results);
    if (c->renamed == NULL) {
        audit_corrected(c->conf, due->id.id, what);
        return;
    }
    (void)snprintf(what, sizeof what, "accession number %s; images=%zu results=%zu",
                   c->renamed->accession, images, results);
    audit_ordered(c->conf, "orders", "correct", c->renamed->was, what);
}

/* Takes the things. due: of a patient; else NULL. */
static enum store_status correct_things(const struct correcting *c, const struct site_due *due,
                                        struct site_thing *list, size_t count, bool *changed)
{
    size_t differ = 0, results = 0;
    enum store_status status = correct_all(c, list, count, &differ);
    if (status == STORE_OK && differ > 0)
        status = store_correct(c->store, list, differ);
    crash_point("patient-corrected");
    for (size_t i = 0; i < differ; i++)
        results += list[i].is_result;
    if (status == STORE_OK && differ > 0) {
        *changed = true;
        tell_corrected(c, due, differ - results, results);
    }
    site_things_free(list, count);
    return status;
}

static enum store_status correct_patient(const struct correcting *c, const struct site_due *due,
                                         bool *changed)
{
    struct site_thing *list = NULL;
    size_t count = 0;
    enum store_status status = store_things_of(c->store, due->id.id, &list, &count);
    if (status == STORE_OK)
        status = correct_things(c, due, list, count, changed);
    return status == STORE_OK ? store_patient_done(c->store, due) : status;
}

static enum store_status correct_called(const struct correcting *c, bool *changed)
{
    struct site_thing *list = NULL;
    size_t count = 0;
    enum store_status status = store_things_called(c->store, c->renamed, &list, &count);
    if (status == STORE_OK)
        status = correct_things(c, NULL, list, count, changed);
    return status == STORE_OK ? store_renamed_done(c->store, c->renamed) : status;
}

enum store_status reconcile_turn(const struct conf *conf, struct store *store, bool *changed)
{
    struct site_due due;
    struct site_renamed renamed;
    struct correcting c = {.conf = conf, .store = store};
    enum store_status status = STORE_OK;
    *changed = false;
    while (!node_stopping && (status = store_next_patient(store, &due)) == STORE_OK) {
        status = correct_patient(&c, &due, changed);
        if (status != STORE_OK)
            return status;
    }
    c.renamed = &renamed;
    while (!node_stopping && (status == STORE_OK || status == STORE_NONE) &&
           (status = store_next_renamed(store, &renamed)) == STORE_OK)
        status = correct_called(&c, changed);
    return status == STORE_NONE ? STORE_OK : status;
}
