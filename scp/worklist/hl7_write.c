/* MSH and PID are the same in every message; the tables of docs/hl7.md stand in this order.
 *
 * What is left out, and why: PV1 (neither version demands it, and a patient class of ours could
 * overwrite the true one); OBR-2 and the site's numbers in a result (it would be filed under the
 * site's order); OBX-8 N (nobody may read "normal"). */
#include "hl7_write.h"

#include "hl7_put.h"
#include <ctype.h>
#include <string.h>

#define OWN        "99CERVIGATE"
#define TEXT_MOST  250 /* characters of words that nobody identifies anything by */
#define IS_2_5_1   (to->version == 1)
#define MARK(news) ((news)->research ? "RESEARCH - " : "")

/* ---- what is due ---- */

/* What this receiver was told no longer holds. */
static bool is_withdrawn(const struct news *news)
{
    return news->kind == NEWS_WITHDRAWN || news->reason == REASON_READ ||
           news->reason == REASON_WAITING;
}

/* What the order's priority becomes: code^text^system; NULL: it is not touched. Whom a physician
 * calls STAT comes before whom a model suspects: a raise is ASAP. */
static const char *change_of(const struct conf_announcement *to, const struct news *news)
{
    const char *const codes[] = {[PRIORITY_LOW] = to->profile.routine,
                                 [PRIORITY_MEDIUM] = to->profile.routine,
                                 [PRIORITY_HIGH] = to->profile.raised};
    bool is_known = news->order != ORDER_UNKNOWN &&
                    (news->placer_order[0] != '\0' || news->filler_order[0] != '\0' ||
                     news->accession[0] != '\0');
    enum priority_rank least = priority_rank_of_order(news->order);
    bool was_raised = (news->was_told || news->may_know) && news->told_order != ORDER_UNKNOWN &&
                      news->told > priority_rank_of_order(news->told_order) && news->told > least;
    bool is_raised = !is_withdrawn(news) && news->rank > least;
    if (!is_known)
        return NULL;
    if (is_raised)
        return was_raised && news->was_told && news->told == news->rank ? NULL : codes[news->rank];
    return was_raised && news->reason != REASON_READ ? codes[least] : NULL;
}

/* Of a patient who was forgotten there is nothing left that a receiver could file it by. */
static bool names_nobody(const struct news *news)
{
    return news->patient_id[0] == '\0' && news->patient_name[0] == '\0';
}

bool hl7_is_due(const struct conf_announcement *to, const struct news *news, enum hl7_kind kind)
{
    if (kind == HL7_PRIORITY)
        return to->priority && change_of(to, news) != NULL;
    return to->results &&
           (!is_withdrawn(news) || ((news->was_told || news->may_know) && !names_nobody(news)));
}

/* ---- MSH, PID ---- */

void hl7_control(const struct news *news, enum hl7_kind kind, char id[HL7_CONTROL_MOST])
{
    size_t used = 0;
    for (const char *at = news->message; *at != '\0' && used < HL7_CONTROL_MOST - 2; at++)
        if (isalnum((unsigned char)*at))
            id[used++] = *at;
    id[used++] = kind == HL7_RESULT ? 'R' : 'P';
    id[used] = '\0';
}

static const char *type_of(const struct conf_announcement *to, enum hl7_kind kind)
{
    if (kind == HL7_RESULT)
        return IS_2_5_1 ? "ORU^R01^ORU_R01" : "ORU^R01";
    return IS_2_5_1 ? "OMI^O23^OMI_O23" : "ORM^O01";
}

/* A field that is configured as code^text^system, or as a name^number^type: its components. The
 * second one is led by `mark`. */
static void put_components(struct hl7_put *put, unsigned field, const char *text, const char *mark)
{
    hl7_put_field(put, field);
    for (int i = 0;; i++) {
        size_t count = strcspn(text, "^");
        if (i == 1)
            hl7_put_text(put, mark);
        hl7_put_part(put, text, count, 0);
        if (text[count] == '\0')
            return;
        hl7_put_raw(put, "^");
        text += count + 1;
    }
}

static void put_msh(struct hl7_put *put, const struct conf_announcement *to,
                    const struct news *news, enum hl7_kind kind)
{
    char id[HL7_CONTROL_MOST];
    hl7_control(news, kind, id);
    hl7_put_segment(put, "MSH");
    hl7_put_field(put, 2);
    hl7_put_raw(put, "^~\\&");
    put_components(put, 3, to->sending_application, "");
    put_components(put, 4, to->sending_facility, "");
    put_components(put, 5, to->receiving_application, "");
    put_components(put, 6, to->receiving_facility, "");
    hl7_put_field(put, 7);
    hl7_put_time(put, news->created_ms);
    hl7_put_field(put, 9);
    hl7_put_raw(put, type_of(to, kind));
    hl7_put_value(put, 10, id);
    hl7_put_value(put, 11, news->research ? "T" : "P"); /* table 0103: training, production */
    hl7_put_value(put, 12, IS_2_5_1 ? "2.5.1" : "2.3.1");
    hl7_put_value(put, 18, hl7_put_character_set(put->characters));
}

