/* dx_ups_scp.h: Unified Procedure Step (PS3.4 annex CC) as its manager: what is asked of its items,
 * matched, answered and set. dx_scp.h has the service, dx_ups.h what a manager is told.
 *
 * Datasets are in implicit VR little endian, of at most DX_DATASET_MAX bytes. Texts that come are
 * converted to UTF-8; what is answered says ISO_IR 192 where a text is not ASCII. Pure functions of
 * their arguments, but that a time without offset is one of the process's own time zone. */
#ifndef DX_UPS_SCP_H
#define DX_UPS_SCP_H

#include "dx_ups.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_UPS_QUERY "1.2.840.10008.5.1.4.34.6.5" /* C-FIND */

/* Tables CC.2.1-2, CC.2.6-1, CC.2.7-1, CC.2.8-2; PS3.7 annex C: the status, of what, when. */
#define DX_UPS_STATUS_MAP(X)                                                                       \
    X(DX_UPS_SUCCESS, 0x0000, "all", "Done; of C-FIND: all matches were sent.")                    \
    X(DX_UPS_NOT_ALL_KNOWN, 0x0001, "N-GET, N-SET",                                                \
      "Done, but for an attribute that no step has, or that is not kept.")                         \
    X(DX_UPS_ALREADY_CANCELED, 0xb304, "N-ACTION", "It is CANCELED already.")                      \
    X(DX_UPS_COERCED, 0xb305, "N-SET",                                                             \
      "An attribute of what is scheduled was among them: it stays as the node has it.")            \
    X(DX_UPS_ALREADY_COMPLETED, 0xb306, "N-ACTION", "It is COMPLETED already.")                    \
    X(DX_UPS_PENDING, 0xff00, "C-FIND", "A match.")                                                \
    X(DX_UPS_PENDING_PARTLY, 0xff01, "C-FIND", "A match; not all keys are attributes of a step.")  \
    X(DX_UPS_CANCEL, 0xfe00, "C-FIND", "Canceled by C-CANCEL.")                                    \
    X(DX_UPS_OUT_OF_RESOURCES, 0xa700, "C-FIND",                                                   \
      "Cut: more matches, items, time or queries at a time than the limits allow, or the job "     \
      "store cannot be read. What was sent is right, but not all; Error Comment names the limit.") \
    X(DX_UPS_NOT_OF_CLASS, 0xa900, "C-FIND",                                                       \
      "No key, more than one item in a key's sequence, or another SOP class than the context's.")  \
    X(DX_UPS_NOT_UNDERSTOOD, 0xc000, "C-FIND",                                                     \
      "An identifier that is malformed, too large, or of bytes that its character set does not "   \
      "have.")                                                                                     \
    X(DX_UPS_NO_MORE, 0xc300, "N-SET, N-ACTION", "It is COMPLETED or CANCELED.")                   \
    X(DX_UPS_WRONG_TRANSACTION, 0xc301, "N-SET, N-ACTION",                                         \
      "The Transaction UID is not that of who claimed it.")                                        \
    X(DX_UPS_IS_IN_PROGRESS, 0xc302, "N-ACTION",                                                   \
      "It is IN PROGRESS already, by this Transaction UID.")                                       \
    X(DX_UPS_NOT_SCHEDULED_SO, 0xc303, "N-ACTION", "SCHEDULED is no state that it can be set to.") \
    X(DX_UPS_NOT_FINAL, 0xc304, "N-ACTION",                                                        \
      "COMPLETED lacks what the final state needs; Error Comment names it.")                       \
    X(DX_UPS_NO_SUCH_ITEM, 0xc307, "N-GET, N-SET, N-ACTION", "There is no such item.")             \
    X(DX_UPS_NOT_IN_PROGRESS, 0xc310, "N-SET, N-ACTION", "It is not claimed.")                     \
    X(DX_UPS_FAILED, 0x0110, "all",                                                                \
      "The worklist's process is gone or the job store broken: again in a moment.")                \
    X(DX_UPS_WRONG_VALUE, 0x0106, "N-SET, N-ACTION",                                               \
      "Procedure Step State in N-SET, no state in N-ACTION, or a dataset that is malformed.")      \
    X(DX_UPS_WRONG_CLASS, 0x0119, "N-GET, N-SET, N-ACTION",                                        \
      "The SOP class that is named is not UPS Push's.")                                            \
    X(DX_UPS_CLASS_REFUSED, 0x0122, "all", "The node's mode does not offer the list.")             \
    X(DX_UPS_NO_SUCH_ACTION, 0x0123, "N-ACTION", "Another action than Change UPS State.")          \
    X(DX_UPS_LIMITED, 0x0213, "N-SET",                                                             \
      "More than 32 KiB of one performer, or a dataset that is too large.")
