/* Transfers and refusals, gathered and told. */
#include "audit_traffic.h"

#include "audit.h"
#include "audit_made.h"
#include "clock.h"
#include "conf.h"
#include "dx_attrs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES   6    /* of a transfer that are told one by one */
#define TRANSFERS 2048 /* at a time; with more the oldest is told as ended */
#define KINDS     64   /* of refusals that are told apart */
#define KIND_MS   60000

struct transfer {
    char key[80]; /* association, or destination */
    char study[DX_UID_MAX], patient[260], accession[68];
    char calling[17], called[17], address[64];
    const char *url; /* the configuration's, or NULL: of a peer with DICOMweb */
    bool sent;       /* by us */
    bool begun, ended;
    bool cut;                /* told by another process than received it */
    struct audit_made *made; /* of what was sent */
    unsigned instances, classes;
    struct {
        char uid[DX_UID_MAX];
        unsigned instances;
    } class_[CLASSES];
};

struct refusal {
    char address[64], calling[20], called[20], why[128];
    unsigned count;  /* since it was told */
    int64_t told_ms; /* monotonic; 0: free */
};

struct audit_traffic {
    const struct conf *conf;
    char *said[AUDIT_TOGETHER]; /* messages of this turn; NULL: it could not be made */
    size_t said_count;
    struct transfer *list;
    size_t count, room;
    struct refusal refusal[KINDS];
    int64_t tokens_ms; /* each refusal that is told costs 1000 / AUDIT_REFUSALS of them */
    int64_t seen_ms;
};

struct audit_traffic *audit_traffic_create(const struct conf *conf)
{
    struct audit_traffic *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->conf = conf;
    t->tokens_ms = KIND_MS / AUDIT_REFUSALS;
    t->seen_ms = clock_monotonic_ms();
    return t;
}

/* ---- messages, written together ---- */

static void write_said(struct audit_traffic *t)
{
    if (t->said_count > 0)
        (void)audit_tell_messages(t->conf, t->said, t->said_count);
    t->said_count = 0;
}

static void say(struct audit_traffic *t, const struct audit_event *event)
{
    if (t->said_count == AUDIT_TOGETHER)
        write_said(t);
    t->said[t->said_count++] = audit_message(t->conf, event);
}

/* ---- transfers ---- */

static void tell_transfer(struct audit_traffic *t, const struct transfer *x, bool end)
{
    char number[16];
    struct audit_sop_class classes[CLASSES];
    const struct audit_participant both[] = {{.user = x->sent ? "cervigate" : x->calling,
                                              .ae_title = x->calling,
                                              .address = x->sent ? NULL : x->address,
                                              .role = AUDIT_SOURCE,
                                              .requestor = true},
                                             {.user = x->url != NULL ? x->url
                                                      : x->sent      ? x->called
                                                                     : "cervigate",
                                              .ae_title = x->url != NULL ? NULL : x->called,
                                              .address = x->sent ? x->address : NULL,
                                              .role = AUDIT_DESTINATION}};
    (void)snprintf(number, sizeof number, "%u", x->instances);
    for (unsigned i = 0; i < x->classes; i++)
        classes[i] = (struct audit_sop_class){x->class_[i].uid, x->class_[i].instances};
    struct audit_detail details[2 + AUDIT_MADE_DETAILS] = {{"association", x->key},
                                                           {"instances", number}};
    size_t detail_count = end ? 2 : 1;
    if (end && x->made != NULL)
        detail_count += audit_made_details(x->made, details + detail_count);
    const struct audit_object objects[] = {{.kind = AUDIT_STUDY,
                                            .id = x->study,
                                            .details = details,
                                            .detail_count = detail_count,
                                            .classes = classes,
                                            .class_count = end ? x->classes : 0,
                                            .accession = x->accession},
                                           {.kind = AUDIT_PATIENT, .id = x->patient}};
    const struct audit_event event = {.id = end ? AUDIT_INSTANCES_TRANSFERRED
                                                : AUDIT_BEGIN_TRANSFERRING,
                                      .outcome = x->cut ? AUDIT_MINOR_FAILURE : AUDIT_SUCCESS,
                                      .why = x->cut ? "the process that received it died" : NULL,
                                      .action = !end      ? 'E'
                                                : x->sent ? 'R'
                                                          : 'C',
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = objects,
                                      .object_count = x->patient[0] != '\0' ? 2 : 1};
    say(t, &event);
}

/* NULL: no memory. */
static struct transfer *find(struct audit_traffic *t, const char *key, const char *study)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].ended && strcmp(t->list[i].key, key) == 0 &&
            strcmp(t->list[i].study, study) == 0)
            return &t->list[i];
    if (t->count == TRANSFERS) {
        t->list[0].ended = true;
        audit_traffic_turn(t);
    }
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 16 : t->room * 2;
        struct transfer *more = reallocarray(t->list, room, sizeof *more);
        if (more == NULL)
            return NULL;
        t->list = more;
        t->room = room;
    }
    struct transfer *x = &t->list[t->count++];
    *x = (struct transfer){.begun = false};
    (void)snprintf(x->key, sizeof x->key, "%s", key);
    (void)snprintf(x->study, sizeof x->study, "%s", study);
    return x;
}

