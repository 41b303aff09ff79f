/* A group of segments is an order: ORC with what follows, or OBR alone; or PID in ADT. PID before
 * it is its patient. ZDS stands once for all orders of a message (IHE RAD-4), IPC in each. */
#include "hl7_order.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MOST 16 /* repetitions that are looked at: finding one is linear in them */

struct group {
    const struct hl7_message *message;
    size_t pid, begin, end; /* segments; pid: number of segments when there is none */
};

static struct hl7_place place(unsigned field, unsigned component)
{
    return (struct hl7_place){field, 1, component, 1};
}

/* ---- groups ---- */

static size_t find_in(const struct group *group, const char *name)
{
    size_t at = hl7_find(group->message, name, group->begin);
    return at < group->end ? at : group->message->segments;
}

static bool begins(const struct hl7_message *message, size_t at)
{
    return hl7_is(message, at, "ORC") || hl7_is(message, at, "OBR");
}

static size_t end_of_order(const struct hl7_message *message, size_t begin)
{
    bool has_obr = hl7_is(message, begin, "OBR");
    for (size_t at = begin + 1; at < message->segments; at++) {
        if (hl7_is(message, at, "PID") || hl7_is(message, at, "ORC") ||
            (has_obr && hl7_is(message, at, "OBR")))
            return at;
        has_obr |= hl7_is(message, at, "OBR");
    }
    return message->segments;
}

static size_t patient_before(const struct hl7_message *message, size_t at)
{
    while (at > 0)
        if (hl7_is(message, --at, "PID"))
            return at;
    return message->segments;
}

static bool next_group(const struct hl7_message *message, bool is_adt, size_t at,
                       struct group *group)
{
    if (at == 0)
        at = 1; /* MSH */
    if (is_adt) {
        size_t pid = hl7_find(message, "PID", at);
        *group = (struct group){message, pid, pid, hl7_find(message, "PID", pid + 1)};
        return pid < message->segments;
    }
    while (at < message->segments && !begins(message, at))
        at++;
    *group = (struct group){message, patient_before(message, at), at, end_of_order(message, at)};
    return at < message->segments;
}

/* ---- values ---- */

static void identify(struct hl7_order *order, const struct group *group, size_t segment,
                     struct hl7_place at, char *out, size_t size)
{
    if (out[0] == '\0' && !hl7_get_whole(group->message, segment, at, out, size))
        order->cut = true;
}

/* Table 0203: what an image may have as its Patient ID. A visit's or an account's number, a
 * passport's, are other things by the same digits. */
static bool is_of_patient(const struct group *group, size_t segment, unsigned field,
                          unsigned repetition)
{
    static const char types[] = " MR MRT PI PT PE AM U ";
    char type[8], sought[11];
    if (!hl7_get_whole(group->message, segment, (struct hl7_place){field, repetition, 5, 1}, type,
                       sizeof type))
        return false;
    (void)snprintf(sought, sizeof sought, " %s ", type);
    return type[0] == '\0' || strstr(types, sought) != NULL;
}

static void read_ids(struct hl7_order *order, const struct group *group, size_t segment,
                     unsigned field, struct hl7_id *ids, size_t *count)
{
    unsigned repetitions = hl7_repetitions(group->message, segment, field);
    for (unsigned i = 1; i <= repetitions && i <= LOOK_MOST && *count < HL7_IDS_MOST; i++) {
        struct hl7_id *id = &ids[*count];
        *id = (struct hl7_id){.id = ""};
        if (!is_of_patient(group, segment, field, i))
            continue;
        identify(order, group, segment, (struct hl7_place){field, i, 1, 1}, id->id, sizeof id->id);
        bool whole = hl7_get_whole(group->message, segment, (struct hl7_place){field, i, 4, 1},
                                   id->issuer, sizeof id->issuer);
        if (!hl7_get_whole(group->message, segment, (struct hl7_place){field, i, 4, 2},
                           id->universal, sizeof id->universal) ||
            !whole) {
            order->cut = true; /* an ID without its issuer could be another's */
            continue;
        }
        *count += id->id[0] != '\0';
    }
}

/* Which repetition of PID-5: the legal name (XPN-7 L), else one without a type, else the first; of
 * more ways to write it (XPN-8) the alphabetic one. */
static unsigned choose_name(const struct group *group)
{
    unsigned repetitions = hl7_repetitions(group->message, group->pid, 5), best = 1;
    int least = 3;
    for (unsigned i = 1; i <= repetitions && i <= LOOK_MOST; i++) {
        char type[4], written[4];
        (void)hl7_get(group->message, group->pid, (struct hl7_place){5, i, 7, 1}, type,
                      sizeof type);
        (void)hl7_get(group->message, group->pid, (struct hl7_place){5, i, 8, 1}, written,
                      sizeof written);
        int rank = strcmp(type, "L") == 0 ? 0 : type[0] == '\0' ? 1 : 2;
        if (rank < least && strcmp(written, "I") != 0 && strcmp(written, "P") != 0) {
            least = rank;
            best = i;
        }
    }
    return best;
}

