/* store_reconcile.h: the job store's part in the reconciliation of patients (IHE RAD PIR): what the
 * site says of them by HL7, and what was judged and told under the name or ID that they had before.
 *
 *   message -[store_site_patients]-> kept, due -[reconcile.h]-> images and results corrected
 *
 * A patient is an ID and who assigned it; `standard` is who assigned an ID that comes without. Two
 * are the same when the IDs are equal and both have an issuer that is, or neither has one: an ID
 * that only one of them has an issuer for is not known to be the same, and nothing is changed.
 * Patients of whom the node has nothing are not kept. What was recorded earlier than what is known
 * changes nothing, whenever it comes. */
#ifndef STORE_RECONCILE_H
#define STORE_RECONCILE_H

#include "store.h"

#define SITE_IDS_MOST 8
struct site_id {
    char id[65], issuer[65], universal[65]; /* its name, its universal ID; "": not said */
};
bool site_id_is(const struct site_id *a, const struct site_id *b, const char *standard);

/* What one message says of one patient; "" and 0: nothing. */
struct site_patient {
    struct site_id now[SITE_IDS_MOST], prior[SITE_IDS_MOST]; /* prior: merged into now */
    uint32_t nows, priors;
    char name[1025]; /* PN, UTF-8 */
    char birth_date[9], sex[2];
    int64_t at_ms; /* UTC when it was recorded */
};

/* What became of a message. */
struct site_told {
    size_t kept;    /* patients that it is of, and that are due now */
    size_t older;   /* of whom something newer is known */
    size_t unknown; /* of whom the node has nothing */
    size_t missing; /* STORE_NONE: number (from 0) of the patient that has no ID to merge into */
};
/* One message, whole or not at all. message: names it; one that is there changes nothing. A prior
 * ID is merged into the one of the same issuer, or into the only one. */
STORE_MUST_USE enum store_status store_site_patients(struct store *store, const char *message,
                                                     const struct site_patient *patients,
                                                     size_t count, const char *standard,
                                                     int64_t now_ms, struct site_told *told);

/* Whether anything is kept of an ID, whoever assigned it. */
STORE_MUST_USE enum store_status store_is_said(struct store *store, const char *patient_id,
                                               bool *said);
/* What holds of an image; "": as its header says. */
struct site_said {
    struct site_id now;
    char name[1025], birth_date[9], sex[2];
};
/* Of an image of this ID in a study that began at began_ms; STORE_NONE: nothing. What began after
 * the site said so has its own word, but for an ID that was merged: that is no patient's any more,
 * unless name and birth date are both others than those of whom it was merged into. */
STORE_MUST_USE enum store_status store_said_of(struct store *store, const struct site_id *image,
                                               const char *name, const char *birth_date,
                                               int64_t began_ms, const char *standard,
                                               struct site_said *said);
/* The IDs of an image's patient that others may still know it by: the one that holds, and those
 * that were merged into it, over whole chains; none of an image that has its own word. Arguments as
 * of store_said_of. Who assigned one is never left out where `standard` says it. */
STORE_MUST_USE enum store_status store_aliases_of(struct store *store, const struct site_id *image,
                                                  const char *name, const char *birth_date,
                                                  int64_t began_ms, const char *standard,
                                                  struct site_id list[SITE_IDS_MOST],
                                                  unsigned *count);
/* When the first object of a study came; STORE_NONE. */
STORE_MUST_USE enum store_status store_study_began(struct store *store, const char *study,
                                                   int64_t *began_ms);

/* The first patient that is due. */
struct site_due {
    int64_t row, turn;
    struct site_id id;
};
STORE_MUST_USE enum store_status store_next_patient(struct store *store, struct site_due *due);
/* It is done, unless something was said since. */
STORE_MUST_USE enum store_status store_patient_done(struct store *store,
                                                    const struct site_due *due);

/* A judged image or a result, and its patient and study as they stand in it. */
struct site_thing {
    bool is_result;
    int64_t id;
    char issuer[257];
    int64_t began_ms; /* of its study */
    uint8_t *attrs;   /* dx_attrs_pack */
    size_t bytes;
    char digest[DX_DIGEST_MAX]; /* of an image: report_patient_digest of attrs */
};
/* All under this Patient ID, with their attrs; *list is the caller's (site_things_free). */
STORE_MUST_USE enum store_status store_things_of(struct store *store, const char *patient_id,
                                                 struct site_thing **list, size_t *count);
void site_things_free(struct site_thing *list, size_t count);
/* One transaction. Images and results get their new attrs. The archive corrects what it has, so
 * what was sent stays as it is, and what comes of it later is under the new name; what was not yet
 * sent is cancelled, and pictures of it are made anew. A study whose report said otherwise gets an
 * amended one. News that may have gone out is, if at all, sent again as it was. */
STORE_MUST_USE enum store_status store_correct(struct store *store, const struct site_thing *things,
                                               size_t count);

/* What was last said before before_ms goes, and after a day what is of nobody. */
STORE_MUST_USE enum store_status store_patients_expire(struct store *store, int64_t now_ms,
                                                       int64_t before_ms);

/* ---- accession numbers (store_accession.c) ----
 *
 * An order that a message changes (ORC-1 XO, XX), and that is known by its filler's or placer's
 * number under another accession number, has been called anew: images and results of the old number
 * and of the message's patient get the new one, as a patient's get his new data. */
struct site_renamed {
    int64_t row, turn;
    char was[65], issuer[131], accession[65]; /* issuer: NAME&UNIVERSAL, "": not said */
    char patients[196];                       /* as of struct site_order */
};
/* What an image's accession number has become; STORE_NONE: nothing. */
STORE_MUST_USE enum store_status store_renamed_of(struct store *store, const char *accession,
                                                  const char *issuer, const char *patient_id,
                                                  struct site_renamed *renamed);
/* The first that is due; all images and results that are called so; it is done, unless something
 * was said since. */
STORE_MUST_USE enum store_status store_next_renamed(struct store *store, struct site_renamed *due);
STORE_MUST_USE enum store_status store_things_called(struct store *store,
                                                     const struct site_renamed *due,
                                                     struct site_thing **list, size_t *count);
STORE_MUST_USE enum store_status store_renamed_done(struct store *store,
                                                    const struct site_renamed *due);
STORE_MUST_USE enum store_status store_renamed_expire(struct store *store, int64_t before_ms);

#endif