static void add_instances(struct transfer *x, const char *sop_class, unsigned instances)
{
    unsigned i = 0;
    x->instances += instances;
    while (i < x->classes && strcmp(x->class_[i].uid, sop_class) != 0)
        i++;
    if (i == CLASSES)
        return;
    if (i == x->classes) {
        (void)snprintf(x->class_[i].uid, sizeof x->class_[i].uid, "%s", sop_class);
        x->class_[x->classes++].instances = 0;
    }
    x->class_[i].instances += instances;
}

/* Who sends, and whose it is. */
static void describe(struct transfer *x, const struct instance *in, const char *patient,
                     const char *accession)
{
    if (x->instances > 0)
        return;
    (void)snprintf(x->calling, sizeof x->calling, "%s", in->calling);
    (void)snprintf(x->called, sizeof x->called, "%s", in->called);
    (void)snprintf(x->address, sizeof x->address, "%s", in->address);
    (void)snprintf(x->patient, sizeof x->patient, "%s", patient);
    (void)snprintf(x->accession, sizeof x->accession, "%s", accession);
}

void audit_traffic_received(struct audit_traffic *t, const struct instance *in, const char *patient,
                            const char *accession)
{
    struct transfer *x = t != NULL ? find(t, in->association, in->study) : NULL;
    if (x == NULL)
        return;
    describe(x, in, patient, accession);
    add_instances(x, in->sop_class, 1);
}

void audit_traffic_cut(struct audit_traffic *t, const struct instance *first, unsigned instances,
                       const char *patient)
{
    struct transfer *x = t != NULL ? find(t, first->association, first->study) : NULL;
    if (x == NULL)
        return;
    describe(x, first, patient, "");
    add_instances(x, first->sop_class, instances);
    x->cut = true;
}

static void end_all(struct audit_traffic *t, const char *key)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i].key, key) == 0)
            t->list[i].ended = true;
}

void audit_traffic_ended(struct audit_traffic *t, const char *association)
{
    if (t != NULL)
        end_all(t, association);
}

/* Whose a result of ours is, from what is in it. */
static void name_patient(struct store *store, const struct result *result, struct transfer *x)
{
    uint8_t *packed = NULL;
    size_t bytes = 0;
    struct dx_attrs *attrs = NULL;
    struct dx_error err = {.status = DX_OK};
    if (store_result_attrs(store, result->id, &packed, &bytes) == STORE_OK &&
        dx_attrs_unpack(packed, bytes, &attrs, &err) == DX_OK) {
        (void)snprintf(x->patient, sizeof x->patient, "%s",
                       dx_attrs_text(attrs, DX_TAG(0x0010, 0x0020)));
        (void)snprintf(x->accession, sizeof x->accession, "%s",
                       dx_attrs_text(attrs, DX_TAG(0x0008, 0x0050)));
    }
    free(packed);
    dx_attrs_destroy(attrs);
}

void audit_traffic_sending(struct audit_traffic *t, struct store *store,
                           const struct conf_destination *to, const struct delivery *list,
                           size_t count)
{
    for (size_t i = 0; t != NULL && i < count; i++) {
        const struct result *result = &list[i].result;
        struct transfer *x = find(t, to->peer->name, result->study);
        if (x == NULL || x->sent)
            continue;
        x->sent = true;
        (void)snprintf(x->calling, sizeof x->calling, "%s", t->conf->ae_title);
        (void)snprintf(x->called, sizeof x->called, "%s", to->peer->ae_title);
        (void)snprintf(x->address, sizeof x->address, "%s", to->peer->host);
        x->url = to->peer->url;
        name_patient(store, result, x);
    }
}

void audit_traffic_sent(struct audit_traffic *t, const struct conf_destination *to,
                        struct store *store, const struct result *result)
{
    struct transfer *x = t != NULL ? find(t, to->peer->name, result->study) : NULL;
    if (x == NULL)
        return;
    add_instances(x, result->sop_class, 1);
    if (x->made == NULL)
        x->made = audit_made_create();
    if (x->made != NULL)
        audit_made_add(x->made, store, result);
}

void audit_traffic_batch_ended(struct audit_traffic *t, const struct conf_destination *to)
{
    if (t != NULL)
        end_all(t, to->peer->name);
}

/* ---- refusals ---- */

