/* GET /api/v1/node/peers: whom the node talks to, when that last went well, when not and why, what
 * waits for each, and what the last echo said. Where they are is told to administrators. */
#include "console.h"

#include "clock.h"
#include "json_time.h"
#include "store_contact.h"
#include "store_health.h"
#include "store_place.h"
#include <stdlib.h>
#include <string.h>

#define CONTACTS_MOST 256

struct known {
    struct store_contact contact[CONTACTS_MOST];
    size_t contacts;
    struct store_oldest_pending waiting[CONF_MAX_PEERS];
    size_t waits;
    int64_t news_since[CONF_MAX_ANNOUNCEMENTS]; /* of each announcement; 0: nothing waits */
};

static bool read_news(const struct conf *conf, struct store *store, struct known *known)
{
    struct store_news_state state;
    for (size_t i = 0; i < conf->announcement_count; i++) {
        if (store_news_state(store, conf->announcements[i].name, clock_utc_ms(), &state) !=
            STORE_OK)
            return false;
        known->news_since[i] = state.oldest_ms;
    }
    return true;
}

static bool read_known(struct console *console, struct known *known)
{
    if (console_store(console) &&
        store_contacts(console->store, known->contact, CONTACTS_MOST, &known->contacts) ==
            STORE_OK &&
        store_oldest_pending(console->store, known->waiting, CONF_MAX_PEERS, &known->waits) ==
            STORE_OK &&
        read_news(console->node->conf, console->store, known))
        return true;
    console_close_store(console);
    return false;
}

static const struct store_contact *contact_of(const struct known *known, enum contact_kind kind,
                                              const char *name)
{
    static const struct store_contact none;
    for (size_t i = 0; i < known->contacts; i++)
        if (known->contact[i].kind == kind && strcmp(known->contact[i].name, name) == 0)
            return &known->contact[i];
    return &none;
}

static int64_t results_since(const struct known *known, const char *name)
{
    for (size_t i = 0; i < known->waits; i++)
        if (strcmp(known->waiting[i].destination, name) == 0)
            return known->waiting[i].since_ms;
    return 0;
}

/* since: of what waits for it, 0: nothing; address: taken; NULL: not told. */
static json_t *describe(const struct known *known, enum contact_kind kind, const char *name,
                        const char *way, int64_t since, json_t *address)
{
    const struct store_contact *c = contact_of(known, kind, name);
    json_t *echo = c->echo_ms == 0
                       ? json_null()
                       : json_pack("{s:o, s:s, s:s, s:b}", "at", json_time(c->echo_ms), "who",
                                   c->echo_who, "answer", c->echo, "good",
                                   strncmp(c->echo, "answered", strlen("answered")) == 0);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o}", "kind",
                     contact_kind_name(kind), "name", name, "way", way, "address",
                     address != NULL ? address : json_null(), "last_success", json_time(c->good_ms),
                     "last_failure", json_time(c->bad_ms), "why", c->why, "failing",
                     c->bad_ms > c->good_ms, "waiting_since", json_time(since), "echo", echo);
}

static json_t *address_of(const struct conf_peer *peer)
{
    return peer->url != NULL ? json_string(peer->url)
                             : json_sprintf("%s %s:%u", peer->ae_title, peer->host, peer->port);
}

static json_t *address_of_receiver(const struct conf_announcement *to)
{
    char text[CONF_SHOWN_ADDRESS];
    if (to->way == CONF_UPS)
        return address_of(to->peer);
    if (to->way == CONF_HL7)
        return json_sprintf("%s:%u", to->host, to->port);
    conf_show_address(to->url, text);
    return json_string(text);
}

static json_t *list_peers(const struct conf *conf, const struct known *known, bool admin)
{
    static const char *const ways[] = {
        [CONF_UPS] = "UPS", [CONF_HL7] = "HL7", [CONF_WEBHOOK] = "webhook"};
    json_t *list = json_array();
    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_peer *peer = conf->destinations[i].peer;
        (void)json_array_append_new(
            list, describe(known, CONTACT_DESTINATION, peer->name,
                           peer->url != NULL ? "results, DICOMweb" : "results, DICOM",
                           results_since(known, peer->name), admin ? address_of(peer) : NULL));
    }
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *to = &conf->announcements[i];
        (void)json_array_append_new(list, describe(known, CONTACT_ANNOUNCEMENT, to->name,
                                                   ways[to->way], known->news_since[i],
                                                   admin ? address_of_receiver(to) : NULL));
    }
    if (conf->order_query.peer != NULL)
        (void)json_array_append_new(
            list, describe(known, CONTACT_WORKLIST, conf->order_query.peer->name, "orders, DICOM",
                           0, admin ? address_of(conf->order_query.peer) : NULL));
    return list;
}

enum MHD_Result peers_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    struct known *known = calloc(1, sizeof *known);
    (void)tail;
    bool read = known != NULL && read_known(console, known);
    json_t *list =
        read ? list_peers(console->node->conf, known, session->account.role == ROLE_ADMIN) : NULL;
    free(known);
    if (list == NULL)
        return http_error(&visit->request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the job store cannot be read now", 1);
    return http_json(&visit->request, MHD_HTTP_OK, json_pack("{s:o}", "peers", list));
}