/* One component group of a PN as XPN: prefix and suffix change places, and what a component of PN
 * may hold of separators is escaped. */
static void put_group(struct hl7_put *put, const char *name, size_t count, const char *written)
{
    static const int order[] = {0, 1, 2, 4, 3};
    const char *part[5] = {name, name, name, name, name};
    size_t length[5] = {0};
    for (int i = 0; i < 5; i++) {
        const char *end = memchr(name, '^', count);
        part[i] = name;
        length[i] = end != NULL ? (size_t)(end - name) : count;
        name += length[i] + (end != NULL);
        count -= length[i] + (end != NULL);
    }
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            hl7_put_raw(put, "^");
        hl7_put_part(put, part[order[i]], length[order[i]], TEXT_MOST);
    }
    hl7_put_raw(put, "^^L^");
    hl7_put_raw(put, written);
}

/* Alphabetic, ideographic, phonetic; the latter two only where there are characters for them. */
static void put_name(struct hl7_put *put, const char *name)
{
    static const char *const written[] = {"A", "I", "P"};
    bool is_first = true;
    for (int i = 0; i < 3 && (i == 0 || put->characters == CONF_HL7_UTF_8); i++) {
        size_t count = strcspn(name, "=");
        if (count > 0) {
            hl7_put_raw(put, is_first ? "" : "~");
            put_group(put, name, count, written[i]);
            is_first = false;
        }
        name += count + (name[count] == '=');
    }
}

static bool is_between(const char *digits, int least, int most)
{
    int number = (digits[0] - '0') * 10 + digits[1] - '0';
    return number >= least && number <= most;
}

/* DA as it is, or as it was before 1993 (1961.04.30), to digits; false: it is no date. */
static bool digits_of(const char *date, char digits[9])
{
    size_t used = 0, at = 0;
    bool is_dotted = strlen(date) >= 10 && date[4] == '.' && date[7] == '.';
    while (used < 8 && (isdigit((unsigned char)date[at]) || (is_dotted && date[at] == '.'))) {
        if (date[at] != '.')
            digits[used++] = date[at];
        at++;
    }
    digits[used] = '\0';
    return used == 8 && is_between(digits + 4, 1, 12) && is_between(digits + 6, 1, 31);
}

static void put_pid(struct hl7_put *put, const struct news *news)
{
    char date[9];
    hl7_put_segment(put, "PID");
    hl7_put_value(put, 1, "1");
    hl7_put_value(put, 3, news->patient_id);
    if (news->issuer[0] != '\0') {
        hl7_put_raw(put, "^^^");
        hl7_put_text(put, news->issuer);
    }
    hl7_put_field(put, 5);
    put_name(put, news->patient_name);
    hl7_put_field(put, 7);
    if (digits_of(news->birth_date, date))
        hl7_put_text(put, date);
    hl7_put_field(put, 8);
    if (strcmp(news->sex, "M") == 0 || strcmp(news->sex, "F") == 0 || strcmp(news->sex, "O") == 0)
        hl7_put_text(put, news->sex);
}

/* ---- ORU^R01 ---- */

/* EI: the same for all revisions, and unique without a namespace, for which 22 characters have no
 * room. */
static void put_own_number(struct hl7_put *put, const struct news *news)
{
    char digest[DX_DIGEST_MAX] = "";
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL) {
        put->full = true;
        return;
    }
    dx_sha256_add_text(sha, news->workitem);
    dx_sha256_take(sha, digest);
    hl7_put_part(put, digest, 20, 0);
}

/* When the images were made, as their station's clock says; else when the first one came. */
static void put_observed(struct hl7_put *put, const struct news *news)
{
    char date[9];
    const char *time = news->study_time;
    size_t count = strspn(time, "0123456789");
    if (!digits_of(news->study_date, date)) {
        hl7_put_time(put, news->received_ms);
        return;
    }
    hl7_put_text(put, date);
    if (count >= 4 && is_between(time, 0, 23) && is_between(time + 2, 0, 59))
        hl7_put_part(put, time, count >= 6 && is_between(time + 4, 0, 59) ? 6 : 4, 0);
}

/* ORC-2 and 3, or OBR-2 and 3. */
static void put_numbers(struct hl7_put *put, const struct conf_announcement *to,
                        const struct news *news)
{
    if (to->profile.number_in != CONF_HL7_FILLER) {
        hl7_put_field(put, 2);
        put_own_number(put, news);
    }
    if (to->profile.number_in != CONF_HL7_PLACER) {
        hl7_put_field(put, 3);
        put_own_number(put, news);
    }
}

