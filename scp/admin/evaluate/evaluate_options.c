#include "evaluate.h"
#include "option.h"
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

const char evaluate_usage[] =
    "usage: cervigate evaluate --model DIR --data DIR|CSV [OPTIONS]\n"
    "       cervigate evaluate --model DIR --data DIR|CSV --protocol FILE --lock\n"
    "                          --sensitivity L --specificity L\n"
    "       cervigate evaluate --plan [--sensitivity L] [--specificity L] [--expect S,S] [--power "
    "P]\n"
    "\n"
    "  --model DIR         the model folder; its split.csv says what it was trained on\n"
    "  --data DIR|CSV      one folder a class, or a CSV: file, class, patient, study, station,\n"
    "                      age, sex, view, level, type, x0, y0, x1, y1, part\n"
    "  --part P            test, validation or all (test)\n"
    "  --protocol FILE     what was decided before the test part was opened; refused when model,\n"
    "                      data or FILE have changed since\n"
    "  --lock              writes --protocol FILE from the validation part; opens no test image\n"
    "  --as-is             operating points and temperature are those of model.xml, which the "
    "node\n"
    "                      obeys: none is chosen\n"
    "  --sensitivity L     lower limit to be shown for any injury per study (0 to 1)\n"
    "  --specificity L     the same for the uninjured\n"
    "  --plan              prints the sample sizes that such limits need\n"
    "  --expect S,S        --plan: true sensitivity, specificity (0.95,0.90); --power P (0.8)\n"
    "  --readers CSV       file or case, reader, answer: the model beside human readers\n"
    "  --against DIR       a second model on the same images\n"
    "  --report DIR        writes DIR/index.html, one page with everything in it\n"
    "  --scores CSV        writes every image's scores\n"
    "  --provenance P      clinical: the images are of patients (synthetic)\n"
    "  --daily N           studies a day at the site (50)\n"
    "  --maps N            images whose explanation is checked (50; 0: none)\n"
    "  --draws N           bootstrap draws (2000; 0: none); --seed S (1)\n"
    "  --threads N         of the network (all processors)\n"
    "  --json              one object instead of tables\n"
    "\n"
    "Exit status: 0 done; 1 done, a limit of the protocol was not shown; 64 usage; 65 bad data, "
    "or\n"
    "not what the protocol locked; 66 missing input; 73 cannot write.\n";

static bool number(const char *option, const char *text, double low, double high, double *to)
{
    return option_real("evaluate", option, text, low, high, to);
}

static bool whole(const char *option, const char *text, long low, long high, long *to)
{
    return option_whole("evaluate", option, text, low, high, to);
}

static bool take_part(const char *text, enum evaluate_part *part)
{
    static const char *const names[] = {"test", "validation", "all", NULL};
    int chosen;
    if (!option_word("evaluate", "part", text, names, &chosen))
        return false;
    *part = (enum evaluate_part)chosen;
    return true;
}

static bool take_expected(char *text, struct evaluate_options *o)
{
    char *comma = strchr(text, ',');
    if (!comma) {
        fprintf(stderr, "cervigate evaluate: --expect %s: two numbers are expected: 0.95,0.90\n",
                text);
        return false;
    }
    *comma = '\0';
    bool fine = number("expect", text, 0.01, 1, &o->expected_sensitivity) &&
                number("expect", comma + 1, 0.01, 1, &o->expected_specificity);
    *comma = ',';
    return fine;
}

static bool take_provenance(const char *text, struct evaluate_options *o)
{
    static const char *const names[] = {"synthetic", "clinical", NULL};
    int chosen;
    o->provenance = text;
    return option_word("evaluate", "provenance", text, names, &chosen);
}

static bool take_draws(struct evaluate_options *o)
{
    long value;
    if (!whole("draws", optarg, 0, NN_DRAWS_MAX, &value))
        return false;
    if (value > 0 && value < 100) {
        fprintf(stderr, "cervigate evaluate: --draws %ld: 0, or at least 100\n", value);
        return false;
    }
    o->draws = (int)value;
    o->draws_given = true;
    return true;
}

static bool take_number(struct evaluate_options *o, int option)
{
    long value;
    switch (option) {
    case 'n':
        if (!whole("threads", optarg, 1, 1024, &value))
            return false;
        o->threads = (int)value;
        return true;
    case 'M':
        if (!whole("maps", optarg, 0, 1000000, &value))
            return false;
        o->maps = (int)value;
        return true;
    case 'e':
        if (!whole("seed", optarg, 0, LONG_MAX, &value))
            return false;
        o->seed = (uint64_t)value;
        o->seed_given = true;
        return true;
    case 'b':
        return take_draws(o);
    case 'd':
        return number("daily", optarg, 0.001, 1e6, &o->daily);
    case 'S':
        return number("sensitivity", optarg, 0.01, 0.999999, &o->sensitivity);
    case 'C':
        return number("specificity", optarg, 0.01, 0.999999, &o->specificity);
    case 'w':
        return number("power", optarg, 0.5, 0.999, &o->power);
    default:
        return false;
    }
}

