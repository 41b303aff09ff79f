/* What becomes of any line of a log: JSON, a datagram, and what a support bundle may hold of it. */
#include "log_fields.h"
#include "support_redact.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* What is made of it as JSON is JSON, as long as the text is ASCII, as lines of the log are. */
static void check_json(const struct log_line *line)
{
    char wide[4096];
    size_t used = log_as_json(line, wide, sizeof wide);
    json_t *value = json_loadb(wide, used, 0, NULL);
    demand(value != NULL && json_is_object(value));
    json_decref(value);
    /* a buffer that is too small leaves fields out, and nothing else */
    used = log_as_json(line, wide, 160);
    value = json_loadb(wide, used, 0, NULL);
    demand(used < 160 && (used == 0 || value != NULL));
    json_decref(value);
}

static void check_journal(const struct log_line *line)
{
    char wide[4096];
    size_t used = log_as_journal(line, wide, sizeof wide);
    demand(used <= sizeof wide && (used == 0 || wide[used - 1] == '\n'));
    for (size_t at = 0; at < used;) {
        size_t end = at;
        while (wide[end] != '\n')
            end++;
        demand(memchr(wide + at, '=', end - at) != NULL);
        at = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const struct redaction redaction = {.conf = NULL};
    char body[2048], *out = NULL;
    size_t size = 0, kept = 0;
    for (size_t i = 0; i < count && kept < sizeof body - 1; i++)
        if (bytes[i] >= ' ')
            body[kept++] = (char)bytes[i];
    body[kept] = '\0';
    const struct log_line line = {.when = "2026-11-27T23:40:51.123Z",
                                  .level = "info",
                                  .role = "assoc",
                                  .id = "start",
                                  .area = "node",
                                  .body = body};
    check_json(&line);
    check_journal(&line);
    FILE *file = open_memstream(&out, &size);
    demand(file != NULL);
    bool is_ours = redact_line(&redaction, body, file);
    fclose(file);
    demand(is_ours == (size > 0));
    free(out);
    file = open_memstream(&out, &size);
    demand(file != NULL);
    redact_configuration(body, file);
    fclose(file);
    free(out);
    return 0;
}