static void put_obr(struct hl7_put *put, const struct conf_announcement *to,
                    const struct news *news)
{
    bool is_nothing = is_withdrawn(news) || news->outcome == SRT_NOT_PROCESSED;
    hl7_put_segment(put, "ORC");
    hl7_put_value(put, 1, "RE");
    put_numbers(put, to, news);
    hl7_put_segment(put, "OBR");
    hl7_put_value(put, 1, "1");
    put_numbers(put, to, news);
    put_components(put, 4, to->service, MARK(news));
    hl7_put_field(put, 7);
    put_observed(put, news);
    if (to->profile.accession_in != CONF_HL7_OBX)
        hl7_put_value(put, 18, news->accession);
    hl7_put_field(put, 22);
    hl7_put_time(put, news->created_ms);
    hl7_put_value(put, 25, is_nothing ? to->profile.none : to->profile.preliminary);
}

struct rows {
    struct hl7_put *put;
    const struct conf_hl7_profile *profile;
    const struct news *news;
    unsigned count;
};

/* A row up to its value, which the caller writes before end_row. */
static void begin_row(struct rows *rows, const char *type, const char *concept)
{
    const char number[2] = {(char)('0' + ++rows->count), '\0'};
    hl7_put_segment(rows->put, "OBX");
    hl7_put_value(rows->put, 1, number);
    hl7_put_value(rows->put, 2, type);
    put_components(rows->put, 3, concept, "");
    hl7_put_value(rows->put, 4, "1");
    hl7_put_field(rows->put, 5);
}

static void end_row(struct rows *rows, const char *flag, bool is_none)
{
    const struct conf_hl7_profile *p = rows->profile;
    const char *status = is_none ? p->none : p->preliminary;
    hl7_put_value(rows->put, 8, flag);
    hl7_put_value(rows->put, 11, is_withdrawn(rows->news) ? p->withdrawn : status);
    hl7_put_field(rows->put, 14);
    hl7_put_time(rows->put, rows->news->created_ms);
}

static void put_row(struct rows *rows, const char *concept, const char *value)
{
    if (value[0] == '\0' || concept[0] == '\0')
        return;
    begin_row(rows, "ST", concept);
    hl7_put_text(rows->put, value);
    end_row(rows, "", false);
}

static void put_outcome(struct rows *rows)
{
    static const char *const values[][3] = {
        [SRT_FINDING] = {"finding", "Finding at or above the operating point", OWN},
        [SRT_NO_FINDING] = {"no-finding", "No finding above the operating point", OWN},
        [SRT_NOT_PROCESSED] = {"not-processed", "Not processed", OWN},
        [SRT_UNDETERMINED] = {"373068000", "Undetermined", "SCT"},
        [SRT_INCOMPLETE] = {"incomplete", "No suspicion, incomplete", OWN},
    };
    static const char *const withdrawn[] = {"withdrawn", "Withdrawn", OWN};
    const struct news *news = rows->news;
    bool is_gone = is_withdrawn(news);
    const char *const *value = is_gone ? withdrawn : values[news->outcome];
    begin_row(rows, "CE", rows->profile->outcome);
    hl7_put_code(rows->put, value[0], MARK(news), value[1], value[2]);
    end_row(rows, news->outcome == SRT_FINDING && !is_gone ? "AA" : "",
            news->outcome == SRT_NOT_PROCESSED);
}

static void put_reason(struct rows *rows)
{
    const struct news *news = rows->news;
    bool is_gone = is_withdrawn(news);
    if (rows->profile->reason[0] == '\0')
        return;
    begin_row(rows, "ST", rows->profile->reason);
    hl7_put_text(rows->put, MARK(news));
    hl7_put_text(rows->put, is_gone ? "withdrawn" : priority_reason_text(news->reason));
    if (is_gone && news->reason == REASON_READ) {
        hl7_put_text(rows->put, ": ");
        hl7_put_text(rows->put, priority_reason_text(news->reason));
    }
    end_row(rows, "", false);
}

static void put_rank(struct rows *rows)
{
    const struct news *news = rows->news;
    if (is_withdrawn(news) || rows->profile->rank[0] == '\0')
        return;
    begin_row(rows, "CE", rows->profile->rank);
    hl7_put_code(rows->put, priority_rank_name(news->rank), MARK(news),
                 priority_rank_name(news->rank), OWN);
    end_row(rows, "", false);
}

