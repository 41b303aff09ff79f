/* scp_fixture.h: a spool in a folder of its own and a configuration that points to it. */
#ifndef SCP_FIXTURE_H
#define SCP_FIXTURE_H

#include "node.h"
#include "store.h"
#include "worklist/priority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURE_OK(call) assert_int_equal(call, STORE_OK)

struct fixture {
    char folder[64], spool[80], database[128];
    struct conf conf;
};
/* cmocka setup and teardown: *state is a struct fixture with a prepared spool. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
struct store *fixture_open(const struct fixture *fixture);
/* An instance with UIDs and digest made of small numbers. */
struct instance fixture_instance(int sop, int digest, int study, const char *association);
extern const struct priority_policy fixture_policy; /* ageing, delay: two hours */
/* The studies that are due: how many, and the last. */
struct fixture_due {
    int count;
    struct study last;
};
struct fixture_due fixture_due(struct store *store);
/* Writes bytes to a path below the folder. */
void fixture_write(const char *path, const char *text);
/* What the supervisor tells: of all roles but `missing`, that they run, but for `dead`; -1: none.
 */
#define FIXTURE_ROLES 4
extern const char *const fixture_role[FIXTURE_ROLES];
void fixture_roles(const struct fixture *f, int dead, int missing);
/* Removes a tree. */
void fixture_remove_tree(const char *path);

#endif
