#include "net_server.h"

#include "dx_init.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sink {
    const char *folder;
    int journal;
    unsigned number;
};

/* One write a line: O_APPEND keeps lines of several processes apart. */
static void note(struct sink *sink, const char *text)
{
    char line[1200];
    int count = snprintf(line, sizeof line, "%s\n", text);
    if (count > 0 && write(sink->journal, line, (size_t)count) < 0)
        _exit(3);
}

static enum dx_admission on_associate(void *context, const struct dx_peer *peer)
{
    (void)context;
    if (strcmp(peer->called, "CERVIGATE") != 0)
        return DX_REJECT_CALLED_AE;
    if (strcmp(peer->calling, "EVIL") == 0)
        return DX_REJECT_CALLING_AE;
    return strcmp(peer->calling, "FULL") == 0 ? DX_REJECT_LOCAL_LIMIT : DX_ADMIT;
}

static int on_create(void *context, char *path, size_t size)
{
    struct sink *sink = context;
    /* A folder named "full" stands for a full disk. */
    char full[128];
    (void)snprintf(full, sizeof full, "%s/full", sink->folder);
    if (access(full, F_OK) == 0) {
        (void)snprintf(path, size, "/dev/full");
        return open(path, O_RDWR | O_CLOEXEC);
    }
    (void)snprintf(path, size, "%s/object-%d-%u", sink->folder, (int)getpid(), sink->number++);
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static uint16_t on_store(void *context, const struct dx_scp_object *object, char comment[65])
{
    char text[1100];
    (void)comment;
    (void)snprintf(text, sizeof text, "stored %s %s %s %s %llu", object->command_sop_instance,
                   object->scan.digest, object->transfer_syntax, object->path,
                   (unsigned long long)object->bytes);
    note(context, text);
    return 0;
}

static void on_refuse(void *context, const struct dx_scp_object *object, uint16_t status,
                      const struct dx_error *why)
{
    char text[1100];
    (void)snprintf(text, sizeof text, "refused %04x %s (%s) %s", status,
                   object->command_sop_instance, dx_status_text(why->status), why->text);
    note(context, text);
}

static uint16_t on_event(void *context, const struct dx_commitment *event)
{
    char text[200];
    for (size_t i = 0; i < event->count; i++) {
        (void)snprintf(text, sizeof text, "event %s %s %04x", event->transaction,
                       event->item[i].sop_instance, event->item[i].failure);
        note(context, text);
    }
    return event->count > 0 ? 0 : 0x0112;
}

static void serve(int fd, const struct dx_scp_params *params, struct sink *sink)
{
    static const char *const ends[] = {"released", "aborted", "rejected", "timeout", "failed"};
    struct dx_scp_handler handler = {.context = sink,
                                     .associate = on_associate,
                                     .create = on_create,
                                     .store = on_store,
                                     .refuse = on_refuse,
                                     .event = on_event};
    struct dx_scp_summary summary;
    struct dx_error err = {0};
    char text[700];

    enum dx_status status = dx_scp_serve(fd, params, &handler, &summary, &err);
    (void)snprintf(text, sizeof text, "end %s %s stored=%u refused=%u echoes=%u %u/%u %s [%s] %s",
                   ends[summary.end], dx_status_text(status), summary.stored, summary.refused,
                   summary.echoes, summary.contexts_accepted, summary.contexts_proposed,
                   summary.peer.address, summary.first_refused_context, err.text);
    note(sink, text);
}

static void reap(int *open_now, int options)
{
    int state;
    while (*open_now > 0 && waitpid(-1, &state, options) > 0)
        (*open_now)--;
}

__attribute__((noreturn)) static void accept_loop(int listener, const char *folder,
                                                  const struct dx_scp_params *params, int most)
{
    struct sink sink = {.folder = folder};
    struct dx_error err;
    char path[96];
    int open_now = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(path, sizeof path, "%s/journal", folder);
    sink.journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (sink.journal < 0 || dx_init(NULL, NULL, &err) != DX_OK)
        _exit(2);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        reap(&open_now, WNOHANG);
        if (fd < 0)
            continue;
        if (most > 0 && open_now >= most) {
            dx_scp_refuse(fd);
            continue;
        }
        pid_t pid = fork();
        if (pid == 0) {
            close(listener);
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(fd, params, &sink);
            _exit(0);
        }
        open_now += pid > 0 ? 1 : 0;
        close(fd);
    }
}

int net_server_start(struct net_server *server, const struct dx_scp_params *params, int most)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;

    (void)snprintf(server->folder, sizeof server->folder, "/tmp/dx-net-XXXXXX");
    if (mkdtemp(server->folder) == NULL)
        return -1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        return -1;
    server->port = ntohs(address.sin_port);
    server->pid = fork();
    if (server->pid == 0)
        accept_loop(listener, server->folder, params, most);
    close(listener);
    return server->pid > 0 ? 0 : -1;
}

int net_server_is_alive(const struct net_server *server)
{
    int state;
    return waitpid(server->pid, &state, WNOHANG) == 0;
}

void net_server_stop(struct net_server *server)
{
    char path[400];
    struct dirent *entry;

    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    DIR *folder = opendir(server->folder);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", server->folder, entry->d_name);
        (void)remove(path);
    }
    if (folder != NULL)
        closedir(folder);
    (void)rmdir(server->folder);
}

int net_server_line(const struct net_server *server, const char *prefix, int n, char *line,
                    size_t size)
{
    char path[96];
    int count = 0;

    (void)snprintf(path, sizeof path, "%s/journal", server->folder);
    FILE *journal = fopen(path, "r");
    if (journal == NULL)
        return 0;
    char text[1300];
    while (fgets(text, sizeof text, journal) != NULL) {
        if (strncmp(text, prefix, strlen(prefix)) != 0)
            continue;
        if (count == n && line != NULL)
            (void)snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
        count++;
    }
    fclose(journal);
    return count;
}

int net_server_count(const struct net_server *server, const char *prefix, int wanted)
{
    int count = 0;
    for (int i = 0; i < 300; i++) {
        count = net_server_line(server, prefix, -1, NULL, 0);
        if (count >= wanted)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return count;
}

int net_run(const struct net_server *server, char *const argv[])
{
    char path[96];
    int state;

    (void)snprintf(path, sizeof path, "%s/output", server->folder);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(126);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &state, 0) != pid || !WIFEXITED(state))
        return -1;
    return WEXITSTATUS(state);
}
