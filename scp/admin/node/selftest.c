/* selftest.c: `cervigate selftest`: the locked inputs, here and now, in a process of its own. */
#include "selftest.h"
#include "admin.h"
#include "command.h"
#include "dx_init.h"
#include "predict.h"
#include "spool.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate selftest [--config FILE] [--lock] [--json]\n"
    "       cervigate selftest --model DIR [--lock] [--json]\n"
    "\n"
    "Draws a few synthetic radiographs that are the same everywhere, and takes them the node's "
    "own\n"
    "way: DICOM in several transfer syntaxes, object child, gate, network, report, picture. What\n"
    "comes out must be what was locked: to the bit on the same kernel set, within 1e-4 on "
    "another.\n"
    "The node does the same by itself, at start and daily, and processes nothing while it fails;\n"
    "docs/health.md tells how to look further.\n"
    "\n"
    "  --lock         keeps what comes out now as what is known of each model: of the\n"
    "                 configuration's, in SPOOL/selftest, which stands above the model's own "
    "file;\n"
    "                 of --model, in DIR/selftest.json\n"
    "  --model DIR    this model folder alone, without a configuration\n"
    "  --json         one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 passed, or locked; 1 failed; 64 usage; 65 a model folder is wrong; 66 it is\n"
    "missing; 73 the lock cannot be written; 74 no verdict: the machine lacks something; 78 bad\n"
    "configuration.\n";

struct options {
    const char *config, *model;
    bool lock, json;
};

struct bench {
    struct options o;
    struct conf *conf; /* NULL: --model */
    struct nn_pool *pool;
    struct object_limits limits;
    struct srt_template *template_;
    char scratch[64], site[4096];
    struct selftest_with with;
};

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"model", required_argument, NULL, 'm'},
        {"lock", no_argument, NULL, 'l'},         {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.config = NULL};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return -1;
        }
        if (option == 'c')
            o->config = optarg;
        else if (option == 'm')
            o->model = optarg;
        else if (option == 'l')
            o->lock = true;
        else if (option == 'j')
            o->json = true;
        else
            return command_misused(usage, "an option is not known here");
    }
    if (optind < argc)
        return command_misused(usage, "an argument too many");
    if (o->config && o->model)
        return command_misused(usage, "--config and --model exclude each other");
    return 0;
}

/* ---- opened ---- */

static int open_model(struct bench *b, int m, const char *folder)
{
    struct nn_error err = {0};
    b->with.folder[m] = folder;
    if (nn_model_open(folder, &b->with.model[m], &err) != NN_OK) {
        fprintf(stderr, "cervigate selftest: model %s: %s\n", folder, err.text);
        return err.status == NN_MISSING || err.status == NN_IO ? EX_NOINPUT : EX_DATAERR;
    }
    b->with.models = m + 1;
    if (nn_judge_create(b->with.model[m], b->pool, &b->with.judge[m], &err) == NN_OK)
        return 0;
    fprintf(stderr, "cervigate selftest: model %s: %s\n", folder, err.text);
    return EX_IOERR;
}

static int open_rest(struct bench *b)
{
    struct srt_error why = {0};
    const char *dir = getenv("TMPDIR");
    if (srt_template_open(b->conf ? b->conf->templates : NULL, b->conf ? b->conf->language : "en",
                          &b->template_, &why) != SRT_OK) {
        fprintf(stderr, "cervigate selftest: report template: %s\n", why.text);
        return EX_CONFIG;
    }
    b->with.template_ = b->template_;
    if (picture_face_open(NULL, &b->with.face) != PICTURE_OK) {
        fprintf(stderr, "cervigate selftest: font %s is missing or unreadable\n",
                picture_font_path());
        return EX_CONFIG;
    }
    if (snprintf(b->scratch, sizeof b->scratch, "%s/cervigate-selftest-XXXXXX",
                 dir && strlen(dir) < 32 ? dir : "/tmp") < 0 ||
        !mkdtemp(b->scratch)) {
        fprintf(stderr, "cervigate selftest: %s: %s\n", b->scratch, strerror(errno));
        b->scratch[0] = '\0';
        return EX_CANTCREAT;
    }
    b->with.scratch = b->scratch;
    return 0;
}

/* The zygote first: before any thread. */
static int open_all(struct bench *b)
{
    int status = 0;
    struct dx_error err = {0};
    if (!b->o.model && !(b->conf = admin_conf(b->o.config, &status)))
        return status;
    struct conf_limits defaults = {
        .object_memory_bytes = 2ull << 30, .object_cpu_seconds = 60, .object_wall_seconds = 120};
    object_limits_of(b->conf ? &b->conf->limits : &defaults, &b->limits);
    dx_limits_default(&b->limits.dx);
    b->with.limits = &b->limits;
    if (dx_init(NULL, NULL, &err) != DX_OK || !(b->with.zygote = zygote_start())) {
        fprintf(stderr, "cervigate selftest: %s\n", err.text[0] ? err.text : strerror(errno));
        return EX_IOERR;
    }
    b->pool = nn_pool_create(b->conf && b->conf->threads > 0 ? b->conf->threads : 1);
    if (!b->pool)
        return EX_IOERR;
    if (b->conf) {
        node_path(b->conf, b->site, sizeof b->site, "selftest");
        b->with.site = b->site;
    }
    for (int m = 0; status == 0 && m < (b->conf ? (int)b->conf->model_count : 1); m++)
        status = open_model(b, m, b->conf ? b->conf->models[m] : b->o.model);
    return status != 0 ? status : open_rest(b);
}

