/* cervigated: the node. */
#include "blas_threads.h"
#include "dx_tls.h"
#include "supervisor.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "Usage: cervigated --config FILE [--foreground]\n"
    "Runs the node: receives, analyzes and delivers until SIGTERM; SIGHUP reloads.\n"
    "  --config FILE  the XML configuration\n"
    "  --foreground   stay in the foreground (always so under systemd)\n"
    "  --help         this text\n"
    "  --version      the program's version\n"
    "Exit status: 0 stopped; 64 usage; 66 no configuration; 73 spool, lock or port cannot be had;\n"
    "74 job store; 78 bad configuration, model or mode.\n";

/* The child goes on as the daemon; the parent leaves once that is ready, or with its exit status.
 * Returns the descriptor that says ready. */
static int detach(void)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0) {
        (void)close(ready[0]);
        (void)setsid();
        return ready[1];
    }

    char byte;
    int status = 0;
    (void)close(ready[1]);
    if (read(ready[0], &byte, 1) == 1)
        _exit(0);
    (void)waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"foreground", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    bool foreground = getenv("NOTIFY_SOCKET") != NULL || getenv("INVOCATION_ID") != NULL;
    int option;
    blas_threads_end(argv);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'f':
            foreground = true;
            break;
        case 'h':
            return fputs(usage, stdout) < 0 ? EX_IOERR : 0;
        case 'v':
            return puts("cervigated " CERVIGATE_VERSION) < 0 ? EX_IOERR : 0;
        default:
            (void)fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (config == NULL || optind != argc) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }

    dx_tls_prepare();
    int ready_fd = -1;
    if (!foreground && (ready_fd = detach()) < 0) {
        perror("cervigated");
        return EX_OSERR;
    }
    return supervisor_run(config, ready_fd);
}
