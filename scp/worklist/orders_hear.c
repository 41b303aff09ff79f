/* One caller's process.
 *
 *   bytes -[mllp_read]-> message -[hl7_parse]-> orders -[ask]-> the store's answer -[acknowledge]->
 *
 * One message at a time: the next is read when the last is answered, so what a caller can fill is
 * one buffer. What cannot be answered, since it has no header, ends the connection. */
#include "orders.h"

#include "clock.h"
#include "conf_pattern.h"
#include "confine.h"
#include "hl7_charset.h"
#include "log.h"
#include "mllp.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define NOISE_MOST   65536 /* bytes between messages that are borne */
#define SEND_MS      30000 /* for a caller to take its answer */
#define HANDSHAKE_MS 10000
#define LOOK_MS      1000
#define ACK_MOST     4096
#define ROW_MOST     CONF_PATTERN_TEXT /* of a report; a longer one is prose, and passed over */

struct hearing {
    const struct conf_orders *conf;
    struct caller *caller;
    int role;
    struct mllp_reader reader;
    struct conf_pattern *postoperative, *finding, *no_finding; /* or NULL */
    int64_t until; /* monotonic: a message must be whole by then */
    struct hl7_message message;
    char *converted;       /* room for a message in UTF-8 */
    unsigned unread_names; /* of the message: they are left out */
    struct orders_heard heard;
};

/* ---- what a message says ---- */

static bool is_postoperative(const struct hearing *h, const char *procedure)
{
    return h->postoperative != NULL && procedure[0] != '\0' &&
           conf_pattern_found(h->postoperative, procedure);
}

/* Preliminary is not read: so say other programs of their results, and residents. */
static enum site_read read_of(const struct hl7_order *order)
{
    if (order->read == HL7_READ_FINAL)
        return SITE_READ;
    return order->status[0] != '\0' && strchr("OIS", order->status[0]) != NULL ? SITE_UNREAD
                                                                               : SITE_READ_UNSAID;
}

/* What a final report says. Rows of both: nobody knows which holds. */
static enum site_conclusion conclusion_of(const struct hearing *h, const struct hl7_order *order)
{
    static char row[ROW_MOST];
    bool finding = false, no_finding = false;
    size_t at = order->begin, count;
    if (order->event != HL7_REPORT || order->read != HL7_READ_FINAL)
        return SITE_UNCONCLUDED;
    while ((count = hl7_next_row(&h->message, order, &at, row, sizeof row)) > 0) {
        if (count >= sizeof row)
            continue;
        finding = finding || (h->finding != NULL && conf_pattern_found(h->finding, row));
        no_finding =
            no_finding || (h->no_finding != NULL && conf_pattern_found(h->no_finding, row));
    }
    return finding == no_finding ? SITE_UNCLEAR : finding ? SITE_INJURY : SITE_NO_INJURY;
}

/* What is said anew of an order; not of a second one by the same numbers. */
static bool is_change(const struct hl7_order *order)
{
    return order->event == HL7_ORDER &&
           (strcmp(order->control, "XO") == 0 || strcmp(order->control, "XX") == 0);
}

static void take_patients(struct site_order *o, const struct hl7_order *order)
{
    size_t used = 0;
    for (size_t i = 0; i < order->patients; i++)
        if (used + 1 + strlen(order->patient[i].id) < sizeof o->patients)
            used += (size_t)snprintf(o->patients + used, sizeof o->patients - used, "\\%s",
                                     order->patient[i].id);
}

static void take(struct hearing *h, const struct hl7_order *order)
{
    struct site_order *o = &h->heard.order[h->heard.count++];
    *o = (struct site_order){.priority = order->priority,
                             .postoperative = is_postoperative(h, order->procedure),
                             .read = read_of(order),
                             .conclusion = conclusion_of(h, order),
                             .cancelled = order->cancelled && order->event == HL7_ORDER,
                             .changed = is_change(order),
                             .reports = order->event == HL7_REPORT};
    memcpy(o->accession, order->accession, sizeof o->accession);
    memcpy(o->study, order->study, sizeof o->study);
    if (order->issuer_of_accession[0] != '\0' || order->universal_of_accession[0] != '\0')
        (void)snprintf(o->accession_issuer, sizeof o->accession_issuer, "%s&%s",
                       order->issuer_of_accession, order->universal_of_accession);
    memcpy(o->placer_order, order->placer_order, sizeof o->placer_order);
    memcpy(o->filler_order, order->filler_order, sizeof o->filler_order);
    memcpy(o->procedure_id, order->procedure_id, sizeof o->procedure_id);
    memcpy(o->procedure, order->procedure, sizeof o->procedure);
    if (o->changed)
        take_patients(o, order);
}

