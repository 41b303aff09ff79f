/* The services of UPS over HTTP: UPS-RS (PS3.18 chapter 11), in DICOM JSON.
 *
 * A status of HTTP is told as the status of DIMSE that means the same, so that all that follows of
 * it is the same. docs/worklist/ups.md has the table. */
#include "ups_json.h"
#include "ups_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "application/dicom+json"

/* Of table CC.2.5-3's services; what HTTP has no word for is not among them. */
#define NO_INSTANCE   0xc307
#define DUPLICATE     0x0111
#define OVER          0xc300
#define NOT_CLAIMED   0xc310
#define FAILED        0x0110
#define INVALID       0x0106
#define NOT_ALLOWED   0x0124
#define NOT_SUPPORTED 0x0122

enum service { FIND, GET, CREATE, SET, CANCEL };

/* The receiver as a whole, not what was asked: all of its news waits. */
static bool is_away(long status)
{
    return status == 401 || status == 407 || status == 429 || (status >= 502 && status <= 504);
}

static uint16_t status_of(enum service service, long http)
{
    if (http >= 200 && http <= 299)
        return 0;
    if (http == 408 || http == 425 || http >= 500)
        return http == 501 ? NOT_SUPPORTED : FAILED;
    if ((http == 404 || http == 410) && service != FIND && service != CREATE)
        return NO_INSTANCE;
    if (http == 409)
        return service == CREATE ? DUPLICATE : OVER;
    return http == 403 ? NOT_ALLOWED : http == 400 ? INVALID : NOT_SUPPORTED;
}

/* DX_OK: there is an answer, and answer has its status. */
static enum dx_status judge(struct telling *t, enum service service, const struct stow_reply *reply,
                            struct dx_ups_answer *answer)
{
    t->away = t->broken = true;
    if (reply->end != STOW_ANSWERED) {
        t->away = reply->end == STOW_AWAY;
        return dx_fail(&t->err, DX_UNREACHABLE, "%s", reply->text);
    }
    if (is_away(reply->status))
        return dx_fail(&t->err, DX_UNREACHABLE, "HTTP status %ld", reply->status);
    t->away = t->broken = false;
    answer->status = status_of(service, reply->status);
    (void)snprintf(answer->comment, sizeof answer->comment, "HTTP status %ld", reply->status);
    return DX_OK;
}

static bool is_named(struct telling *t, const char *uid, enum dx_status *status)
{
    *status = dx_uid_is_usable(uid)
                  ? DX_OK
                  : dx_fail(&t->err, DX_INVALID, "a procedure step without a UID");
    return *status == DX_OK;
}

/* ---- requests ---- */

struct quoted {
    char text[3 * 65 + 1]; /* "": what is too long is no key */
};

static struct quoted quote(const char *value)
{
    struct quoted quoted = {""};
    size_t used = 0;
    if (strlen(value) > 64)
        return quoted;
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '.' || c == '-' || c == '_' || c == '~';
        used += (size_t)snprintf(quoted.text + used, sizeof quoted.text - used,
                                 plain ? "%c" : "%%%02X", c);
    }
    return quoted;
}

static enum dx_status find(struct telling *t, enum dx_ups_key key, const char *value,
                           const char *patient_id, size_t most, dx_ups_match match, void *context,
                           uint16_t *status)
{
    static const char *const keys[] = {"0040A370.00080050", "0040A370.0020000D",
                                       "00404021.0020000D"};
    char path[768];
    struct stow_reply reply;
    struct dx_ups_answer answer = {.status = 0xffff};
    struct quoted wanted = quote(value), patient = quote(patient_id);
    if (wanted.text[0] == '\0') { /* else it would be every item */
        *status = 0;
        return DX_OK;
    }
    (void)snprintf(path, sizeof path,
                   "/workitems?%s=%s%s%s&includefield=00100020&includefield=00100021&includefield="
                   "00404018&includefield="
                   "00404021&includefield=0040A370&includefield=00741000&includefield=00741200"
                   "&limit=%zu",
                   keys[key], wanted.text, patient.text[0] != '\0' ? "&00100020=" : "",
                   patient.text, most + 1);
    stow_http_get(t->http, path, &reply);
    enum dx_status end = judge(t, FIND, &reply, &answer);
    *status = answer.status;
    if (end != DX_OK || *status != 0 || reply.count == 0)
        return end;
    end = ups_json_read(reply.body, reply.count, most, match, context, &t->err);
    t->broken = end != DX_OK && end != DX_LIMIT;
    return end;
}