enum dx_ups_status {
#define X(name, status, operations, when) name = status,
    DX_UPS_STATUS_MAP(X)
#undef X
};

const char *dx_ups_state_word(enum dx_ups_state state); /* "IN PROGRESS"; UNKNOWN: "" */
/* Exactly one of those words of `length` bytes; else UNKNOWN. */
enum dx_ups_state dx_ups_state_parse(const char *word, size_t length);

/* ---- an item ---- */

/* `said`: what its performer has set (dx_ups_setting_read). Times are DT; NULL and "" are nothing.
 * What a CANCELED item lacks of table CC.2.5-3's final state is written from `ended` and `why`. */
struct dx_ups_held {
    struct dx_ups_new item;
    const char *sop_instance;
    enum dx_ups_state state;
    const char *modified;
    const char *ended, *why;
    const uint8_t *said;
    size_t said_bytes;
};
/* All of it but the Transaction UID, which is nobody's to read. */
void dx_ups_write_held(const struct dx_ups_held *held, struct dx_writing *to);

/* ---- C-FIND and N-GET ---- */

struct dx_ups_query;
/* DX_INVALID: not of the class (no key, more than one item in a sequence); DX_MALFORMED, DX_LIMIT,
 * DX_NO_MEMORY. */
DX_MUST_USE enum dx_status dx_ups_query_read(const uint8_t *bytes, size_t count,
                                             struct dx_ups_query **query, struct dx_error *err);
void dx_ups_query_destroy(struct dx_ups_query *query); /* NULL is allowed */
/* The set (1 << state) of those that it does not rule out. */
unsigned dx_ups_query_states(const struct dx_ups_query *query);
/* Whether each key is one of a procedure step's attributes. */
bool dx_ups_query_is_known(const struct dx_ups_query *query);
/* The keys that have values, for the audit log: "(0010,0020)=P1 ..."; cut at the end. */
void dx_ups_query_words(const struct dx_ups_query *query, char *words, size_t size);
/* By PS3.4 C.2.2.2. item is as dx_ups_write_held wrote it; answer gets the return keys' values
 * where it matches. */
DX_MUST_USE enum dx_status dx_ups_query_match(const struct dx_ups_query *query,
                                              const struct dx_writing *item, bool *matches,
                                              struct dx_writing *answer, struct dx_error *err);
/* The attributes of N-GET; no tag: all. *is_known false: there was one that no step has. */
DX_MUST_USE enum dx_status dx_ups_select(const struct dx_writing *item, const uint32_t *tags,
                                         size_t count, struct dx_writing *answer, bool *is_known,
                                         struct dx_error *err);

/* ---- N-ACTION and N-SET ---- */

/* Change UPS State (table CC.2.1-1). state UNKNOWN: none of the standard's words; transaction "":
 * none, or no UID. */
struct dx_ups_action {
    enum dx_ups_state state;
    char transaction[DX_UID_MAX];
};
DX_MUST_USE enum dx_status dx_ups_action_read(const uint8_t *bytes, size_t count,
                                              struct dx_ups_action *action, struct dx_error *err);

/* What a performer sets: Progress Information and Performed Procedure are kept, as a dataset of
 * these two sequences with the attributes that are known; the rest is the manager's own. */
#define DX_UPS_SAID_MOST 32768u
struct dx_ups_setting {
    char transaction[DX_UID_MAX];
    bool has_state;   /* Procedure Step State, which N-SET may not have */
    bool has_ours;    /* an attribute that stays as the manager has it */
    bool has_unknown; /* one that is not kept */
    struct dx_writing said;
};
/* Finish said in every case. */
DX_MUST_USE enum dx_status dx_ups_setting_read(const uint8_t *bytes, size_t count,
                                               struct dx_ups_setting *setting,
                                               struct dx_error *err);
/* A sequence that `now` has replaces that of `before`, whole. DX_LIMIT: more than
 * DX_UPS_SAID_MOST. */
DX_MUST_USE enum dx_status dx_ups_said_merge(const uint8_t *before, size_t before_bytes,
                                             const struct dx_writing *now, struct dx_writing *to,
                                             struct dx_error *err);
/* What COMPLETED needs of the performer (table CC.2.5-3, final state P). false: missing says what,
 * in words for an Error Comment. */
bool dx_ups_said_is_final(const uint8_t *said, size_t bytes, char missing[65]);

#ifdef __cplusplus
}
#endif
#endif
