/* What a workflow manager says of an item, and the mark in its comments. An odd first byte: the
 * rest is the comments as they are; 2: DICOM JSON (UPS-RS); else a dataset. */
#include "dx_ups.h"
#include "worklist/ups_json.h"
#include "worklist/ups_text.h"

#include <stdlib.h>
#include <string.h>

#define MOST     65536u
#define MATCHES  8u
#define WORKITEM "2.25.7"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check_mark(const char *comments)
{
    static const struct news news = {
        .workitem = WORKITEM, .reason = REASON_FINDING, .model = "a [model]", .research = true};
    struct ups_mark mark, again;
    char line[UPS_MARK_MAX];
    ups_mark_find(comments, WORKITEM, &mark);
    if (mark.found && (mark.begin >= mark.end || mark.end > strlen(comments) ||
                       mark.to == DX_UPS_PRIORITY_UNKNOWN))
        abort();
    ups_mark_write(&news, DX_UPS_HIGH, mark.was, line);
    char *text = ups_comments_with(comments, &mark, line);
    if (text == NULL)
        return;
    ups_mark_find(text, WORKITEM, &again);
    if (!again.found || again.to != DX_UPS_HIGH || again.was != mark.was)
        abort();
    char *twice = ups_comments_with(text, &again, line);
    if (twice == NULL || strlen(twice) > strlen(text) + 2)
        abort();
    free(twice);
    free(text);
}

static bool check_item(void *context, const struct dx_ups_item *item)
{
    size_t *seen = context;
    if (++*seen > MATCHES || item->requests > DX_UPS_REQUESTS || item->inputs > DX_UPS_REQUESTS ||
        memchr(item->comments, '\0', sizeof item->comments) == NULL ||
        memchr(item->patient_id, '\0', sizeof item->patient_id) == NULL ||
        memchr(item->code, '\0', sizeof item->code) == NULL || item->state > DX_UPS_COMPLETED ||
        item->priority > DX_UPS_HIGH)
        abort();
    check_mark(item->comments);
    return true;
}

static void check_dataset(const uint8_t *bytes, size_t count)
{
    struct dx_ups_item *item = malloc(sizeof *item);
    struct dx_error err;
    size_t seen = 0;
    if (item == NULL)
        abort();
    if (dx_ups_read(bytes, count, item, &err) == DX_OK)
        (void)check_item(&seen, item);
    free(item);
}

static bool keep(void *context, const struct dx_ups_item *item)
{
    memcpy(context, item, sizeof *item);
    return true;
}

/* What is said comes back, whatever the texts are. */
static void check_round(const char *text)
{
    const struct dx_ups_change change = {.priority = DX_UPS_HIGH, .comments = text};
    struct dx_ups_item *one = calloc(2, sizeof *one), *two = one + 1;
    struct dx_writing dataset = {.count = 0};
    struct dx_error err;
    if (one == NULL)
        abort();
    dx_ups_write_change(&change, &dataset);
    char *json = ups_json_write(&dataset);
    bool read = dx_ups_read(dataset.bytes, dataset.count, one, &err) == DX_OK;
    if (read && json != NULL && !one->cut_comments &&
        (ups_json_read(json, strlen(json), 1, keep, two, &err) != DX_OK ||
         two->priority != DX_UPS_HIGH || strcmp(one->comments, two->comments) != 0))
        abort();
    free(json);
    dx_writing_finish(&dataset);
    free(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count < 1 || count > MOST)
        return 0;
    if ((bytes[0] & 3) == 2) {
        struct dx_error err = {0};
        size_t seen = 0;
        if (ups_json_read((const char *)bytes + 1, count - 1, MATCHES, check_item, &seen, &err) !=
                DX_OK &&
            err.text[0] == '\0')
            abort(); /* refused without a word */
        return 0;
    }
    if ((bytes[0] & 1) == 0) {
        check_dataset(bytes + 1, count - 1);
        return 0;
    }
    char *comments = malloc(count);
    if (comments == NULL)
        abort();
    memcpy(comments, bytes + 1, count - 1);
    comments[count - 1] = '\0';
    check_mark(comments);
    check_round(comments);
    free(comments);
    return 0;
}
