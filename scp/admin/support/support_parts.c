#include "support_parts.h"

#include "build_id.h"
#include "clock.h"
#include "command.h"
#include "dx_init.h"
#include "health_json.h"
#include "nn_kernel_set.h"
#include "node.h"
#include "store.h"
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

/* ---- the program ---- */

/* The files of libraries that this process has mapped, each once. */
static void put_libraries(FILE *out)
{
    char line[PATH_MAX + 128], before[PATH_MAX] = "";
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        char *path = strchr(line, '/');
        if (path == NULL || strstr(path, ".so") == NULL)
            continue;
        path[strcspn(path, "\n")] = '\0';
        if (strcmp(path, before) != 0)
            fprintf(out, "library    %s\n", path);
        snprintf(before, sizeof before, "%s", path);
    }
    if (maps != NULL)
        fclose(maps);
}

void support_versions(FILE *out)
{
    char id[65], when[25];
    build_id(id, sizeof id);
    clock_iso(clock_utc_ms(), when);
    fprintf(out, "made       %s\ncervigate  %s\nbuild      %s\nDICOM      %s\nkernels    %s\n",
            when, CERVIGATE_VERSION, id, dx_library_version(), nn_kernel_set());
    put_libraries(out);
}

/* ---- the machine ---- */

/* Lines of a file of the kernel's that begin with one of the words. */
static void put_lines(const char *path, const char *const *words, size_t most, FILE *out)
{
    char line[512];
    FILE *file = fopen(path, "re");
    size_t count = 0;
    while (file != NULL && count < most && fgets(line, sizeof line, file) != NULL)
        for (size_t i = 0; words[i] != NULL; i++)
            if (strncmp(line, words[i], strlen(words[i])) == 0) {
                fputs(line, out);
                count++;
            }
    if (file != NULL)
        fclose(file);
}

void support_machine(FILE *out)
{
    static const char *const of_system[] = {"PRETTY_NAME=", NULL};
    static const char *const of_processor[] = {"model name", NULL};
    static const char *const of_memory[] = {"MemTotal:", "MemAvailable:", "SwapTotal:", NULL};
    struct utsname name;
    if (uname(&name) == 0)
        fprintf(out, "%s %s %s\n", name.sysname, name.release, name.machine);
    put_lines("/etc/os-release", of_system, 1, out);
    put_lines("/proc/cpuinfo", of_processor, 1, out);
    put_lines("/proc/meminfo", of_memory, 3, out);
    put_lines("/proc/loadavg", (const char *const[]){"", NULL}, 1, out);
}

/* ---- the node ---- */

struct sum {
    uint64_t files, bytes;
};

/* Plain files of a folder and of those in it; deeper, there are none. */
static void add_up(const char *path, int depth, struct sum *sum)
{
    char inner[PATH_MAX];
    struct stat info;
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth > 0)
            add_up(inner, depth - 1, sum);
        if (!S_ISREG(info.st_mode))
            continue;
        sum->files++;
        sum->bytes += (uint64_t)info.st_size;
    }
    if (folder != NULL)
        closedir(folder);
}

void support_spool(const struct conf *conf, FILE *out)
{
    static const char *const folders[] = {"incoming", "objects", "results",  "quarantine",
                                          "audit",    "run",     "selftest", "."};
    char path[PATH_MAX];
    struct statvfs disk;
    if (statvfs(conf->spool, &disk) == 0)
        fprintf(out, "free %" PRIu64 " of %" PRIu64 " bytes, %" PRIu64 " of %" PRIu64 " inodes\n",
                (uint64_t)disk.f_bavail * disk.f_frsize, (uint64_t)disk.f_blocks * disk.f_frsize,
                (uint64_t)disk.f_favail, (uint64_t)disk.f_files);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct sum sum = {0};
        node_path(conf, path, sizeof path, "%s", folders[i]);
        add_up(path, folders[i][0] == '.' ? 0 : 1, &sum);
        fprintf(out, "%-12s %" PRIu64 " files, %" PRIu64 " bytes\n",
                folders[i][0] == '.' ? "(itself)" : folders[i], sum.files, sum.bytes);
    }
}

json_t *support_status(const struct conf *conf)
{
    char path[PATH_MAX], error[512] = "no job store";
    struct store *store = NULL;
    struct store_counts counts = {0};
    struct health health;
    node_path(conf, path, sizeof path, "jobs.sqlite");
    struct stat info;
    int wrong = 0;
    bool good = stat(path, &info) == 0 &&
                command_open_store(conf, path, &store, &wrong, error, sizeof error);
    if (good && store_counts(store, &counts) != STORE_OK) {
        snprintf(error, sizeof error, "%s", store_error(store));
        good = false;
    }
    json_t *status = NULL;
    if (health_read(conf, good ? store : NULL, error, clock_utc_ms(), &health))
        status = health_json_status(conf, &health, good ? &counts : NULL);
    health_finish(&health);
    store_close(store);
    return status;
}
