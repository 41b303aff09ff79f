/* orders.h: what the site says of its orders and patients by HL7, over MLLP. orders_run (node.h) is
 * the role; each caller has a process of its own, the hearer, which reads what it sends.
 *
 *   caller --MLLP--> hearer --struct orders_heard--> role --> job store
 *          <--ACK---        <--struct orders_answer-
 *
 * The hearer opens no file; the role reads no byte of a caller but in records of this form, in
 * which it believes nothing. A message is acknowledged (AA) when it is in the store, whole. */
#ifndef ORDERS_H
#define ORDERS_H

#include "caller.h"
#include "hl7_order.h"
#include "node.h"
#include "store_reconcile.h"
#include "store_site.h"

#define ORDERS_MOST   128 /* of a message */
#define PATIENTS_MOST 16
struct orders_heard {
    char message[DX_DIGEST_MAX]; /* of all its bytes: the same message is the same again */
    uint32_t is_of_patients;     /* 1: patient[], 0: order[] */
    uint32_t count;              /* of them, which are sent */
    union {
        struct site_order order[ORDERS_MOST];
        struct site_patient patient[PATIENTS_MOST];
    };
};
/* Bytes of a record with so many orders, and patients. */
#define ORDERS_BYTES(count)                                                                        \
    (offsetof(struct orders_heard, order) + (size_t)(count) * sizeof(struct site_order))
#define PATIENTS_BYTES(count)                                                                      \
    (offsetof(struct orders_heard, patient) + (size_t)(count) * sizeof(struct site_patient))
/* Whether it is an order, whether so many bytes are a record: texts end, numbers are in their
 * ranges, UIDs are UIDs. */
bool orders_is_order(const struct site_order *order);
bool orders_is_record(const struct orders_heard *heard, size_t bytes);

struct orders_answer {
    enum hl7_code code;
    char why[80]; /* for people at the caller; "" when accepted */
};

/* The hearer's body; role is a descriptor. Returns when either is closed, the caller keeps silent
 * for too long or makes no TLS handshake, or the node stops. */
int orders_hear(const struct conf_orders *conf, struct caller *caller, int role);

#endif
