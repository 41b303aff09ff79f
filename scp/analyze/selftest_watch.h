/* selftest_watch.h: the node's self-tests: at start (after an upgrade, too: another build or
 * model), every conf_health.selftest_seconds, and after one that failed every
 * selftest_retry_seconds.
 *
 *   UNKNOWN --passed--> FIT <--passed / failed--> UNFIT
 *
 * UNKNOWN: none came to a verdict in this process yet: objects wait. UNFIT: what is selected is not
 * processed, software failure. Trouble of the machine leaves the state as it is. */
#ifndef SELFTEST_WATCH_H
#define SELFTEST_WATCH_H

#include "examine.h"
#include "selftest.h"

enum fitness {
    FITNESS_UNKNOWN,
    FITNESS_FIT,
    FITNESS_UNFIT,
    FITNESS_BROKEN /* the zygote is gone: start the role anew */
};

struct selftest_watch;
/* examiner, with everything opened, must outlive it. NULL: no memory. */
struct selftest_watch *selftest_watch_create(struct examiner *examiner);
void selftest_watch_destroy(struct selftest_watch *watch);
/* Tests when it is time: sets examiner->unfit, enters the result into the job store, logs. */
void selftest_watch_turn(struct selftest_watch *watch);
/* The next turn tests, whatever the time: a person wants it. */
void selftest_watch_hurry(struct selftest_watch *watch);
enum fitness selftest_watch_fitness(const struct selftest_watch *watch);

#endif