static bool keep(void *context, const struct dx_ups_item *item)
{
    memcpy(context, item, sizeof *item);
    return true;
}

static enum dx_status get(struct telling *t, const char *uid, struct dx_ups_item *item,
                          struct dx_ups_answer *answer)
{
    char path[32 + DX_UID_MAX];
    struct stow_reply reply;
    enum dx_status end;
    memset(item, 0, sizeof *item);
    if (!is_named(t, uid, &end))
        return end;
    (void)snprintf(path, sizeof path, "/workitems/%s", uid);
    stow_http_get(t->http, path, &reply);
    end = judge(t, GET, &reply, answer);
    if (end != DX_OK || answer->status != 0)
        return end;
    end = ups_json_read(reply.body, reply.count, 1, keep, item, &t->err);
    if (end == DX_OK && item->state == DX_UPS_STATE_UNKNOWN)
        end = dx_fail(&t->err, DX_MALFORMED, "a workitem without a state");
    t->broken = end != DX_OK;
    return end;
}

static enum dx_status post(struct telling *t, enum service service, const char *uid,
                           const struct dx_writing *dataset, struct dx_ups_answer *answer)
{
    char path[64 + DX_UID_MAX];
    struct stow_reply reply;
    enum dx_status end;
    if (!is_named(t, uid, &end))
        return end;
    char *body = ups_json_write(dataset);
    if (body == NULL)
        return dx_fail(&t->err, DX_NO_MEMORY, "out of memory");
    (void)snprintf(path, sizeof path, "/workitems%s%s%s", service == CREATE ? "?workitem=" : "/",
                   uid, service == CANCEL ? "/cancelrequest" : "");
    stow_http_post_text(t->http, path, JSON, body, strlen(body), &reply);
    end = judge(t, service, &reply, answer);
    free(body);
    return end;
}

static enum dx_status create(struct telling *t, const char *uid, const struct dx_writing *item,
                             struct dx_ups_answer *answer)
{
    return post(t, CREATE, uid, item, answer);
}

/* 400 and 409 may both be that a reader was faster, 409 that nothing may be changed before it is
 * claimed: the item's state tells. */
static enum dx_status set(struct telling *t, const char *uid, const struct dx_writing *change,
                          struct dx_ups_answer *answer)
{
    struct dx_ups_answer said;
    enum dx_status end = post(t, SET, uid, change, answer);
    if (end != DX_OK || (answer->status != INVALID && answer->status != OVER))
        return end;
    struct dx_ups_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return dx_fail(&t->err, DX_NO_MEMORY, "out of memory");
    end = get(t, uid, item, &said);
    if (end == DX_OK && said.status != 0)
        answer->status = said.status;
    else if (end == DX_OK && item->state != DX_UPS_SCHEDULED)
        answer->status = OVER;
    else if (answer->status == OVER)
        answer->status = NOT_CLAIMED;
    free(item);
    return end;
}

static enum dx_status cancel(struct telling *t, const char *uid, const struct dx_writing *reason,
                             struct dx_ups_answer *answer)
{
    return post(t, CANCEL, uid, reason, answer);
}

static bool is_broken(const struct telling *t)
{
    return t->broken;
}

const struct ups_way ups_rs = {find, get, create, set, cancel, is_broken};
