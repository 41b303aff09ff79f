#include "asked.h"

#include "clock.h"
#include "desk.h"
#include "log.h"
#include "reading_state.h"
#include "ups_item.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE  20 /* queries of an association; beyond, ten a second */
#define PAUSE_US 100000
#define TRIES    3 /* of a change, when another was faster */

/* ---- the desk ---- */

static void begin(const struct asked *asked, enum desk_kind kind, struct desk_request *request)
{
    memset(request, 0, DESK_REQUEST_BYTES(0)); /* the rest is not sent */
    request->kind = kind;
    (void)snprintf(request->calling, sizeof request->calling, "%s", asked->peer->calling);
    (void)snprintf(request->called, sizeof request->called, "%s", asked->peer->called);
    (void)snprintf(request->address, sizeof request->address, "%s", asked->peer->address);
}

/* The desk's status; 0110 where it is gone. */
static uint16_t ask(struct asked *asked, const struct desk_request *request,
                    struct desk_answer *answer, char comment[65])
{
    *answer = (struct desk_answer){.status = DX_UPS_FAILED, .comment = "no answer of the worklist"};
    if (asked->bytes == NULL)
        asked->bytes = malloc(DESK_ANSWER_MOST);
    if (asked->bytes == NULL ||
        !desk_ask(asked->desk_fd, request, answer, asked->bytes, DESK_ANSWER_MOST)) {
        answer->status = DX_UPS_FAILED;
        answer->bytes = 0;
    }
    (void)snprintf(comment, 65, "%.64s", answer->comment);
    return answer->status;
}

unsigned asked_offers(struct asked *asked)
{
    struct desk_request request;
    struct desk_answer answer;
    char comment[65];
    begin(asked, DESK_OFFER, &request);
    unsigned offers = ask(asked, &request, &answer, comment) == DX_UPS_SUCCESS ? answer.offers : 0;
    if (offers == 0)
        log_event(LOG_AT_WARN, "worklist-not-offered", "association=%s calling=%s reason=%s",
                  asked->association, log_quote(asked->peer->calling),
                  log_quote(answer.status == DX_UPS_SUCCESS ? "the node's mode" : comment));
    return offers;
}

/* ---- items ---- */

/* What the last answer brought. */
static bool take_item(const struct asked *asked, const struct desk_answer *answer,
                      struct desk_item *item, const uint8_t **said)
{
    if (answer->bytes < sizeof *item)
        return false;
    memcpy(item, asked->bytes, sizeof *item);
    *said = (const uint8_t *)asked->bytes + sizeof *item;
    return item->said_bytes == answer->bytes - sizeof *item;
}

static const char *why_of(const struct store_reading *reading)
{
    if (reading->state != READING_CANCELED)
        return "";
    switch (reading->why) {
    case READING_READ:
        return "the study has been read";
    case READING_WITHDRAWN:
        return "the study was withdrawn";
    case READING_LAPSED:
        return "nothing was heard of its performer";
    default:
        return "";
    }
}

static void write_item(const struct asked *asked, const struct desk_item *item, const uint8_t *said,
                       struct dx_writing *to)
{
    static const struct dx_ups_input no_input = {.study = NULL};
    const struct store_reading *reading = &item->reading;
    struct ups_item_texts texts;
    char modified[UPS_TIME_MAX], ended[UPS_TIME_MAX];
    int64_t changed =
        reading->changed_ms > item->news.created_ms ? reading->changed_ms : item->news.created_ms;
    struct dx_ups_held held = {.sop_instance = reading->uid,
                               .state = reading_word(reading->state),
                               .modified = modified,
                               .ended = ended,
                               .why = why_of(reading),
                               .said = said,
                               .said_bytes = item->said_bytes};
    ups_time(changed, modified);
    ups_time(reading->ended_ms, ended);
    ups_item_of(&item->news, asked->conf->reading.label, &no_input, item->news.received_ms, &texts,
                &held.item);
    dx_ups_write_held(&held, to);
}

/* ---- C-FIND ---- */

struct finding {
    struct asked *asked;
    struct dx_ups_query *query;
    struct dx_scp_found *found;
    char *comment;
    unsigned matches;
    bool is_partly;
};

