/* The inquirer: one question, one association.
 *
 *   by accession number [ask_key] -> nothing of the study -> by Study Instance UID [ask_key]
 *
 * each beside the Patient ID where it is known: that key every peer knows, so one that knows no
 * other answers with this patient's orders, not with its whole worklist. */
#include "inquire.h"

#include "call.h"
#include "conf_pattern.h"
#include "log.h"
#include "proposed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#define IMPLICIT "1.2.840.10008.1.2"

struct asking {
    const struct conf *conf;
    const struct conf_order_query *how;
    struct conf_pattern *postoperative; /* NULL: none */
    struct dx_scu *scu;
    struct dx_error err;
    struct inquire_found found;
    struct inquire_answer answer;
};

static bool take(void *context, const struct dx_mwl_item *match)
{
    struct asking *a = context;
    bool postoperative = a->postoperative != NULL && match->procedure[0] != '\0' &&
                         conf_pattern_found(a->postoperative, match->procedure);
    inquire_take(&a->found, match, postoperative);
    return true;
}

/* A value that means itself: wildcards and lists are none (PS3.4 C.2.2.2). */
static const char *key_of(const char *value)
{
    return dx_text_is_ascii(value) && strpbrk(value, "*?\\") == NULL ? value : "";
}

static enum inquire_end end_of_status(struct asking *a, enum dx_status status, uint16_t dimse)
{
    if (status == DX_OK && dimse == 0)
        return inquire_end_of(&a->found);
    if (status == DX_OK)
        (void)snprintf(a->answer.why, sizeof a->answer.why, "C-FIND: status %04X", dimse);
    else
        (void)snprintf(a->answer.why, sizeof a->answer.why, "%.199s", a->err.text);
    if (dx_scu_is_broken(a->scu))
        return INQUIRE_BROKEN;
    return status == DX_LIMIT ? INQUIRE_MANY : INQUIRE_REFUSED;
}

/* What a peer said before it failed does not count. */
static enum inquire_end ask_key(struct asking *a, const char *accession, const char *study)
{
    const struct dx_mwl_query query = {
        .accession = accession, .patient_id = key_of(a->found.of->patient_id), .study = study};
    struct dx_writing identifier = {.count = 0};
    uint16_t dimse = 0;
    dx_mwl_write_query(&query, &identifier);
    enum dx_status status =
        dx_scu_mwl_find(a->scu, &identifier, (size_t)a->how->matches, take, a, &dimse, &a->err);
    dx_writing_finish(&identifier);
    return end_of_status(a, status, dimse);
}

static enum inquire_end ask_all(struct asking *a)
{
    const struct store_inquiry *of = a->found.of;
    const char *accession = key_of(of->accession);
    enum inquire_end first = INQUIRE_NONE;
    if (accession[0] != '\0')
        first = ask_key(a, accession, "");
    if (first != INQUIRE_NONE && first != INQUIRE_OTHER)
        return first;
    enum inquire_end second = ask_key(a, "", of->study);
    return second == INQUIRE_NONE ? first : second;
}

static enum inquire_end ask(struct asking *a)
{
    struct dx_scu_params params;
    call_params(a->conf, a->how->peer, &params);
    params.connect_seconds = params.connect_seconds < a->how->answer_seconds
                                 ? params.connect_seconds
                                 : a->how->answer_seconds;
    params.acse_seconds = params.dimse_seconds = a->how->answer_seconds;
    if (call_open(a->conf, a->how->peer, &params, &proposed_orders, 1, &a->scu, &a->err) != DX_OK) {
        (void)snprintf(a->answer.why, sizeof a->answer.why, "%.199s", a->err.text);
        return INQUIRE_AWAY;
    }
    enum inquire_end end = INQUIRE_REFUSED;
    if (dx_scu_accepts(a->scu, DX_MODALITY_WORKLIST, IMPLICIT))
        end = ask_all(a);
    else
        (void)snprintf(a->answer.why, sizeof a->answer.why,
                       "%s takes no Modality Worklist queries from %s", a->how->peer->name,
                       a->conf->ae_title);
    dx_scu_close(a->scu);
    return end;
}

int inquire_ask(const struct conf *conf, int fd)
{
    static struct asking a;
    struct store_inquiry of;
    char why[200];
    a = (struct asking){.conf = conf, .how = &conf->order_query};
    if (conf->orders.postoperative != NULL) {
        a.postoperative = conf_pattern_create(conf->orders.postoperative, why, sizeof why);
        if (a.postoperative == NULL)
            return EX_OSERR;
    }
    for (;;) {
        if (recv(fd, &of, sizeof of, 0) != (ssize_t)sizeof of)
            return 0;
        a.err = (struct dx_error){.status = DX_OK};
        a.found = (struct inquire_found){.of = &of};
        a.answer = (struct inquire_answer){.why = ""};
        memcpy(a.answer.study, of.study, sizeof a.answer.study);
        crash_point("inquirer-asked");
        a.answer.end = ask(&a);
        if (a.answer.end == INQUIRE_FOUND) {
            a.answer.count = a.found.count;
            memcpy(a.answer.order, a.found.order, sizeof a.answer.order);
        }
        crash_point("inquirer-answered");
        size_t bytes = INQUIRE_BYTES(a.answer.count);
        if (send(fd, &a.answer, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
            return 0;
    }
}
