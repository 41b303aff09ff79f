/* hl7_order.h: what a message of others says about orders, patients and reports, and the answer to
 * it.
 *
 * ORM^O01, OMI^O23, OMG^O19: orders. ADT^A08 and A31: a patient's data are corrected; A40
 * and its older forms A18, A34, A36, A47: two patients are one. ORU^R01: what a study's reading has
 * come to. A message may hold several: hl7_next_order gives one after the other. Sources: HL7 2.3.1
 * and 2.5.1, chapters 3, 4, 7; IHE RAD (RAD-2, 4, 12, 13, 28). */
#ifndef HL7_ORDER_H
#define HL7_ORDER_H

#include "dx_uid.h"
#include "hl7_read.h"
#include "priority.h"

enum hl7_event {
    HL7_OTHER,   /* nothing that the node knows; no order comes of it */
    HL7_ORDER,   /* placed, changed or cancelled */
    HL7_PATIENT, /* new data of patient[] */
    HL7_MERGE,   /* what was prior[] is patient[] from now on */
    HL7_REPORT   /* OBR-25 of a study */
};

/* What OBR-25 (table 0123) says has been read by now. */
enum hl7_read {
    HL7_NOT_READ,         /* ordered, scheduled, in progress, no results; or an unknown word */
    HL7_READ_PRELIMINARY, /* P, R, A: somebody has looked at it */
    HL7_READ_FINAL        /* F, C */
};

#define HL7_IDS_MOST 8
struct hl7_id {
    char id[65], issuer[65], universal[65]; /* CX-1; CX-4: its name, its universal ID */
};

/* Texts are UTF-8 without controls, "" where nothing is said. An identifier that does not fit is
 * or cannot be read is left empty and `cut` is set: a part of it could be another's. A name of
 * which a character cannot be read is left empty, too, and `unread_name` is set. */
struct hl7_order {
    enum hl7_event event;
    bool cut, unread_name;
    bool own;       /* of ours, that somebody sends on: OBX-3, OBX-5 or ORC-16 are of 99CERVIGATE */
    bool cancelled; /* ORC-1 CA, OC, CR, DC, OD, DR, replaced: RP, RQ, RU; OBR-25 X */
    enum priority_order priority; /* the highest of TQ1-9, OBR-27.6, ORC-7.6, OBR-5 */
    enum hl7_read read;
    char control[3], status[2];                               /* ORC-1, OBR-25 as they came */
    char accession[65];                                       /* IPC-1, else OBR-18 */
    char issuer_of_accession[65], universal_of_accession[65]; /* IPC-1: its name, universal ID */
    char placer_order[65], filler_order[65];                  /* ORC-2, ORC-3, else OBR-2, OBR-3 */
    char study[DX_UID_MAX]; /* IPC-3, else ZDS-1; digits and dots */
    char procedure_id[65];  /* IPC-2, else OBR-19 */
    char procedure[257];    /* OBR-4: words, else the code */
    char service[65];       /* OBR-4: the code */
    char reason[257];       /* OBR-31: words, else the code, else OBR-13 */
    struct hl7_id patient[HL7_IDS_MOST], prior[HL7_IDS_MOST]; /* PID-3, MRG-1 */
    size_t patients, priors;
    char patient_name[1025]; /* PN: components by ^ */
    char birth_date[9], sex[2];
    int64_t at_ms;     /* of ADT: EVN-2, else MSH-7; 0: neither says */
    size_t begin, end; /* its segments; end: the one behind them */
};

/* The message's next one; *at is 0 before the first. False: there is no more. */
bool hl7_next_order(const struct hl7_message *message, size_t *at, struct hl7_order *order);

/* The order's next row (OBX) as "OBX-3: OBX-5", each as it stands but decoded, repetitions with a
 * line feed between; *at is order->begin before the first. Its bytes, the end not counted; `size`
 * or more: it does not fit, and text holds what does. 0: there is no more. */
size_t hl7_next_row(const struct hl7_message *message, const struct hl7_order *order, size_t *at,
                    char *text, size_t size);

/* ---- acknowledgements ---- */

enum hl7_code { HL7_ACCEPT, HL7_ERROR, HL7_REJECT };

/* The answer to a message that was received (it may have been cut off behind MSH), ended by CR and
 * a zero: AA, AE, AR; CA, CE, CR where MSH-15 asks for them. id: MSH-10 of the answer. 0: none is
 * wanted (MSH-15 and MSH-16), or it does not fit. */
size_t hl7_ack(const struct hl7_message *received, enum hl7_code code, const char *text,
               const char *id, int64_t now_ms, char *bytes, size_t size);

/* An answer that came. False: it is no acknowledgement of message `id`, and why says so. text:
 * MSA-3 and what ERR says, words of the peer. */
bool hl7_read_ack(const struct hl7_message *answer, const char *id, enum hl7_code *code, char *text,
                  size_t size);

#endif