/* One item; *goes_on false: enough. */
static uint16_t look_at(struct finding *f, int64_t id, bool *goes_on)
{
    struct desk_request request;
    struct desk_answer answer;
    struct desk_item item;
    struct dx_writing whole = {.count = 0}, match = {.count = 0};
    struct dx_error err;
    const uint8_t *said;
    bool matches = false;
    begin(f->asked, DESK_ITEM, &request);
    request.id = id;
    uint16_t status = ask(f->asked, &request, &answer, f->comment);
    if (status == DX_UPS_NO_SUCH_ITEM) /* its study went meanwhile */
        return DX_UPS_SUCCESS;
    if (status != DX_UPS_SUCCESS || !take_item(f->asked, &answer, &item, &said))
        return status != DX_UPS_SUCCESS ? status : DX_UPS_FAILED;
    write_item(f->asked, &item, said, &whole);
    if (dx_ups_query_match(f->query, &whole, &matches, &match, &err) != DX_OK) {
        (void)snprintf(f->comment, 65, "%.64s", err.text);
        status = DX_UPS_FAILED;
    } else if (matches && f->matches == (unsigned)f->asked->conf->reading.matches) {
        (void)snprintf(f->comment, 65, "limit readingWorklist matches: there are more");
        status = DX_UPS_OUT_OF_RESOURCES;
    } else if (matches) {
        *goes_on = dx_scp_found_put(f->found, &match, f->is_partly);
        f->matches += *goes_on;
    } else {
        *goes_on = dx_scp_found_goes_on(f->found);
    }
    dx_writing_finish(&whole);
    dx_writing_finish(&match);
    return status;
}

static uint16_t find_all(struct finding *f)
{
    struct desk_request request;
    struct desk_answer answer;
    int64_t until = clock_monotonic_ms() + (int64_t)f->asked->conf->reading.query_seconds * 1000;
    bool goes_on = true;
    begin(f->asked, DESK_LIST, &request);
    request.states = dx_ups_query_states(f->query);
    uint16_t status = ask(f->asked, &request, &answer, f->comment);
    size_t count = answer.bytes / sizeof(int64_t);
    int64_t *ids = count > 0 ? malloc(answer.bytes) : NULL;
    if (ids != NULL)
        memcpy(ids, f->asked->bytes, count * sizeof *ids);
    else if (count > 0)
        status = DX_UPS_OUT_OF_RESOURCES;
    for (size_t i = 0; status == DX_UPS_SUCCESS && goes_on && i < count; i++) {
        status = look_at(f, ids[i], &goes_on);
        if (status == DX_UPS_SUCCESS && goes_on && clock_monotonic_ms() > until) {
            (void)snprintf(f->comment, 65, "limit readingWorklist queryTime");
            status = DX_UPS_OUT_OF_RESOURCES;
        }
    }
    if (status == DX_UPS_SUCCESS && goes_on && answer.cut_at != 0) { /* one of them may match */
        (void)snprintf(f->comment, 65, "more than %u items: those read first were searched",
                       answer.cut_at);
        status = DX_UPS_OUT_OF_RESOURCES;
    }
    free(ids);
    return status == DX_UPS_SUCCESS && !goes_on ? DX_UPS_CANCEL : status;
}

static void tell_asked(struct finding *f, uint16_t status)
{
    struct desk_request request;
    struct desk_answer answer;
    char ignored[65];
    begin(f->asked, DESK_ASKED, &request);
    request.matches = f->matches;
    request.status = status;
    dx_ups_query_words(f->query, request.words, sizeof request.words);
    (void)ask(f->asked, &request, &answer, ignored);
}

uint16_t asked_find(struct asked *asked, const uint8_t *identifier, size_t count,
                    struct dx_scp_found *found, char comment[65])
{
    struct finding f = {.asked = asked, .found = found, .comment = comment};
    struct dx_error err = {.status = DX_OK};
    if (++asked->finds > AT_ONCE)
        (void)usleep(PAUSE_US);
    enum dx_status status = dx_ups_query_read(identifier, count, &f.query, &err);
    if (status != DX_OK) {
        (void)snprintf(comment, 65, "%.64s", err.text);
        return status == DX_INVALID     ? DX_UPS_NOT_OF_CLASS
               : status == DX_NO_MEMORY ? DX_UPS_OUT_OF_RESOURCES
                                        : DX_UPS_NOT_UNDERSTOOD;
    }
    f.is_partly = !dx_ups_query_is_known(f.query);
    uint16_t dimse = find_all(&f);
    tell_asked(&f, dimse);
    dx_ups_query_destroy(f.query);
    return dimse;
}

/* ---- N-GET ---- */

/* words: whether somebody reads it, and it is to be told. */
static uint16_t get_item(struct asked *asked, const char *instance, const char *words,
                         struct desk_item *item, const uint8_t **said, char comment[65])
{
    struct desk_request request;
    struct desk_answer answer;
    begin(asked, DESK_GET, &request);
    (void)snprintf(request.uid, sizeof request.uid, "%s", instance);
    (void)snprintf(request.words, sizeof request.words, "%s", words);
    uint16_t status = ask(asked, &request, &answer, comment);
    return status == DX_UPS_SUCCESS && !take_item(asked, &answer, item, said) ? DX_UPS_FAILED
                                                                              : status;
}

uint16_t asked_get(struct asked *asked, const char *instance, const uint32_t *tags, size_t count,
                   struct dx_writing *to, char comment[65])
{
    struct dx_error err;
    struct desk_item item;
    struct dx_writing whole = {.count = 0};
    const uint8_t *said;
    bool is_known = true;
    uint16_t status = get_item(asked, instance, "N-GET", &item, &said, comment);
    if (status != DX_UPS_SUCCESS)
        return status;
    write_item(asked, &item, said, &whole);
    if (dx_ups_select(&whole, tags, count, to, &is_known, &err) != DX_OK) {
        (void)snprintf(comment, 65, "%.64s", err.text);
        status = DX_UPS_FAILED;
        dx_writing_finish(to);
    } else if (!is_known) {
        status = DX_UPS_NOT_ALL_KNOWN;
    }
    dx_writing_finish(&whole);
    return status;
}

