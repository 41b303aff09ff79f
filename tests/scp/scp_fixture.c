#include "scp_fixture.h"

#include "spool.h"
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

const struct priority_policy fixture_policy = {.ageing_seconds = 7200, .delay_seconds = 7200};

static int remove_one(const char *path, const struct stat *at, int kind, struct FTW *where)
{
    (void)at;
    (void)kind;
    (void)where;
    return remove(path);
}

void fixture_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int fixture_setup(void **state)
{
    char bad[PATH_MAX] = "";
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/cervigate-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->spool, sizeof fixture->spool, "%s/spool", fixture->folder);
    snprintf(fixture->database, sizeof fixture->database, "%s/jobs.sqlite", fixture->spool);
    fixture->conf =
        (struct conf){.spool = fixture->spool,
                      .model = "",
                      .path = "test",
                      .limits = {.quarantine_objects = 1000, .quarantine_bytes = 1 << 30},
                      .ae_title = "CERVIGATE",
                      .audit = {.keep_days = 2190, .file_bytes = 16777216}};
    assert_int_equal(spool_prepare(&fixture->conf, bad, sizeof bad), 0);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture_remove_tree(fixture->folder);
    free(fixture);
    return 0;
}

struct store *fixture_open(const struct fixture *fixture)
{
    char error[256] = "";
    struct store *store = NULL;
    if (store_open(fixture->database, &store, error, sizeof error) != STORE_OK)
        fail_msg("%s", error);
    return store;
}

struct instance fixture_instance(int sop, int digest, int study, const char *association)
{
    struct instance in = {.bytes = 512, .received_ms = 1000 + sop};
    snprintf(in.sop_class, sizeof in.sop_class, "1.2.840.10008.5.1.4.1.1.1.1");
    snprintf(in.sop_instance, sizeof in.sop_instance, "1.2.3.%d", sop);
    if (study >= 0)
        snprintf(in.study, sizeof in.study, "1.2.4.%d", study);
    snprintf(in.series, sizeof in.series, "1.2.5.%d", study);
    snprintf(in.transfer_syntax, sizeof in.transfer_syntax, "1.2.840.10008.1.2.1");
    snprintf(in.digest, sizeof in.digest, "%064x", (unsigned)digest);
    snprintf(in.path, sizeof in.path, "objects/00/%s.dcm", in.digest);
    snprintf(in.calling, sizeof in.calling, "MODALITY");
    snprintf(in.called, sizeof in.called, "CERVIGATE");
    snprintf(in.address, sizeof in.address, "127.0.0.1");
    snprintf(in.association, sizeof in.association, "%s", association);
    return in;
}

void fixture_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool see(void *context, const struct study *study)
{
    struct fixture_due *due = context;
    due->count++;
    due->last = *study;
    return true;
}

struct fixture_due fixture_due(struct store *store)
{
    struct fixture_due due = {.count = 0};
    FIXTURE_OK(store_studies_due(store, see, &due));
    return due;
}

const char *const fixture_role[FIXTURE_ROLES] = {"receive", "analyze", "deliver", "audit"};

void fixture_roles(const struct fixture *f, int dead, int missing)
{
    char path[160], text[512];
    int used = snprintf(text, sizeof text, "pid=%d\n", (int)getpid());
    for (int i = 0; i < FIXTURE_ROLES; i++)
        if (i != missing)
            used += snprintf(text + used, sizeof text - (size_t)used,
                             "%s_pid=%d\n%s_since=1\n%s_died=0\n", fixture_role[i],
                             i == dead ? 0 : (int)getpid(), fixture_role[i], fixture_role[i]);
    snprintf(path, sizeof path, "%s/run/node", f->spool);
    fixture_write(path, text);
}