static uint32_t take_ids(struct site_id to[SITE_IDS_MOST], const struct hl7_id *from, size_t count)
{
    _Static_assert(HL7_IDS_MOST <= SITE_IDS_MOST, "all fit");
    for (size_t i = 0; i < count; i++) {
        memcpy(to[i].id, from[i].id, sizeof to[i].id);
        memcpy(to[i].issuer, from[i].issuer, sizeof to[i].issuer);
        memcpy(to[i].universal, from[i].universal, sizeof to[i].universal);
    }
    return (uint32_t)count;
}

static void take_patient(struct hearing *h, const struct hl7_order *order)
{
    struct site_patient *p = &h->heard.patient[h->heard.count++];
    memset(p, 0, sizeof *p);
    p->nows = take_ids(p->now, order->patient, order->patients);
    if (order->event == HL7_MERGE)
        p->priors = take_ids(p->prior, order->prior, order->priors);
    memcpy(p->name, order->patient_name, sizeof p->name);
    h->unread_names += order->unread_name;
    memcpy(p->birth_date, order->birth_date, sizeof p->birth_date);
    memcpy(p->sex, order->sex, sizeof p->sex);
    p->at_ms = order->at_ms;
}

static bool is_named(const struct hl7_order *order)
{
    return order->accession[0] != '\0' || order->study[0] != '\0' ||
           order->filler_order[0] != '\0' || order->placer_order[0] != '\0';
}

static struct orders_answer answer_of(enum hl7_code code, const char *why)
{
    struct orders_answer answer = {.code = code};
    (void)snprintf(answer.why, sizeof answer.why, "%s", why);
    return answer;
}

static struct orders_answer understand_patient(struct hearing *h, const struct hl7_order *patient)
{
    if (!h->conf->patients)
        return answer_of(HL7_REJECT, "messages of patients are not taken here");
    if (patient->patients == 0)
        return answer_of(HL7_ERROR, "a patient without an ID that could be an image's");
    if (patient->event == HL7_MERGE && patient->priors == 0)
        return answer_of(HL7_ERROR, "a merge without a prior ID that could be an image's");
    if (h->heard.count == PATIENTS_MOST)
        return answer_of(HL7_ERROR, "too many patients in one message");
    h->heard.is_of_patients = 1;
    take_patient(h, patient);
    return answer_of(HL7_ACCEPT, "");
}

static bool is_of_patients(const struct hl7_order *order)
{
    return order->event == HL7_PATIENT || order->event == HL7_MERGE;
}

/* A result without any is of nothing here. An order that is none is its sender's mistake. */
static struct orders_answer answer_of_none(const struct hl7_order *order)
{
    if (order->event == HL7_OTHER)
        return answer_of(HL7_REJECT, "this type of message is not taken here");
    if (order->event == HL7_REPORT)
        return answer_of(HL7_ACCEPT, "");
    return answer_of(HL7_ERROR, is_of_patients(order) ? "no patient in the message"
                                                      : "no order in the message");
}

