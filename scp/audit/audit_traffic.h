/* audit_traffic.h: what came and went, one record an association and study, and who was refused.
 *
 * The committer and deliver each have one: they tell it what happens, and let it write when
 * everybody has had their answer [audit_traffic_turn]; who asks next waits for that, one sync for
 * all that a turn tells. A transfer is told when it begins and when it ends; what dies with its
 * process between is told by the next one, from the job store [audit_traffic_cut]. Refusals of one
 * kind are one record a minute with their count, and all together AUDIT_REFUSALS a second at most,
 * so that a flood of them is none of records. Not for threads. */
#ifndef AUDIT_TRAFFIC_H
#define AUDIT_TRAFFIC_H

#include "store.h"

struct conf;
struct conf_destination;
struct audit_traffic;

#define AUDIT_REFUSALS 2

struct audit_traffic *audit_traffic_create(const struct conf *conf); /* NULL: no memory */
void audit_traffic_destroy(struct audit_traffic *traffic); /* takes NULL; writes the rest */

/* An object was received and is durable; patient, accession: its Patient ID and Accession Number,
 * raw. */
void audit_traffic_received(struct audit_traffic *traffic, const struct instance *instance,
                            const char *patient, const char *accession);
void audit_traffic_ended(struct audit_traffic *traffic, const char *association);
/* What an association brought, of one study and SOP class, whose record died with the process that
 * received it: the first object, and how many. It has begun (perhaps told already) and ended. */
void audit_traffic_cut(struct audit_traffic *traffic, const struct instance *first,
                       unsigned instances, const char *patient);
/* Deliveries were handed to a destination's process; the store tells whose they are. */
void audit_traffic_sending(struct audit_traffic *traffic, struct store *store,
                           const struct conf_destination *to, const struct delivery *list,
                           size_t count);
/* One of them is there; the store (NULL: closed) tells what it was made of. */
void audit_traffic_sent(struct audit_traffic *traffic, const struct conf_destination *to,
                        struct store *store, const struct result *result);
/* The batch is over. */
void audit_traffic_batch_ended(struct audit_traffic *traffic, const struct conf_destination *to);

/* An association was refused, or never came about. calling, called: as far as known, else "". */
void audit_traffic_refused(struct audit_traffic *traffic, const char *address, const char *calling,
                           const char *called, const char *why, unsigned count);

/* Writes what is to be told. */
void audit_traffic_turn(struct audit_traffic *traffic);
/* Milliseconds until there is something to write by itself; -1: nothing. */
int audit_traffic_wait(const struct audit_traffic *traffic);

#endif