/* XPN to PN: suffix and prefix change places; what PN has a meaning for becomes a blank. */
static void read_name(struct hl7_order *order, const struct group *group)
{
    static const unsigned components[] = {1, 2, 3, 5, 4};
    const unsigned repetition = choose_name(group);
    size_t used = 0;
    for (size_t i = 0; i < 5; i++) {
        char *part = order->patient_name + used;
        (void)hl7_get(group->message, group->pid,
                      (struct hl7_place){5, repetition, components[i], 1}, part, 201);
        for (char *c = part; *c != '\0'; c++)
            if (strchr("^=\\", *c) != NULL)
                *c = ' ';
        used += strlen(part);
        order->patient_name[used++] = '^';
    }
    while (used > 0 && order->patient_name[used - 1] == '^')
        used--;
    order->patient_name[used] = '\0';
    order->unread_name = strstr(order->patient_name, HL7_UNREADABLE) != NULL;
    if (order->unread_name)
        order->patient_name[0] = '\0';
}

static void read_patient(struct hl7_order *order, const struct group *group)
{
    char birth[32], sex[8];
    read_ids(order, group, group->pid, 3, order->patient, &order->patients);
    read_name(order, group);
    (void)hl7_get(group->message, group->pid, place(7, 1), birth, sizeof birth);
    if (strspn(birth, "0123456789") >= 8)
        memcpy(order->birth_date, birth, 8);
    (void)hl7_get(group->message, group->pid, place(8, 1), sex, sizeof sex);
    if (strlen(sex) == 1 && strchr("MFO", sex[0]) != NULL)
        order->sex[0] = sex[0];
}

static void raise_to(struct hl7_order *order, const struct group *group, size_t segment,
                     struct hl7_place at)
{
    char word[16];
    if (!hl7_get_whole(group->message, segment, at, word, sizeof word))
        return;
    enum priority_order said = priority_order_parse(word);
    if (said > order->priority)
        order->priority = said;
}

static void read_priority(struct hl7_order *order, const struct group *group)
{
    size_t orc = find_in(group, "ORC"), obr = find_in(group, "OBR");
    for (size_t at = group->begin; at < group->end; at++)
        for (unsigned i = 1; hl7_is(group->message, at, "TQ1") &&
                             i <= hl7_repetitions(group->message, at, 9) && i <= HL7_IDS_MOST;
             i++)
            raise_to(order, group, at, (struct hl7_place){9, i, 1, 1});
    raise_to(order, group, obr, place(27, 6));
    raise_to(order, group, orc, place(7, 6));
    raise_to(order, group, obr, place(5, 1));
}

static void read_study(struct hl7_order *order, const struct group *group)
{
    size_t ipc = find_in(group, "IPC"), zds = find_in(group, "ZDS");
    if (zds == group->message->segments) {
        zds = hl7_find(group->message, "ZDS", 1);
        if (hl7_find(group->message, "ZDS", zds + 1) < group->message->segments)
            zds = group->message->segments; /* one of several, and not this order's */
    }
    identify(order, group, ipc, place(3, 1), order->study, sizeof order->study);
    identify(order, group, zds, place(1, 1), order->study, sizeof order->study);
    if (!dx_uid_is_usable(order->study))
        order->study[0] = '\0';
}

static void read_issuer(struct hl7_order *order, const struct group *group, size_t ipc)
{
    identify(order, group, ipc, place(1, 2), order->issuer_of_accession,
             sizeof order->issuer_of_accession);
    identify(order, group, ipc, place(1, 3), order->universal_of_accession,
             sizeof order->universal_of_accession);
}

static void read_numbers(struct hl7_order *order, const struct group *group)
{
    static const struct hl7_place reasons[] = {{31, 1, 2, 1}, {31, 1, 1, 1}, {13, 1, 1, 1}};
    size_t orc = find_in(group, "ORC"), obr = find_in(group, "OBR"), ipc = find_in(group, "IPC");
    identify(order, group, ipc, place(1, 1), order->accession, sizeof order->accession);
    if (order->accession[0] != '\0')
        read_issuer(order, group, ipc);
    identify(order, group, obr, place(18, 1), order->accession, sizeof order->accession);
    identify(order, group, orc, place(2, 1), order->placer_order, sizeof order->placer_order);
    identify(order, group, obr, place(2, 1), order->placer_order, sizeof order->placer_order);
    identify(order, group, orc, place(3, 1), order->filler_order, sizeof order->filler_order);
    identify(order, group, obr, place(3, 1), order->filler_order, sizeof order->filler_order);
    identify(order, group, ipc, place(2, 1), order->procedure_id, sizeof order->procedure_id);
    identify(order, group, obr, place(19, 1), order->procedure_id, sizeof order->procedure_id);
    identify(order, group, obr, place(4, 1), order->service, sizeof order->service);
    if (hl7_get(group->message, obr, place(4, 2), order->procedure, sizeof order->procedure) == 0)
        (void)hl7_get(group->message, obr, place(4, 1), order->procedure, sizeof order->procedure);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons && order->reason[0] == '\0'; i++)
        (void)hl7_get(group->message, obr, reasons[i], order->reason, sizeof order->reason);
}

