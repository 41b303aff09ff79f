/* cervigate: the admin program: finds the subcommand and lets it work. */
#include "admin.h"
#include "blas_threads.h"
#include "confine.h"
#include "dx_init.h"
#include "dx_tls.h"
#include "heap.h"
#include "nn_kernel_set.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    enum confine_role role; /* ADMIN: reads files of others and needs no network or name service */
    const char *does;
} commands[] = {
    {"check", admin_check, CONFINE_ADMIN_PEER, "validates configuration, model and directories"},
    {"echo", admin_echo, CONFINE_ADMIN_PEER, "C-ECHO to a configured peer"},
    {"mode", admin_mode, CONFINE_ADMIN_PEER, "shows or changes the mode: shadow, demo or clinical"},
    {"predict", admin_predict, CONFINE_ADMIN, "DICOM, PNG or JPEG files to scores"},
    {"phantom", admin_phantom, CONFINE_ADMIN_PEER,
     "draws synthetic radiographs, or plays modalities"},
    {"train", admin_train, CONFINE_ADMIN, "trains a model folder"},
    {"import", admin_import, CONFINE_ADMIN, "an ONNX file becomes a model folder"},
    {"export", admin_export, CONFINE_ADMIN, "a model folder becomes an ONNX file"},
    {"evaluate", admin_evaluate, CONFINE_ADMIN, "measures a model on images it has not seen"},
    {"status", admin_status, CONFINE_ADMIN_PEER, "the node at a glance"},
    {"selftest", admin_selftest, CONFINE_ADMIN, "the locked inputs: does it still do what it did?"},
    {"replay", admin_replay, CONFINE_ADMIN,
     "recomputes a result from the stored input and compares"},
    {"jobs", admin_jobs, CONFINE_ADMIN_PEER, "the received objects and what became of them"},
    {"results", admin_results, CONFINE_ADMIN, "the reports and pictures that were made"},
    {"worklist", admin_worklist, CONFINE_ADMIN, "which patient is to be read first, and why"},
    {"simulate", admin_simulate, CONFINE_ADMIN, "the reading room with and without triage"},
    {"conformance", admin_conformance, CONFINE_ADMIN,
     "the DICOM conformance statement of this build and configuration"},
    {"support", admin_support, CONFINE_ADMIN, "a bundle for whoever helps, free of patient data"},
    {"bench", admin_bench, CONFINE_ADMIN, "this machine's own figures, for sizing"},
    {"rules", admin_rules, CONFINE_ADMIN, "which rule takes an object, and why"},
    {"user", admin_user, CONFINE_ADMIN, "who may log in to the console"},
    {"audit", admin_audit, CONFINE_ADMIN, "the audit log: is it whole, and what does it say?"},
    {"forget", admin_forget, CONFINE_ADMIN_PEER, "removes everything of one patient"},
    {"retention", admin_retention, CONFINE_ADMIN, "has everything gone that should have by now?"},
    {"backup", admin_backup, CONFINE_ADMIN, "the node's memory as one file, while it runs"},
    {"restore", admin_restore, CONFINE_ADMIN, "a backup becomes a spool again"},
    {"store", admin_store, CONFINE_ADMIN, "the job store's version, and the way back to an older"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *out)
{
    fputs("usage: cervigate COMMAND [ARGUMENTS...]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].does);
    fputs("\n`cervigate COMMAND --help` tells more; `cervigate --version`, the versions.\n"
          "Exit status: 0 done; 1 done, and the answer is no; 64 usage; 65 bad input data;\n"
          "66 missing input; 69 peer unavailable; 70 internal error; 73 cannot create output;\n"
          "74 I/O error; 78 bad configuration.\n",
          out);
}

/* What did not reach standard output was not done, whatever the command thinks. */
static int flushed(const char *command, int status)
{
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !failed)
        return status;
    fprintf(stderr, "cervigate %s: standard output: %s\n", command, strerror(errno));
    return status == 0 ? EX_IOERR : status;
}

int main(int argc, char **argv)
{
    blas_threads_end(argv);
    dx_tls_prepare();
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return flushed("--help", 0);
    }
    if (strcmp(argv[1], "--version") == 0 || (argc > 2 && strcmp(argv[2], "--version") == 0)) {
        printf("cervigate %s (%s, OpenBLAS kernels %s)\n", CERVIGATE_VERSION, dx_library_version(),
               nn_kernel_set());
        return flushed("--version", 0);
    }
    heap_begin();
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run == admin_check /* becomes the node's user before */ ||
                           confine(commands[i].role, NULL, NULL)
                       ? flushed(argv[1], commands[i].run(argc - 1, argv + 1))
                       : EX_OSERR;
    fprintf(stderr, "cervigate: there is no command \"%s\"\n\n", argv[1]);
    print_usage(stderr);
    return EX_USAGE;
}