/* Accepted: what is to be told is in h->heard. */
static struct orders_answer understand(struct hearing *h)
{
    static struct hl7_order order;
    size_t at = 0, seen = 0;
    h->heard.count = h->heard.is_of_patients = 0;
    h->unread_names = 0;
    while (hl7_next_order(&h->message, &at, &order)) {
        seen++;
        if (is_of_patients(&order)) {
            struct orders_answer answer = understand_patient(h, &order);
            if (answer.code != HL7_ACCEPT)
                return answer;
            continue;
        }
        if (order.own || (order.event == HL7_REPORT && !is_named(&order)))
            continue;
        if (!is_named(&order))
            return answer_of(HL7_ERROR, order.cut
                                            ? "an order's numbers cannot be read, or are too long"
                                            : "an order without accession, study or number");
        if (h->heard.count == ORDERS_MOST)
            return answer_of(HL7_ERROR, "too many orders in one message");
        take(h, &order);
    }
    return seen > 0 ? answer_of(HL7_ACCEPT, "") : answer_of_none(&order);
}

/* ---- the role's answer ---- */

static bool ask(struct hearing *h, struct orders_answer *answer)
{
    size_t bytes =
        h->heard.is_of_patients ? PATIENTS_BYTES(h->heard.count) : ORDERS_BYTES(h->heard.count);
    ssize_t n;
    if (send(h->role, &h->heard, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        return false;
    do
        n = recv(h->role, answer, sizeof *answer, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *answer;
}

/* ---- answering ---- */

static bool acknowledge(struct hearing *h, const struct orders_answer *answer)
{
    static char frame[ACK_MOST + 3];
    char id[21];
    (void)snprintf(id, sizeof id, "%.20s", h->heard.message);
    size_t count =
        hl7_ack(&h->message, answer->code, answer->why, id, clock_utc_ms(), frame + 1, ACK_MOST);
    if (count == 0)
        return true; /* none is wanted */
    frame[0] = '\x0b';
    frame[count + 1] = '\x1c';
    frame[count + 2] = '\r';
    return caller_send(h->caller, frame, count + 3, clock_monotonic_ms() + SEND_MS);
}

static bool name_message(struct hearing *h)
{
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL)
        return false;
    dx_sha256_add(sha, h->reader.bytes, h->reader.count);
    dx_sha256_take(sha, h->heard.message);
    return h->heard.message[0] != '\0';
}

/* The header alone, of what is no message as a whole: it can still be answered. */
static bool parse_header(struct hearing *h)
{
    char why[128];
    size_t count = 0;
    while (count < h->reader.count && h->reader.bytes[count] != '\r' &&
           h->reader.bytes[count] != '\n')
        count++;
    return hl7_parse(&h->message, h->reader.bytes, count, why, sizeof why);
}

/* What else the message says has been taken. */
static void tell_unread_names(const struct hearing *h, struct orders_answer *answer)
{
    char set[32];
    (void)hl7_get(&h->message, 0, (struct hl7_place){18, 1, 0, 0}, set, sizeof set);
    log_event(LOG_AT_WARN, "patient-name-unread", "names=%u set=%s", h->unread_names,
              log_quote(set));
    *answer = answer_of(HL7_ACCEPT, "a name cannot be read in the set of MSH-18: left out");
}

/* False: the connection is to be ended. */
static bool hear_message(struct hearing *h, bool cut)
{
    char why[128] = "the message is too long";
    struct orders_answer answer;
    if (!name_message(h))
        return false;
    bool good =
        !cut && hl7_charset_parse(&h->message, h->reader.bytes, h->reader.count, h->converted,
                                  HL7_CHARSET_GROWTH * h->conf->message_bytes, why, sizeof why);
    if (!good && !parse_header(h)) {
        log_event(LOG_AT_WARN, "orders-nonsense", "reason=%s", log_quote(why));
        return false;
    }
    answer = good ? understand(h) : answer_of(HL7_REJECT, why);
    crash_point("orders-heard");
    if (answer.code == HL7_ACCEPT && h->heard.count > 0 && !ask(h, &answer))
        return false;
    crash_point("orders-answered");
    answer.why[sizeof answer.why - 1] = '\0';
    if (answer.code == HL7_ACCEPT && h->heard.is_of_patients && h->unread_names > 0)
        tell_unread_names(h, &answer);
    if (answer.code != HL7_ACCEPT)
        log_event(LOG_AT_WARN, "orders-refused", "answer=%s reason=%s",
                  answer.code == HL7_ERROR ? "AE" : "AR", log_quote(answer.why));
    return acknowledge(h, &answer);
}

/* ---- the connection ---- */

static bool take_bytes(struct hearing *h, const char *in, size_t count)
{
    while (count > 0) {
        enum mllp_found found = mllp_read(&h->reader, &in, &count);
        if (h->reader.skipped > NOISE_MOST)
            return false;
        if (found == MLLP_MORE)
            continue;
        if (!hear_message(h, found == MLLP_CUT))
            return false;
        h->until = clock_monotonic_ms() + (int64_t)h->conf->idle_seconds * 1000;
    }
    return true;
}

/* A ClientHello where a message should begin: waiting would tell nobody what is wrong. */
static bool speaks_tls(const struct hearing *h, const char *bytes, size_t count)
{
    return h->caller->tls == NULL && h->reader.skipped == 0 && !mllp_is_inside(&h->reader) &&
           count >= 3 && bytes[0] == 0x16 && bytes[1] == 0x03;
}

/* "": go on. */
static const char *turn(struct hearing *h)
{
    char bytes[4096];
    int64_t now = clock_monotonic_ms();
    struct pollfd wait[2] = {{.fd = h->caller->fd, .events = POLLIN}, {.fd = h->role, .events = 0}};
    if (now >= h->until)
        return mllp_is_inside(&h->reader) ? "half a message" : "silent";
    if (node_stopping && !mllp_is_inside(&h->reader))
        return "the node stops";
    int64_t left = h->until - now;
    int ms = caller_has_pending(h->caller) ? 0 : (int)(left < LOOK_MS ? left : LOOK_MS);
    if (poll(wait, 2, ms) <= 0 && ms > 0)
        return "";
    if (wait[1].revents != 0)
        return "the node stops";
    ssize_t n = caller_read(h->caller, bytes, sizeof bytes);
    if (n == 0)
        return "";
    if (n < 0)
        return n == CALLER_ENDED && !mllp_is_inside(&h->reader) ? "closed" : "broken off";
    if (speaks_tls(h, bytes, (size_t)n))
        return "it speaks TLS, <orders tls> is not on";
    return take_bytes(h, bytes, (size_t)n) ? "" : "no HL7, or no answer";
}

/* Who is no caller of this port yet has little time. */
static bool shake_hands(struct hearing *h)
{
    struct dx_error err = {.status = DX_OK};
    if (h->caller->tls == NULL)
        return true;
    if (!caller_open(h->caller, clock_monotonic_ms() + HANDSHAKE_MS, &err)) {
        log_event(LOG_AT_WARN, "orders-caller-refused", "reason=%s", log_quote(err.text));
        return false;
    }
    log_event(LOG_AT_INFO, "orders-caller-tls", "session=%s certificate=%s",
              log_quote(dx_tls_session(h->caller->tls)), log_quote(dx_tls_subject(h->caller->tls)));
    return true;
}

/* NULL: none. */
static bool open_pattern(const char *text, struct conf_pattern **pattern)
{
    char why[200];
    *pattern = text != NULL ? conf_pattern_create(text, why, sizeof why) : NULL;
    return text == NULL || *pattern != NULL;
}

int orders_hear(const struct conf_orders *conf, struct caller *caller, int role)
{
    static struct hearing h;
    h = (struct hearing){.conf = conf, .caller = caller, .role = role};
    const char *end = "";
    char *bytes = malloc(conf->message_bytes);
    h.converted = malloc(HL7_CHARSET_GROWTH * conf->message_bytes);
    if (bytes == NULL || h.converted == NULL ||
        !open_pattern(conf->postoperative, &h.postoperative) ||
        !open_pattern(conf->finding, &h.finding) || !open_pattern(conf->no_finding, &h.no_finding))
        return EX_OSERR;
    if (!shake_hands(&h))
        return 0;
    mllp_reader_init(&h.reader, bytes, conf->message_bytes);
    h.until = clock_monotonic_ms() + (int64_t)conf->idle_seconds * 1000;
    while (end[0] == '\0')
        end = turn(&h);
    caller_say_end(caller);
    log_event(LOG_AT_INFO, "orders-caller-ended", "reason=%s", log_quote(end));
    return 0;
}
