#include "option.h"
#include "simulate.h"
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDIES_MOST 20000000 /* of days and studies a day: some 2 GB */

const char simulate_usage[] =
    "usage: cervigate simulate [OPTIONS]\n"
    "\n"
    "A reading room by chance: how long injured necks, those that the network misses, and all the\n"
    "others wait: first come, first served; every trauma neck first; and by this node's priority.\n"
    "\n"
    "  --seed S            the same seed, the same room (1)\n"
    "  --days N            that are counted, after two that are not (365)\n"
    "  --readers LIST      at work by the hour (0-8:1,8-18:2,18-24:1); a number alone: always\n"
    "  --necks N           trauma necks a day (20)\n"
    "  --others N          the department's other studies a day (300)\n"
    "  --arrivals W        day: few at night, most by day; or flat (day)\n"
    "  --reading MINUTES   to read a study, on average (5)\n"
    "  --service W         reading times: lognormal, exponential or fixed (lognormal)\n"
    "  --stat PERCENT      of all studies are ordered STAT, and come first anyhow (5)\n"
    "  --neck-order W      triage: what necks are ordered as, routine or high (routine)\n"
    "  --prevalence P,...  percent of trauma necks that are injured (0.5,2,5)\n"
    "  --sensitivity S,... of the network (0.3,0.5,0.7,0.8,0.9,0.95)\n"
    "  --specificity S     of the network (0.9)\n"
    "  --answer SECONDS    from a neck's arrival to the network's answer (10)\n"
    "  --ageing MINUTES    the node's <priority ageing>, 0 to 100000 (1440)\n"
    "  --delay MINUTES     the node's <priority delay>, 0 to 100000 (480)\n"
    "  --reader S          sensitivity of the reader without the network (0.95)\n"
    "  --trust T,...       reader bias, assumed: who trusts the network by T finds T less of what\n"
    "                      it missed, misses T less of what it found, and takes T less time over\n"
    "                      necks without a finding (0,0.1,0.3,0.5)\n"
    "  --plot FILE.svg     draws the waits\n"
    "  --json              one object instead of tables\n"
    "\n"
    "Exit status: 0 done; 64 usage; 73 cannot write.\n";

static bool number(const char *option, const char *text, double low, double high, double *to)
{
    return option_real("simulate", option, text, low, high, to);
}

