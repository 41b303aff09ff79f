/* Any bytes as the audit log: a record that is taken writes back to the same bytes, its message can
 * be read and framed; a folder of such files is read to its end, judged, and goes on: what is
 * appended then can be read back. */
#include "audit_json.h"
#include "audit_reader.h"
#include "audit_syslog.h"
#include "node.h"

#include <fcntl.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static struct conf conf = {.audit = {.file_bytes = 65536}};

static void try_record(const char *bytes, size_t size)
{
    static char line[AUDIT_RECORD_MOST], frame[AUDIT_FRAME_MOST];
    struct audit_record record, again;
    enum audit_parse parsed = audit_record_parse(bytes, size, &record);
    if (record.bytes > size)
        abort();
    if (parsed == AUDIT_PARSE_ALTERED) { /* as if it were right: what lies behind is to be seen */
        again = record;
        if (!audit_record_write(&again, line, sizeof line) ||
            audit_record_parse(line, again.bytes, &record) != AUDIT_PARSE_OK)
            abort();
        bytes = line;
        parsed = AUDIT_PARSE_OK;
    }
    if (parsed != AUDIT_PARSE_OK)
        return;
    again = record;
    if (!audit_record_write(&again, line, sizeof line) || again.bytes != record.bytes ||
        memcmp(line, bytes, again.bytes) != 0)
        abort();
    size_t framed = audit_syslog_frame(10, &record, frame, sizeof frame);
    if (framed == 0 || strtoul(frame, NULL, 10) + strcspn(frame, " ") + 1 != framed)
        abort();
    json_t *said = audit_json(&record);
    char *text = said != NULL ? json_dumps(said, 0) : NULL;
    free(text);
    json_decref(said);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
    char path[PATH_MAX];
    node_path(&conf, path, sizeof path, "audit/%s", name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void make_folder(void)
{
    char path[128];
    (void)snprintf(folder, sizeof folder, "/dev/shm/fuzz-audit-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    conf.spool = folder;
    (void)snprintf(path, sizeof path, "%s/audit", folder);
    if (mkdir(path, 0700) != 0)
        abort();
    (void)snprintf(path, sizeof path, "%s/audit/sent", folder);
    if (mkdir(path, 0700) != 0)
        abort();
}

static void empty_folder(void)
{
    static const char *const names[] = {"head", "base", "missed", "broken", "lock", "sent/cursor"};
    char path[PATH_MAX];
    uint64_t *files;
    size_t count;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        node_path(&conf, path, sizeof path, "audit/%s", names[i]);
        (void)unlink(path);
    }
    if (audit_log_files(&conf, &files, &count) != 0)
        abort();
    for (size_t i = 0; i < count; i++) {
        audit_log_path(&conf, files[i], path, sizeof path);
        (void)unlink(path);
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), ".broken");
        (void)unlink(path);
    }
    free(files);
}

/* Parts, each ended by the byte 0xff: two files of the log, head, base, missed, cursor. */
static void try_folder(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"000000000000000001.log",
                                        "000000000000000003.log",
                                        "head",
                                        "base",
                                        "missed",
                                        "sent/cursor"};
    static struct audit_verdict verdict;
    static const char *const message[] = {"<a/>"};
    struct audit_log log;
    struct audit_head head;
    if (folder[0] == '\0')
        make_folder();
    empty_folder();
    for (size_t i = 0; i < sizeof names / sizeof *names && size > 0; i++) {
        const uint8_t *end = memchr(data, 0xff, size);
        size_t part = end != NULL ? (size_t)(end - data) : size;
        put(names[i], data, part);
        data += part + (end != NULL);
        size -= part + (end != NULL);
    }
    (void)audit_log_missing(&conf, NULL);
    if (!audit_verify(&conf, NULL, &verdict))
        abort();
    if (!audit_log_open(&conf, 1000, &log))
        return;
    bool appended = log.head.seq < UINT64_C(100000000000000000) &&
                    audit_log_append(&log, 1764221400000, message, 1);
    audit_log_close(&log);
    if (appended && (!audit_log_head(&conf, &head) || !audit_verify(&conf, &head, &verdict)))
        abort();
    for (size_t i = 0; appended && i < verdict.faults && i < 32; i++)
        if (strstr(verdict.fault[i].text, "the caller") != NULL)
            abort();
}

static void quiet(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xmlSetGenericErrorFunc(NULL, quiet);
    if (size == 0)
        return 0;
    if (data[0] == 'r')
        try_record((const char *)data + 1, size - 1);
    else
        try_folder(data + 1, size - 1);
    return 0;
}