static enum hl7_read read_of(char status)
{
    return status == '\0'                  ? HL7_NOT_READ
           : strchr("FC", status) != NULL  ? HL7_READ_FINAL
           : strchr("PRA", status) != NULL ? HL7_READ_PRELIMINARY
                                           : HL7_NOT_READ;
}

static void read_state(struct hl7_order *order, const struct group *group)
{
    static const char gone[] = "CA OC CR DC OD DR RP RQ RU";
    char scheme[16];
    (void)hl7_get_whole(group->message, find_in(group, "ORC"), place(1, 1), order->control,
                        sizeof order->control);
    (void)hl7_get_whole(group->message, find_in(group, "OBR"), place(25, 1), order->status,
                        sizeof order->status);
    order->cancelled = (strlen(order->control) == 2 && strstr(gone, order->control) != NULL) ||
                       order->status[0] == 'X';
    order->read = read_of(order->status[0]);
    if (hl7_get_whole(group->message, find_in(group, "ORC"), place(16, 3), scheme, sizeof scheme) &&
        strcmp(scheme, "99CERVIGATE") == 0)
        order->own = true;
    for (size_t at = group->begin; at < group->end; at++)
        for (unsigned field = 3; hl7_is(group->message, at, "OBX") && field <= 5; field += 2)
            if (hl7_get_whole(group->message, at, place(field, 3), scheme, sizeof scheme) &&
                strcmp(scheme, "99CERVIGATE") == 0)
                order->own = true;
}

/* ---- rows ---- */

size_t hl7_next_row(const struct hl7_message *message, const struct hl7_order *order, size_t *at,
                    char *text, size_t size)
{
    while (*at < order->end && !hl7_is(message, *at, "OBX"))
        ++*at;
    if (*at >= order->end)
        return 0;
    size_t row = (*at)++, used = hl7_get(message, row, place(3, 0), text, size);
    unsigned repetitions = hl7_repetitions(message, row, 5);
    for (unsigned i = 1; used < size && (i == 1 || i <= repetitions); i++) {
        used += (size_t)snprintf(text + used, size - used, "%s", i == 1 ? ": " : "\n");
        if (used < size)
            used += hl7_get(message, row, (struct hl7_place){5, i, 0, 0}, text + used, size - used);
    }
    return used;
}

/* ---- the message ---- */

static enum hl7_event event_of(const struct hl7_message *message)
{
    static const struct {
        const char *type, *trigger;
        enum hl7_event event;
    } events[] = {
        {"ORM", "O01", HL7_ORDER},   {"OMI", "O23", HL7_ORDER},   {"OMG", "O19", HL7_ORDER},
        {"ADT", "A08", HL7_PATIENT}, {"ADT", "A31", HL7_PATIENT}, {"ADT", "A40", HL7_MERGE},
        {"ADT", "A18", HL7_MERGE},   {"ADT", "A34", HL7_MERGE},   {"ADT", "A36", HL7_MERGE},
        {"ADT", "A47", HL7_MERGE},   {"ORU", "R01", HL7_REPORT}};
    char type[4], trigger[4];
    if (!hl7_get_whole(message, 0, place(9, 1), type, sizeof type) ||
        !hl7_get_whole(message, 0, place(9, 2), trigger, sizeof trigger))
        return HL7_OTHER;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(type, events[i].type) == 0 && strcmp(trigger, events[i].trigger) == 0)
            return events[i].event;
    return HL7_OTHER;
}

/* When it was recorded (EVN-2), else when the message was made (MSH-7). */
static int64_t time_of(const struct hl7_message *message)
{
    char text[32];
    (void)hl7_get_whole(message, hl7_find(message, "EVN", 1), place(2, 1), text, sizeof text);
    int64_t at = hl7_time(text);
    if (at != 0)
        return at;
    (void)hl7_get_whole(message, 0, place(7, 1), text, sizeof text);
    return hl7_time(text);
}

bool hl7_next_order(const struct hl7_message *message, size_t *at, struct hl7_order *order)
{
    struct group group;
    *order = (struct hl7_order){.event = event_of(message)};
    bool is_adt = order->event == HL7_PATIENT || order->event == HL7_MERGE;
    if (order->event == HL7_OTHER || !next_group(message, is_adt, *at, &group))
        return false;
    *at = order->end = group.end;
    order->begin = group.begin;
    read_patient(order, &group);
    if (is_adt) {
        read_ids(order, &group, find_in(&group, "MRG"), 1, order->prior, &order->priors);
        order->at_ms = time_of(message);
        return true;
    }
    read_numbers(order, &group);
    read_study(order, &group);
    read_priority(order, &group);
    read_state(order, &group);
    return true;
}