static void put_result(struct hl7_put *put, const struct conf_announcement *to,
                       const struct news *news)
{
    const struct conf_hl7_profile *p = &to->profile;
    struct rows rows = {.put = put, .profile = p, .news = news};
    put_obr(put, to, news);
    if (news->research)
        put_row(&rows, p->research, "RESEARCH - a demonstration, not for diagnosis");
    put_outcome(&rows);
    put_reason(&rows);
    put_rank(&rows);
    put_row(&rows, p->study, news->study);
    if (p->accession_in != CONF_HL7_OBR_18)
        put_row(&rows, p->accession, news->accession);
    if (news->is_report)
        put_row(&rows, p->report, news->report);
    put_row(&rows, p->model, news->model);
}

/* ---- ORM^O01, OMI^O23 ---- */

static bool has_priority(const struct conf_announcement *to, enum conf_hl7_priority_in place)
{
    if (to->profile.priority_in != CONF_HL7_BY_VERSION)
        return to->profile.priority_in == place;
    return IS_2_5_1 ? place == CONF_HL7_TQ1_9 : place == CONF_HL7_ORC_7 || place == CONF_HL7_OBR_27;
}

/* TQ: the priority is its sixth component; of OBR-5 the first. */
static void put_quantity(struct hl7_put *put, const struct conf_announcement *to,
                         enum conf_hl7_priority_in place, const char *code)
{
    static const unsigned fields[] = {
        [CONF_HL7_ORC_7] = 7, [CONF_HL7_OBR_27] = 27, [CONF_HL7_OBR_5] = 5};
    if (!has_priority(to, place))
        return;
    hl7_put_field(put, fields[place]);
    hl7_put_raw(put, place == CONF_HL7_OBR_5 ? "" : "^^^^^");
    hl7_put_part(put, code, strcspn(code, "^"), 0);
}

static void put_order_control(struct hl7_put *put, const struct conf_announcement *to,
                              const struct news *news, const char *code)
{
    bool is_gone = is_withdrawn(news);
    hl7_put_segment(put, "ORC");
    hl7_put_value(put, 1, to->profile.control);
    hl7_put_value(put, 2, news->placer_order);
    hl7_put_value(put, 3, news->filler_order);
    put_quantity(put, to, CONF_HL7_ORC_7, code);
    hl7_put_field(put, 9);
    hl7_put_time(put, news->created_ms);
    hl7_put_field(put, 16);
    hl7_put_code(put, is_gone ? "withdrawn" : priority_reason_code(news->reason), MARK(news),
                 is_gone ? "Withdrawn" : priority_reason_text(news->reason), OWN);
    if (!has_priority(to, CONF_HL7_TQ1_9))
        return;
    hl7_put_segment(put, "TQ1");
    hl7_put_value(put, 1, "1");
    put_components(put, 9, code, "");
}

static void put_request(struct hl7_put *put, const struct conf_announcement *to,
                        const struct news *news, const char *code)
{
    hl7_put_segment(put, "OBR");
    hl7_put_value(put, 1, "1");
    hl7_put_value(put, 2, news->placer_order);
    hl7_put_value(put, 3, news->filler_order);
    hl7_put_field(put, 4);
    hl7_put_raw(put, "^"); /* the site's code is not known here, its words are */
    hl7_put_part(put, news->study_description, strlen(news->study_description), TEXT_MOST);
    put_quantity(put, to, CONF_HL7_OBR_5, code);
    if (!IS_2_5_1) {
        hl7_put_value(put, 18, news->accession); /* IHE RAD-4: 18 and 19, and ZDS */
        hl7_put_value(put, 19, news->procedure_id);
    }
    put_quantity(put, to, CONF_HL7_OBR_27, code);
}

static void put_priority(struct hl7_put *put, const struct conf_announcement *to,
                         const struct news *news)
{
    const char *code = change_of(to, news);
    if (code == NULL) {
        put->full = true;
        return;
    }
    put_order_control(put, to, news, code);
    put_request(put, to, news, code);
    if (!IS_2_5_1) {
        hl7_put_segment(put, "ZDS");
        hl7_put_value(put, 1, news->study);
        hl7_put_raw(put, "^^Application^DICOM");
        return;
    }
    hl7_put_segment(put, "IPC");
    hl7_put_value(put, 1, news->accession);
    if (news->issuer_of_accession[0] != '\0') {
        hl7_put_raw(put, "^");
        hl7_put_text(put, news->issuer_of_accession);
    }
    hl7_put_value(put, 2, news->procedure_id);
    hl7_put_value(put, 3, news->study);
}

size_t hl7_write(const struct conf_announcement *to, const struct news *news, enum hl7_kind kind,
                 char *bytes, size_t size)
{
    struct hl7_put put;
    hl7_put_init(&put, bytes, size, to->characters);
    put_msh(&put, to, news, kind);
    put_pid(&put, news);
    if (kind == HL7_RESULT)
        put_result(&put, to, news);
    else
        put_priority(&put, to, news);
    return hl7_put_end(&put);
}
