/* dx_ups.h: Unified Procedure Step (PS3.4 annex CC, PS3.3 B.26) as its SCU: what is said of an item
 * of another system's worklist, written and read, and the services that carry it.
 *
 * A message's SOP class is always UPS Push's, whatever class was negotiated (CC.3.1.1). Texts that
 * are given are UTF-8; what is sent says ISO_IR 192 where one of them is not ASCII. NULL and "" are
 * the same: nothing known.
 *
 * Writing and reading are pure functions of their arguments; the services are as in dx_scu.h. */
#ifndef DX_UPS_H
#define DX_UPS_H

#include "dx_scu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_UPS_PUSH "1.2.840.10008.5.1.4.34.6.1" /* N-CREATE, N-GET, Request Cancel */
#define DX_UPS_PULL "1.2.840.10008.5.1.4.34.6.3" /* C-FIND, N-GET, N-SET */

/* Procedure Step State (0074,1000), Scheduled Procedure Step Priority (0074,1200); the peer's own
 * words, or none, are the first of each. */
enum dx_ups_state {
    DX_UPS_STATE_UNKNOWN,
    DX_UPS_SCHEDULED,
    DX_UPS_IN_PROGRESS,
    DX_UPS_CANCELED,
    DX_UPS_COMPLETED
};
enum dx_ups_priority { DX_UPS_PRIORITY_UNKNOWN, DX_UPS_LOW, DX_UPS_MEDIUM, DX_UPS_HIGH };
const char *dx_ups_priority_word(enum dx_ups_priority priority); /* "HIGH"; UNKNOWN: "" */
/* Exactly one of the standard's words of `length` bytes; else UNKNOWN. */
enum dx_ups_priority dx_ups_priority_parse(const char *word, size_t length);

/* "CS", "SQ", ...; "" of an attribute that is none of what is written or read here. */
const char *dx_ups_vr(uint32_t tag);

/* ---- what is sent ---- */

struct dx_ups_code {
    const char *value, *scheme, *meaning;
};
/* The report that the reader may open, as an item of Input Information Sequence: all five, or none
 * of it is said. */
struct dx_ups_input {
    const char *study, *series, *sop_class, *sop_instance;
    const char *retrieve_ae; /* where it is fetched from */
};
/* N-CREATE (table CC.2.5-3): every attribute of type 1 and 2 is written, empty where unknown. */
struct dx_ups_new {
    enum dx_ups_priority priority;
    const char *label;          /* Procedure Step Label, at most 64 characters */
    const char *worklist_label; /* "": the manager's own */
    const char *comments;       /* at most 10,240 characters */
    const char *start;          /* DT (PS3.5 6.2) */
    struct dx_ups_code workitem;
    struct dx_ups_input input;
    const char *study;
    const char *patient_name, *patient_id, *issuer, *birth_date, *sex;
    const char *accession, *issuer_of_accession; /* the latter as Local Namespace Entity ID */
    const char *placer_order, *filler_order, *procedure_id, *procedure_description;
};
void dx_ups_write_new(const struct dx_ups_new *item, struct dx_writing *to);

/* N-SET of an item that is SCHEDULED: without Transaction UID. */
struct dx_ups_change {
    enum dx_ups_priority priority; /* UNKNOWN: stays */
    const char *label, *comments;  /* NULL: stays */
    struct dx_ups_input input;     /* study NULL: stays */
};
void dx_ups_write_change(const struct dx_ups_change *change, struct dx_writing *to);

/* Request UPS Cancel (table CC.2.2-1). */
void dx_ups_write_cancel(const char *reason, struct dx_writing *to);

/* C-FIND: the key that is matched, beside Patient ID where it is known. Managers need not support
 * the latter two (optional keys) and may then answer with all that they have. */
enum dx_ups_key { DX_UPS_BY_ACCESSION, DX_UPS_BY_REQUEST_STUDY, DX_UPS_BY_INPUT_STUDY };
void dx_ups_write_query(enum dx_ups_key key, const char *value, const char *patient_id,
                        struct dx_writing *to);

/* ---- what comes back ---- */

#define DX_UPS_REQUESTS 8u     /* of one item that are read; more are not looked at */
#define DX_UPS_COMMENTS 16384u /* bytes */
struct dx_ups_request {
    char study[DX_UID_MAX], accession[65], issuer[65];
};
/* A match, or what N-GET tells. A text that does not fit, or that is not of the character set that
 * the peer says, is "" and `cut` is set. */
struct dx_ups_item {
    char sop_instance[DX_UID_MAX]; /* "" of N-GET: not asked for */
    enum dx_ups_state state;
    enum dx_ups_priority priority;
    char patient_id[65], issuer[257]; /* issuer: who assigned it */
    char code[17], scheme[17];        /* of the first Scheduled Workitem Code */
    unsigned codes;
    struct dx_ups_request request[DX_UPS_REQUESTS];
    unsigned requests;
    char input_study[DX_UPS_REQUESTS][DX_UID_MAX];
    unsigned inputs;
    char comments[DX_UPS_COMMENTS];
    bool cut_comments, cut;
};
/* DX_MALFORMED, DX_LIMIT. */
DX_MUST_USE enum dx_status dx_ups_read(const uint8_t *bytes, size_t count, struct dx_ups_item *item,
                                       struct dx_error *err);

/* ---- services ---- */

/* Each: DX_OK means that an answer came, whose status is *dimse_status; comment gets (0000,0902) or
 * "". DX_NO_CONTEXT, DX_INVALID (no usable UID), DX_NO_MEMORY: nothing was sent. Propose
 * DX_UPS_PUSH and DX_UPS_PULL in implicit little endian. What an answer brings is read within
 * DX_DATASET_MAX. */
struct dx_ups_answer {
    uint16_t status;
    char comment[65];
};
typedef bool (*dx_ups_match)(void *context, const struct dx_ups_item *match);
DX_MUST_USE enum dx_status dx_scu_ups_find(struct dx_scu *scu, const struct dx_writing *query,
                                           size_t most, dx_ups_match match, void *context,
                                           uint16_t *dimse_status, struct dx_error *err);
DX_MUST_USE enum dx_status dx_scu_ups_create(struct dx_scu *scu, const char *sop_instance,
                                             const struct dx_writing *item,
                                             struct dx_ups_answer *answer, struct dx_error *err);
DX_MUST_USE enum dx_status dx_scu_ups_set(struct dx_scu *scu, const char *sop_instance,
                                          const struct dx_writing *change,
                                          struct dx_ups_answer *answer, struct dx_error *err);
DX_MUST_USE enum dx_status dx_scu_ups_cancel(struct dx_scu *scu, const char *sop_instance,
                                             const struct dx_writing *reason,
                                             struct dx_ups_answer *answer, struct dx_error *err);
/* item is filled where the status is 0000 or a warning; else it is empty. */
DX_MUST_USE enum dx_status dx_scu_ups_get(struct dx_scu *scu, const char *sop_instance,
                                          struct dx_ups_item *item, struct dx_ups_answer *answer,
                                          struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