static void close_all(struct bench *b)
{
    if (b->scratch[0])
        (void)rmdir(b->scratch);
    picture_face_close(b->with.face);
    srt_template_close(b->template_);
    for (int m = 0; m < b->with.models; m++)
        nn_judge_destroy(b->with.judge[m]);
    nn_pool_destroy(b->pool);
    for (int m = 0; m < b->with.models; m++)
        nn_model_close(b->with.model[m]);
    if (b->with.zygote)
        zygote_stop(b->with.zygote);
    conf_destroy(b->conf);
}

/* ---- told ---- */

static const char *const marks[] = {
    [SELFTEST_GOOD] = "good", [SELFTEST_BAD] = "bad", [SELFTEST_NOT_COMPARED] = "not-compared"};
static const char *const ends[] = {
    [SELFTEST_PASSED] = "passed", [SELFTEST_FAILED] = "failed", [SELFTEST_UNDONE] = "undone"};

static int print_json(const struct bench *b, const struct selftest *s)
{
    json_t *steps = json_array(), *models = json_array();
    for (int i = 0; i < s->steps; i++)
        (void)json_array_append_new(steps,
                                    json_pack("{s:s, s:s, s:s, s:s}", "step", s->step[i].name,
                                              "subject", s->step[i].subject, "result",
                                              marks[s->step[i].mark], "detail", s->step[i].detail));
    for (int m = 0; m < b->with.models; m++)
        (void)json_array_append_new(models, json_pack("{s:s, s:s}", "folder", b->with.folder[m],
                                                      "digest", s->seen[m].model));
    return command_print(json_pack(
        "{s:s, s:s, s:b, s:i, s:s, s:s, s:I, s:o, s:o}", "end", ends[s->end], "trouble", s->trouble,
        "locked_now", b->o.lock && s->end == SELFTEST_PASSED, "unlocked_models", s->unlocked,
        "kernels", s->seen[0].kernels, "build", s->seen[0].build, "milliseconds",
        (json_int_t)s->milliseconds, "models", models, "steps", steps));
}

static void print_text(const struct selftest *s)
{
    for (int i = 0; i < s->steps; i++)
        printf("%-12s  %-8s %-28s  %s\n", marks[s->step[i].mark], s->step[i].name,
               s->step[i].subject, s->step[i].detail);
    printf("%s in %lld ms on %s, build %.16s%s%s\n", ends[s->end], (long long)s->milliseconds,
           s->seen[0].kernels, s->seen[0].build, s->trouble[0] ? ": " : "", s->trouble);
}

static int keep(const struct bench *b, const struct selftest *s)
{
    char path[8192];
    if (b->conf && mkdir(b->site, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "cervigate selftest: %s: %s\n", b->site, strerror(errno));
        return EX_CANTCREAT;
    }
    for (int m = 0; m < b->with.models; m++) {
        if (b->conf)
            (void)snprintf(path, sizeof path, "%s/%s.json", b->site, s->seen[m].model);
        else
            (void)snprintf(path, sizeof path, "%s/" SELFTEST_FILE, b->o.model);
        char *text = selftest_known_print(&s->seen[m]);
        int failed = text ? spool_write_whole(path, text) : -ENOMEM;
        free(text);
        if (failed == 0 && !b->conf && chmod(path, 0644) != 0) /* as the model's other files */
            failed = -errno;
        if (failed != 0) {
            fprintf(stderr, "cervigate selftest: %s: %s\n", path, strerror(-failed));
            return EX_CANTCREAT;
        }
        if (!b->o.json)
            printf("locked        %s\n", path);
    }
    return 0;
}

int admin_selftest(int argc, char **argv)
{
    static struct selftest s;
    struct bench b = {.conf = NULL};
    int status = parse(argc, argv, &b.o);
    if (status != 0)
        return status < 0 ? 0 : status;
    status = open_all(&b);
    if (status == 0) {
        b.with.locking = b.o.lock;
        selftest_run(&b.with, &s);
        status = s.end == SELFTEST_PASSED ? 0 : s.end == SELFTEST_FAILED ? 1 : EX_IOERR;
        if (status == 0 && b.o.lock)
            status = keep(&b, &s);
        int printed = 0;
        if (b.o.json)
            printed = print_json(&b, &s);
        else
            print_text(&s);
        status = status != 0 ? status : printed;
    }
    close_all(&b);
    return status;
}
