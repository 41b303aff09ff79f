/* open_store.h: setup and teardown of tests that have the one job store of their spool open. */
#ifndef OPEN_STORE_H
#define OPEN_STORE_H

#include "scp_fixture.h"

static struct store *store;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    store = failed == 0 ? fixture_open(*state) : NULL;
    return failed;
}

static int teardown(void **state)
{
    store_close(store);
    return fixture_teardown(state);
}

#endif