/* ---- N-SET ---- */

static uint16_t say_once(struct asked *asked, const char *instance,
                         const struct dx_ups_setting *setting, char comment[65])
{
    static struct desk_request request;
    struct desk_answer answer;
    struct desk_item item;
    struct dx_writing merged = {.count = 0};
    struct dx_error err;
    const uint8_t *said;
    uint16_t status = get_item(asked, instance, "", &item, &said, comment);
    if (status != DX_UPS_SUCCESS)
        return status;
    enum dx_status made = dx_ups_said_merge(said, item.said_bytes, &setting->said, &merged, &err);
    if (made == DX_OK) {
        begin(asked, DESK_SAY, &request);
        (void)snprintf(request.uid, sizeof request.uid, "%s", instance);
        memcpy(request.transaction, setting->transaction, sizeof request.transaction);
        request.revision = item.reading.revision;
        request.said_bytes = merged.count;
        if (merged.count > 0)
            memcpy(request.said, merged.bytes, merged.count);
        status = ask(asked, &request, &answer, comment);
    } else {
        (void)snprintf(comment, 65, "%.64s", err.text);
        status = made == DX_LIMIT ? DX_UPS_LIMITED : DX_UPS_FAILED;
    }
    dx_writing_finish(&merged);
    return status;
}

static uint16_t set(struct asked *asked, const char *instance, const struct dx_ups_setting *setting,
                    char comment[65])
{
    uint16_t status = DESK_CHANGED;
    if (setting->has_state) {
        (void)snprintf(comment, 65, "Procedure Step State is changed by N-ACTION");
        return DX_UPS_WRONG_VALUE;
    }
    for (int i = 0; i < TRIES && status == DESK_CHANGED; i++)
        status = say_once(asked, instance, setting, comment);
    if (status == DESK_CHANGED)
        return DX_UPS_FAILED;
    if (status != DX_UPS_SUCCESS)
        return status;
    if (setting->has_ours)
        (void)snprintf(comment, 65, "what is scheduled stays as the node has it");
    return setting->has_ours      ? DX_UPS_COERCED
           : setting->has_unknown ? DX_UPS_NOT_ALL_KNOWN
                                  : DX_UPS_SUCCESS;
}

uint16_t asked_set(struct asked *asked, const char *instance, const uint8_t *change, size_t count,
                   char comment[65])
{
    struct dx_ups_setting setting;
    struct dx_error err;
    uint16_t status = DX_UPS_WRONG_VALUE;
    if (dx_ups_setting_read(change, count, &setting, &err) == DX_OK)
        status = set(asked, instance, &setting, comment);
    else
        (void)snprintf(comment, 65, "%.64s", err.text);
    dx_writing_finish(&setting.said);
    return status;
}

/* ---- N-ACTION Change UPS State ---- */

static uint16_t act_once(struct asked *asked, const char *instance,
                         const struct dx_ups_action *action, char comment[65])
{
    struct desk_request request;
    struct desk_answer answer;
    struct desk_item item;
    const uint8_t *said;
    char missing[65] = "";
    begin(asked, DESK_ACT, &request);
    (void)snprintf(request.uid, sizeof request.uid, "%s", instance);
    memcpy(request.transaction, action->transaction, sizeof request.transaction);
    request.wanted = action->state;
    if (action->state == DX_UPS_COMPLETED) {
        uint16_t got = get_item(asked, instance, "", &item, &said, comment);
        if (got != DX_UPS_SUCCESS)
            return got;
        request.revision = item.reading.revision;
        request.is_final = dx_ups_said_is_final(said, item.said_bytes, missing);
    }
    uint16_t status = ask(asked, &request, &answer, comment);
    if (status == DX_UPS_NOT_FINAL)
        (void)snprintf(comment, 65, "%s", missing);
    return status;
}

uint16_t asked_change_state(struct asked *asked, const char *instance, const uint8_t *information,
                            size_t count, char comment[65])
{
    struct dx_ups_action action;
    struct dx_error err;
    uint16_t status = DESK_CHANGED;
    if (dx_ups_action_read(information, count, &action, &err) != DX_OK) {
        (void)snprintf(comment, 65, "%.64s", err.text);
        return DX_UPS_WRONG_VALUE;
    }
    for (int i = 0; i < TRIES && status == DESK_CHANGED; i++)
        status = act_once(asked, instance, &action, comment);
    return status == DESK_CHANGED ? DX_UPS_FAILED : status;
}

void asked_finish(struct asked *asked)
{
    free(asked->bytes);
    asked->bytes = NULL;
}
