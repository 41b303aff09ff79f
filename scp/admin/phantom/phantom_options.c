#include "phantom_options.h"

#include "option.h"
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_RATE  10000
#define MOST_PAUSE 3600

const char phantom_usage[] =
    "usage: cervigate phantom --out DIR --count N --seed S [OPTIONS]\n"
    "       cervigate phantom --send PEER --rate N [--count N] [--seed S] [OPTIONS]\n"
    "\n"
    "Draws synthetic radiographs: files, one folder a class, and manifest.csv; or, with --send, "
    "plays\n"
    "the modalities of a department: one association a study, several views.\n"
    "\n"
    "  --seed S            the same seed draws the same phantoms (1)\n"
    "  --count N           how many phantoms; --send: how many studies (until it is stopped)\n"
    "  --size PX           rows and columns (704)\n"
    "  --prevalence D,F,N  parts of dislocation, fracture and normal (1,1,1); chances, or exact\n"
    "                      numbers of files when they sum to --count (530,772,707 of 2009)\n"
    "  --subject NAME      what is projected (lateral), or all: each in turn\n"
    "  --configuration C   0, or 1: other ranges of anatomy and detector, never trained on (0)\n"
    "  --headers H         of DICOM objects: honest, or careless: body part and view are missing "
    "or\n"
    "                      wrong as often as in the field (honest)\n"
    "\n"
    "files:\n"
    "  --out DIR           created when it does not exist\n"
    "  --format F          png, or dicom: DX and CR images of synthetic patients (png)\n"
    "  --twins             beside every injured phantom the same patient uninjured\n"
    "  --masks             DIR/masks: where the injury changes the image (255; 128: its box)\n"
    "  --threads N         the files are the same for any number (all processors)\n"
    "\n"
    "modalities:\n"
    "  --send PEER         a peer's name in the configuration, or AE_TITLE@HOST:PORT\n"
    "  --rate N            studies a second on average; 0: as fast as they can be drawn (1)\n"
    "  --pause S           seconds between two images of a study (random, up to a fifth of 1/N, 2 "
    "at "
    "most)\n"
    "  --modalities N      AE titles MOD1, MOD2 ... (3)\n"
    "  --config FILE       where the peer's name stands\n"
    "  --json              a JSON object a study and one at the end, instead of lines\n"
    "\n"
    "Subjects:";

static bool whole(const char *name, long low, long high, long *to)
{
    return option_whole("phantom", name, optarg, low, high, to);
}

static bool take_prevalence(const char *text, double to[3], long parts[3])
{
    const char *at = text;
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        char *end;
        to[i] = strtod(at, &end);
        bool separated = *end == (i < 2 ? ',' : '\0');
        if (end == at || !separated || !(to[i] >= 0 && to[i] <= 1e6)) {
            fprintf(stderr, "cervigate phantom: --prevalence %s: D,F,N is expected\n", text);
            return false;
        }
        sum += to[i];
        parts[i] = to[i] >= (double)(long)to[i] && to[i] <= (double)(long)to[i] ? (long)to[i] : -1;
        at = end + 1;
    }
    if (!(sum > 0)) {
        fprintf(stderr, "cervigate phantom: --prevalence %s: all parts are 0\n", text);
        return false;
    }
    for (int i = 0; i < 3; i++)
        to[i] /= sum;
    return true;
}

/* One of two words; *to: it is the second. */
static bool take_word(const char *name, const char *first, const char *second, bool *to)
{
    const char *const words[] = {first, second, NULL};
    int chosen;

    if (!option_word("phantom", name, optarg, words, &chosen))
        return false;
    *to = chosen == 1;
    return true;
}

static bool take_subject(const char *text, int *to)
{
    *to = PHANTOM_ALL;
    if (strcmp(text, "all") == 0)
        return true;
    for (int s = 0; s < NN_PHANTOM_SUBJECTS; s++) {
        if (strcmp(text, nn_phantom_subject_name((enum nn_phantom_subject)s)) == 0) {
            *to = s;
            return true;
        }
    }
    fprintf(stderr, "cervigate phantom: --subject %s: there is no such subject; there are: all",
            text);
    for (int s = 0; s < NN_PHANTOM_SUBJECTS; s++)
        fprintf(stderr, " %s", nn_phantom_subject_name((enum nn_phantom_subject)s));
    fputc('\n', stderr);
    return false;
}

/* What only files, and what only modalities have. */
#define FILES_ONLY "ftmT"
#define SEND_ONLY  "rPMcj"

