/* What a committer that died left open. */
#include "committer_earlier.h"

#include "node.h"
#include "seen.h"
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct earlier_brought {
    struct instance first;
    unsigned instances;
};

static void keep(void *context, const struct instance *first, unsigned instances)
{
    struct earlier *e = context;
    struct earlier_brought *more = reallocarray(e->brought, e->count + 1, sizeof *more);
    if (more == NULL)
        return;
    e->brought = more;
    e->brought[e->count++] = (struct earlier_brought){*first, instances};
}

static void forget(struct earlier *e)
{
    free(e->brought);
    e->brought = NULL;
    e->count = 0;
}

enum store_status earlier_end(struct earlier *e, const struct conf *conf, struct store *store,
                              const char *const *own, size_t count)
{
    if (e->lock_fd < 0) {
        char path[PATH_MAX];
        node_path(conf, path, sizeof path, "run/committer.lock");
        e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    if (e->lock_fd < 0 || flock(e->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return STORE_OK;
    forget(e);
    enum store_status status = store_association_others(store, own, count, keep, e);
    if (status == STORE_OK)
        status = store_association_end_others(store, own, count);
    e->cleared = status == STORE_OK;
    crash_point("commit-cleared");
    return status;
}

void earlier_tell(struct earlier *e, struct audit_traffic *traffic)
{
    for (size_t i = 0; i < e->count; i++) {
        struct dx_attrs *seen = seen_recall(&e->brought[i].first);
        audit_traffic_cut(traffic, &e->brought[i].first, e->brought[i].instances,
                          seen != NULL ? dx_attrs_text(seen, DX_TAG(0x0010, 0x0020)) : "");
        dx_attrs_destroy(seen);
    }
    for (size_t i = 0; i < e->count; i++)
        audit_traffic_ended(traffic, e->brought[i].first.association);
    forget(e);
}

void earlier_finish(struct earlier *e)
{
    forget(e);
    if (e->lock_fd >= 0)
        (void)close(e->lock_fd);
}