static bool whole(const char *option, const char *text, long low, long high, long *to)
{
    return option_whole("simulate", option, text, low, high, to);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers from 0 to most, each divided by it; the smallest first. */
static bool list(const char *name, const char *text, double most, struct simulate_list *to)
{
    const char *at = text;
    *to = (struct simulate_list){.count = 0};
    for (;;) {
        char *end;
        double value = strtod(at, &end);
        if (end == at || (*end != ',' && *end != '\0') || !(value >= 0 && value <= most) ||
            to->count == SIMULATE_LIST) {
            fprintf(stderr,
                    "cervigate simulate: --%s %s: at most %d numbers from 0 to %g, with commas "
                    "between them, are expected\n",
                    name, text, SIMULATE_LIST, most);
            return false;
        }
        to->value[to->count++] = value / most;
        if (*end == '\0')
            break;
        at = end + 1;
    }
    qsort(to->value, to->count, sizeof *to->value, by_size);
    return true;
}

static bool word(const char *name, const char *const *words, int *to)
{
    return option_word("simulate", name, optarg, words, to);
}

/* "8-18:2,...", hours that are not named have no readers; or "3". */
static bool take_readers(const char *text, int readers[24])
{
    const char *at = text;
    bool taken[24] = {false};
    memset(readers, 0, 24 * sizeof *readers);
    for (;;) {
        int from = 0, to = 24, count, used = 0;
        if (sscanf(at, "%2d-%2d:%2d%n", &from, &to, &count, &used) != 3 || used == 0) {
            from = 0;
            to = 24;
            if (at != text || sscanf(at, "%2d%n", &count, &used) != 1)
                break;
        }
        at += used;
        if ((*at != ',' && *at != '\0') || from < 0 || from >= to || to > 24 || count < 0 ||
            count > SIMULATE_READERS)
            break;
        for (int hour = from; hour < to; hour++) {
            if (taken[hour])
                goto wrong;
            taken[hour] = true;
            readers[hour] = count;
        }
        if (*at++ == '\0')
            return true;
    }
wrong:
    fprintf(stderr,
            "cervigate simulate: --readers %s: hours and readers (0 to %d), like "
            "0-8:1,8-18:2,18-24:1, or a number are expected\n",
            text, SIMULATE_READERS);
    return false;
}

static bool take_number(struct simulate_options *o, int option)
{
    switch (option) {
    case 's':
        return whole("seed", optarg, 0, LONG_MAX, &o->seed);
    case 'd':
        return whole("days", optarg, 1, 100000, &o->days);
    case 'n':
        return whole("necks", optarg, 1, 100000, &o->necks);
    case 'o':
        return whole("others", optarg, 0, 100000, &o->others);
    case 'm':
        return number("reading", optarg, 0.01, 1440, &o->reading_minutes);
    case 'c':
        return number("specificity", optarg, 0, 1, &o->specificity);
    case 'a':
        return number("answer", optarg, 0, 86400, &o->answer_seconds);
    case 'g':
        return number("ageing", optarg, 0, 100000, &o->ageing_minutes);
    case 'q':
        return number("delay", optarg, 0, 100000, &o->delay_minutes);
    case 'r':
        return number("reader", optarg, 0, 1, &o->reader_sensitivity);
    default:
        return false;
    }
}

static bool take_option(struct simulate_options *o, int option)
{
    static const char *const arrivals[] = {"day", "flat", NULL};
    static const char *const orders[] = {"routine", "high", NULL};
    static const char *const services[] = {"lognormal", "exponential", "fixed", NULL};
    int chosen;
    switch (option) {
    case 'R':
        return take_readers(optarg, o->readers);
    case 'A':
        if (!word("arrivals", arrivals, &chosen))
            return false;
        o->flat = chosen == 1;
        return true;
    case 'N':
        if (!word("neck-order", orders, &chosen))
            return false;
        o->necks_high = chosen == 1;
        return true;
    case 'S':
        if (!word("service", services, &chosen))
            return false;
        o->service = (enum simulate_service)chosen;
        return true;
    case 'p':
        return list("prevalence", optarg, 100, &o->prevalence);
    case 'e':
        return list("sensitivity", optarg, 1, &o->sensitivity);
    case 't':
        return list("trust", optarg, 1, &o->trust);
    case 'x':
        if (!number("stat", optarg, 0, 100, &o->stat))
            return false;
        o->stat /= 100;
        return true;
    case 'P':
        o->plot = optarg;
        return true;
    case 'j':
        return o->json = true;
    case 'h':
        return o->help = true;
    default:
        return take_number(o, option);
    }
}

double simulate_load(const struct simulate_options *o)
{
    double hours = 0;
    for (int hour = 0; hour < 24; hour++)
        hours += o->readers[hour];
    return (double)(o->necks + o->others) * o->reading_minutes / (60 * hours);
}

static bool agree(const struct simulate_options *o, int words)
{
    if (words > 0)
        fputs("cervigate simulate: an argument too many\n", stderr);
    else if (!(simulate_load(o) < 1))
        fprintf(stderr,
                "cervigate simulate: %ld studies a day of %g minutes are more than these readers "
                "can read (load %.2f): the waits would grow for ever\n",
                o->necks + o->others, o->reading_minutes, simulate_load(o));
    else if ((o->necks + o->others) > STUDIES_MOST / (o->days + SIMULATE_WARM_DAYS))
        fprintf(stderr, "cervigate simulate: more than %d studies in all\n", STUDIES_MOST);
    else
        return true;
    return false;
}

bool simulate_options_parse(int argc, char **argv, struct simulate_options *o)
{
    static const struct option long_options[] = {{"seed", required_argument, NULL, 's'},
                                                 {"days", required_argument, NULL, 'd'},
                                                 {"readers", required_argument, NULL, 'R'},
                                                 {"necks", required_argument, NULL, 'n'},
                                                 {"others", required_argument, NULL, 'o'},
                                                 {"arrivals", required_argument, NULL, 'A'},
                                                 {"reading", required_argument, NULL, 'm'},
                                                 {"service", required_argument, NULL, 'S'},
                                                 {"stat", required_argument, NULL, 'x'},
                                                 {"prevalence", required_argument, NULL, 'p'},
                                                 {"sensitivity", required_argument, NULL, 'e'},
                                                 {"specificity", required_argument, NULL, 'c'},
                                                 {"answer", required_argument, NULL, 'a'},
                                                 {"ageing", required_argument, NULL, 'g'},
                                                 {"delay", required_argument, NULL, 'q'},
                                                 {"reader", required_argument, NULL, 'r'},
                                                 {"trust", required_argument, NULL, 't'},
                                                 {"neck-order", required_argument, NULL, 'N'},
                                                 {"plot", required_argument, NULL, 'P'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;

    *o = (struct simulate_options){.seed = 1,
                                   .days = 365,
                                   .necks = 20,
                                   .others = 300,
                                   .reading_minutes = 5,
                                   .stat = 0.05,
                                   .prevalence = {{0.005, 0.02, 0.05}, 3},
                                   .sensitivity = {{0.3, 0.5, 0.7, 0.8, 0.9, 0.95}, 6},
                                   .specificity = 0.9,
                                   .answer_seconds = 10,
                                   .ageing_minutes = 1440,
                                   .delay_minutes = 480,
                                   .reader_sensitivity = 0.95,
                                   .trust = {{0, 0.1, 0.3, 0.5}, 4}};
    for (int hour = 0; hour < 24; hour++)
        o->readers[hour] = hour >= 8 && hour < 18 ? 2 : 1;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        if (!take_option(o, option))
            return false;
    return o->help || agree(o, argc - optind);
}