static bool take_number(struct phantom_options *o, int option)
{
    long configuration;

    switch (option) {
    case 'n':
        return whole("count", 1, 100000000, &o->count);
    case 's':
        return whole("seed", 0, LONG_MAX, &o->seed);
    case 'z':
        return whole("size", 64, 4096, &o->size);
    case 'T':
        return whole("threads", 1, 256, &o->threads);
    case 'M':
        return whole("modalities", 1, 64, &o->modalities);
    case 'g':
        if (!whole("configuration", 0, 1, &configuration))
            return false;
        o->configuration = (int)configuration;
        return true;
    default:
        return false;
    }
}

static bool take_option(struct phantom_options *o, int option)
{
    bool second;

    switch (option) {
    case 'o':
        o->out = optarg;
        return true;
    case 'S':
        o->send = optarg;
        return true;
    case 'c':
        o->config = optarg;
        return true;
    case 'p':
        return take_prevalence(optarg, o->prevalence, o->parts);
    case 'r':
        return option_real("phantom", "rate", optarg, 0, MOST_RATE, &o->rate);
    case 'P':
        return option_real("phantom", "pause", optarg, 0, MOST_PAUSE, &o->pause);
    case 'f':
        if (!take_word("format", "png", "dicom", &second))
            return false;
        o->format = second ? PHANTOM_DICOM : PHANTOM_PNG;
        return true;
    case 'e':
        return take_word("headers", "honest", "careless", &o->careless);
    case 'b':
        return take_subject(optarg, &o->subject);
    case 't':
        return o->twins = true;
    case 'm':
        return o->masks = true;
    case 'j':
        return o->json = true;
    case 'h':
        return o->help = true;
    default:
        return take_number(o, option);
    }
}

static bool agree(const struct phantom_options *o, int words, const char *used)
{
    const char *wrong = NULL;

    if (words > 0)
        wrong = "an argument too many";
    else if (!o->out == !o->send)
        wrong = "one of --out and --send is needed";
    else if (o->out && o->count == 0)
        wrong = "--out and --count are needed";
    else if (o->out && strpbrk(used, SEND_ONLY))
        wrong = "--rate, --pause, --modalities, --config and --json are for --send";
    else if (o->send && strpbrk(used, FILES_ONLY))
        wrong = "--format, --twins, --masks and --threads are for --out";
    else if (o->out && strlen(o->out) >= PATH_MAX - 128)
        wrong = "the path is too long";
    if (wrong)
        fprintf(stderr, "cervigate phantom: %s\n", wrong);
    return !wrong;
}

bool phantom_options_parse(int argc, char **argv, struct phantom_options *o)
{
    static const struct option long_options[] = {{"out", required_argument, NULL, 'o'},
                                                 {"send", required_argument, NULL, 'S'},
                                                 {"config", required_argument, NULL, 'c'},
                                                 {"count", required_argument, NULL, 'n'},
                                                 {"seed", required_argument, NULL, 's'},
                                                 {"size", required_argument, NULL, 'z'},
                                                 {"prevalence", required_argument, NULL, 'p'},
                                                 {"format", required_argument, NULL, 'f'},
                                                 {"headers", required_argument, NULL, 'e'},
                                                 {"subject", required_argument, NULL, 'b'},
                                                 {"configuration", required_argument, NULL, 'g'},
                                                 {"threads", required_argument, NULL, 'T'},
                                                 {"rate", required_argument, NULL, 'r'},
                                                 {"pause", required_argument, NULL, 'P'},
                                                 {"modalities", required_argument, NULL, 'M'},
                                                 {"twins", no_argument, NULL, 't'},
                                                 {"masks", no_argument, NULL, 'm'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    char used[32] = "";
    size_t uses = 0;
    int option;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *o = (struct phantom_options){.seed = 1,
                                  .size = 704,
                                  .threads = processors < 1    ? 1
                                             : processors > 64 ? 64
                                                               : processors,
                                  .modalities = 3,
                                  .rate = 1,
                                  .pause = -1,
                                  .subject = PHANTOM_MIX,
                                  .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (!take_option(o, option))
            return false;
        if (uses + 1 < sizeof used && !strchr(used, option))
            used[uses++] = (char)option;
    }
    return o->help || agree(o, argc - optind, used);
}

struct nn_phantom_settings phantom_options_settings(const struct phantom_options *o, uint64_t index)
{
    struct nn_phantom_settings settings = {.seed = (uint64_t)o->seed,
                                           .rows = (int)o->size,
                                           .cols = (int)o->size,
                                           .configuration = o->configuration};

    memcpy(settings.prevalence, o->prevalence, sizeof settings.prevalence);
    if (o->subject == PHANTOM_ALL)
        settings.subject = (enum nn_phantom_subject)(index % NN_PHANTOM_SUBJECTS);
    else if (o->subject != PHANTOM_MIX)
        settings.subject = (enum nn_phantom_subject)o->subject;
    return settings;
}