static void tell_refusal(struct audit_traffic *t, const struct refusal *r)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", r->count);
    const struct audit_participant both[] = {
        {.user = r->calling[0] != '\0' ? r->calling : r->address,
         .ae_title = r->calling[0] != '\0' ? r->calling : NULL,
         .address = r->address,
         .requestor = true},
        {.user = "cervigate", .ae_title = t->conf->ae_title}};
    const struct audit_detail details[] = {
        {"reason", r->why}, {"called", r->called}, {"count", number}};
    const struct audit_object node = {.kind = AUDIT_NODE_OBJECT,
                                      .id = r->address,
                                      .name = r->calling[0] != '\0' ? r->calling : r->address,
                                      .details = details,
                                      .detail_count = 3};
    const struct audit_event event = {.id = AUDIT_SECURITY_ALERT,
                                      .type = &audit_node_authentication,
                                      .action = 'E',
                                      .outcome = AUDIT_MINOR_FAILURE,
                                      .why = r->why,
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = &node,
                                      .object_count = 1};
    say(t, &event);
}

static bool is_same(const struct refusal *r, const struct refusal *other)
{
    return strcmp(r->address, other->address) == 0 && strcmp(r->calling, other->calling) == 0 &&
           strcmp(r->called, other->called) == 0 && strcmp(r->why, other->why) == 0;
}

/* The kind's place: its own, a free one, or that of the last, which is for all others. */
static struct refusal *place_of(struct audit_traffic *t, const struct refusal *what)
{
    struct refusal *empty = NULL;
    for (size_t i = 0; i < KINDS - 1; i++) {
        struct refusal *r = &t->refusal[i];
        if (r->told_ms != 0 && is_same(r, what))
            return r;
        if (empty == NULL && r->told_ms == 0)
            empty = r;
    }
    struct refusal *r = empty != NULL ? empty : &t->refusal[KINDS - 1];
    if (r->told_ms == 0) {
        *r = *what;
        r->told_ms = clock_monotonic_ms() - KIND_MS; /* at once */
        r->count = 0;
        if (empty == NULL) { /* nobody's name: these are of many */
            r->address[0] = r->calling[0] = r->called[0] = '\0';
            (void)snprintf(r->why, sizeof r->why, "too many kinds of refusals to tell apart");
        }
    }
    return r;
}

void audit_traffic_refused(struct audit_traffic *t, const char *address, const char *calling,
                           const char *called, const char *why, unsigned count)
{
    struct refusal what = {.count = 0};
    if (t == NULL)
        return;
    (void)snprintf(what.address, sizeof what.address, "%s", address);
    (void)snprintf(what.calling, sizeof what.calling, "%s", calling);
    (void)snprintf(what.called, sizeof what.called, "%s", called);
    (void)snprintf(what.why, sizeof what.why, "%s", why);
    place_of(t, &what)->count += count;
}

static void refill(struct audit_traffic *t, int64_t now)
{
    t->tokens_ms += now - t->seen_ms;
    t->seen_ms = now;
    if (t->tokens_ms > KIND_MS / AUDIT_REFUSALS)
        t->tokens_ms = KIND_MS / AUDIT_REFUSALS;
}

static void tell_refusals(struct audit_traffic *t, bool all)
{
    int64_t now = clock_monotonic_ms();
    refill(t, now);
    for (size_t i = 0; i < KINDS; i++) {
        struct refusal *r = &t->refusal[i];
        if (r->told_ms == 0 || (now - r->told_ms < KIND_MS && !(all && r->count > 0)))
            continue;
        if (r->count == 0) {
            r->told_ms = 0;
        } else if (t->tokens_ms >= 1000 / AUDIT_REFUSALS || all) {
            tell_refusal(t, r);
            t->tokens_ms -= 1000 / AUDIT_REFUSALS;
            r->count = 0;
            r->told_ms = now;
        }
    }
}

/* ---- turns ---- */

void audit_traffic_turn(struct audit_traffic *t)
{
    size_t kept = 0;
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        struct transfer *x = &t->list[i];
        if (!x->begun && x->instances > 0) /* an unreached peer is tried for days */
            tell_transfer(t, x, false);
        x->begun = x->instances > 0;
        if (x->ended && x->instances > 0)
            tell_transfer(t, x, true);
        if (!x->ended)
            t->list[kept++] = *x;
        else
            audit_made_destroy(x->made);
    }
    t->count = kept;
    tell_refusals(t, false);
    write_said(t);
}

int audit_traffic_wait(const struct audit_traffic *t)
{
    int64_t now = clock_monotonic_ms(), wait = -1;
    for (size_t i = 0; t != NULL && i < KINDS; i++) {
        const struct refusal *r = &t->refusal[i];
        int64_t left = r->told_ms + KIND_MS - now;
        if (r->told_ms == 0)
            continue;
        left = left < 1000 / AUDIT_REFUSALS ? 1000 / AUDIT_REFUSALS : left;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return (int)wait;
}

void audit_traffic_destroy(struct audit_traffic *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        t->list[i].ended = true;
    audit_traffic_turn(t);
    tell_refusals(t, true);
    write_said(t);
    free(t->list);
    free(t);
}
