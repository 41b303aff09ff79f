/* import_gate.c: `cervigate import gate`: a model of kinds of pictures becomes a model's input
 * gate. */
#include "import_gate.h"
#include "nn_model.h"
#include "option.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate import gate GATE_DIR --out DIR [--accept CLASS] [--least SCORE]\n"
    "\n"
    "Makes the model in GATE_DIR (cervigate train --network gate) the input gate of the model in "
    "DIR:\n"
    "it is copied to DIR/gate and named in DIR/model.xml. Images whose score of CLASS is under "
    "SCORE\n"
    "are not processed. The model's digest changes, and a <validation> of it falls away.\n"
    "\n"
    "  --out DIR        the model folder\n"
    "  --accept CLASS   the gate's class that is judged (lateral)\n"
    "  --least SCORE    its least score, 0 to 1 (0.5)\n";

struct gate_options {
    const char *gate, *out, *accept;
    double least;
    bool help;
};

static bool parse(int argc, char **argv, struct gate_options *o)
{
    static const struct option long_options[] = {{"out", required_argument, NULL, 'o'},
                                                 {"accept", required_argument, NULL, 'a'},
                                                 {"least", required_argument, NULL, 'l'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;

    *o = (struct gate_options){.accept = "lateral", .least = 0.5};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        bool fine = true;

        if (option == 'o')
            o->out = optarg;
        else if (option == 'a')
            o->accept = optarg;
        else if (option == 'l')
            fine = option_real("import gate", "least", optarg, 0, 1, &o->least);
        else if (option == 'h')
            o->help = true;
        else
            return false;
        if (!fine)
            return false;
    }
    if (o->help)
        return true;
    o->gate = optind < argc ? argv[optind] : NULL;
    if (optind + 1 != argc || !o->out)
        fputs("cervigate import gate: one gate's folder and --out are expected\n", stderr);
    return optind + 1 == argc && o->out;
}

int import_gate(int argc, char **argv)
{
    struct gate_options o;
    struct nn_error err = {0};
    struct nn_model *model = NULL;

    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(usage, stdout);
        return EX_OK;
    }
    enum nn_status status = nn_model_attach_gate(o.out, o.gate, o.accept, o.least, &err);
    if (status == NN_OK)
        status = nn_model_open(o.out, &model, &err);
    if (status != NN_OK) {
        fprintf(stderr, "cervigate import gate: %s\n", err.text);
        return status == NN_MISSING     ? EX_NOINPUT
               : status == NN_IO        ? EX_IOERR
               : status == NN_NO_MEMORY ? EX_SOFTWARE
                                        : EX_DATAERR;
    }
    printf("%s %s\n", o.out, nn_model_info(model)->digest);
    nn_model_close(model);
    return EX_OK;
}