static bool take(struct evaluate_options *o, int option)
{
    switch (option) {
    case 'm':
        return (o->model = optarg) != NULL;
    case 'D':
        return (o->data = optarg) != NULL;
    case 'p':
        return (o->protocol = optarg) != NULL;
    case 'r':
        return (o->readers = optarg) != NULL;
    case 'R':
        return (o->report = optarg) != NULL;
    case 'a':
        return (o->against = optarg) != NULL;
    case 's':
        return (o->scores = optarg) != NULL;
    case 'v':
        return take_provenance(optarg, o);
    case 'P':
        return take_part(optarg, &o->part);
    case 'E':
        return take_expected(optarg, o);
    case 'L':
        return o->lock = true;
    case 'i':
        return o->as_is = true;
    case 'l':
        return o->plan = true;
    case 'j':
        return o->json = true;
    case 'h':
        return o->help = true;
    default:
        return take_number(o, option);
    }
}

static const struct option long_options[] = {{"model", required_argument, NULL, 'm'},
                                             {"data", required_argument, NULL, 'D'},
                                             {"protocol", required_argument, NULL, 'p'},
                                             {"readers", required_argument, NULL, 'r'},
                                             {"report", required_argument, NULL, 'R'},
                                             {"against", required_argument, NULL, 'a'},
                                             {"scores", required_argument, NULL, 's'},
                                             {"provenance", required_argument, NULL, 'v'},
                                             {"part", required_argument, NULL, 'P'},
                                             {"expect", required_argument, NULL, 'E'},
                                             {"power", required_argument, NULL, 'w'},
                                             {"lock", no_argument, NULL, 'L'},
                                             {"as-is", no_argument, NULL, 'i'},
                                             {"plan", no_argument, NULL, 'l'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"threads", required_argument, NULL, 'n'},
                                             {"maps", required_argument, NULL, 'M'},
                                             {"draws", required_argument, NULL, 'b'},
                                             {"seed", required_argument, NULL, 'e'},
                                             {"daily", required_argument, NULL, 'd'},
                                             {"sensitivity", required_argument, NULL, 'S'},
                                             {"specificity", required_argument, NULL, 'C'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

/* What one option says about another. NULL: fine. */
static const char *contradiction(const struct evaluate_options *o, int left)
{
    if (left > 0)
        return "an argument too many";
    if (o->plan)
        return NULL;
    if (!o->model || !o->data)
        return "--model and --data are needed";
    if (o->lock && !o->protocol)
        return "--lock needs --protocol FILE";
    if (o->as_is && o->protocol && !o->lock)
        return "--as-is is decided with --lock: the protocol says it already";
    if (o->lock && (!isfinite(o->sensitivity) || !isfinite(o->specificity)))
        return "--lock needs --sensitivity and --specificity: the limits that are to be shown";
    if (o->lock && (o->report || o->scores || o->readers || o->against || o->json))
        return "--lock only writes the protocol: no --report, --scores, --readers, --against, "
               "--json";
    if (o->protocol && o->part != EVALUATE_TEST)
        return "--protocol is about the test part: no --part";
    return NULL;
}

static void keep_command(int argc, char **argv, struct evaluate_options *o)
{
    size_t used = (size_t)snprintf(o->command, sizeof o->command, "cervigate evaluate");
    for (int i = 1; i < argc && used < sizeof o->command; i++)
        used += (size_t)snprintf(o->command + used, sizeof o->command - used, " %s", argv[i]);
}

int evaluate_options_parse(int argc, char **argv, struct evaluate_options *o)
{
    int option;
    *o = (struct evaluate_options){.model = getenv("CERVIGATE_MODEL"),
                                   .maps = 50,
                                   .draws = 2000,
                                   .seed = 1,
                                   .daily = 50,
                                   .sensitivity = NAN,
                                   .specificity = NAN,
                                   .expected_sensitivity = 0.95,
                                   .expected_specificity = 0.90,
                                   .power = 0.8,
                                   .level = 0.95};
    keep_command(argc, argv, o);
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (!take(o, option)) {
            fputs(evaluate_usage, stderr);
            return EX_USAGE;
        }
    }
    const char *wrong = o->help ? NULL : contradiction(o, argc - optind);
    if (!wrong)
        return 0;
    fprintf(stderr, "cervigate evaluate: %s\n%s", wrong, evaluate_usage);
    return EX_USAGE;
}
