#include "ups_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NODE       "cervigate: "
#define RESEARCH   "RESEARCH - "
#define WAS        ", was "
#define LINE_END   "\r\n"
#define LT_MOST    10240 /* characters */
#define LABEL_MOST 64

enum dx_ups_priority ups_priority_of(enum priority_rank rank)
{
    switch (rank) {
    case PRIORITY_HIGH:
        return DX_UPS_HIGH;
    case PRIORITY_MEDIUM:
        return DX_UPS_MEDIUM;
    default:
        return DX_UPS_LOW;
    }
}

static const char *prefix_of(const struct news *news)
{
    return news->research ? RESEARCH : "";
}

/* What is between the node's name and the reason; false: not as we write it. */
static bool parse_line(const char *line, size_t length, struct ups_mark *mark)
{
    size_t skipped = length > strlen(RESEARCH) && memcmp(line, RESEARCH, strlen(RESEARCH)) == 0
                         ? strlen(RESEARCH)
                         : 0;
    line += skipped;
    length -= skipped;
    if (length < strlen(NODE) || memcmp(line, NODE, strlen(NODE)) != 0)
        return false;
    const char *at = line + strlen(NODE), *end = memchr(line, ';', length);
    if (end == NULL || end < at)
        return false;
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const char *word_end = comma != NULL ? comma : end;
    mark->to = dx_ups_priority_parse(at, (size_t)(word_end - at));
    mark->was = DX_UPS_PRIORITY_UNKNOWN;
    if (comma != NULL) {
        if ((size_t)(end - comma) < strlen(WAS) || memcmp(comma, WAS, strlen(WAS)) != 0)
            return false;
        at = comma + strlen(WAS);
        mark->was = dx_ups_priority_parse(at, (size_t)(end - at));
    }
    return mark->to != DX_UPS_PRIORITY_UNKNOWN &&
           (comma == NULL || mark->was != DX_UPS_PRIORITY_UNKNOWN);
}

void ups_mark_find(const char *comments, const char *workitem, struct ups_mark *mark)
{
    char tail[DX_UID_MAX + 2];
    memset(mark, 0, sizeof *mark);
    size_t tail_length = (size_t)snprintf(tail, sizeof tail, "[%s]", workitem);
    for (size_t at = 0; comments[at] != '\0';) {
        size_t length = strcspn(comments + at, LINE_END);
        struct ups_mark line = {.found = true, .begin = at, .end = at + length};
        if (length > tail_length &&
            memcmp(comments + at + length - tail_length, tail, tail_length) == 0 &&
            parse_line(comments + at, length, &line))
            *mark = line;
        at += length;
        at += strspn(comments + at, LINE_END);
    }
}

static const char *reason_of(const struct news *news)
{
    if (news->kind == NEWS_WITHDRAWN && news->reason != REASON_READ)
        return "withdrawn";
    return priority_reason_text(news->reason);
}

void ups_mark_write(const struct news *news, enum dx_ups_priority to, enum dx_ups_priority was,
                    char line[UPS_MARK_MAX])
{
    char model[sizeof news->model];
    (void)snprintf(model, sizeof model, "%s", news->model);
    for (char *p = model; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == '[' || *p == ']')
            *p = ' ';
    (void)snprintf(line, UPS_MARK_MAX, "%s" NODE "%s%s%s; %s%s%s%s [%s]", prefix_of(news),
                   dx_ups_priority_word(to), was != DX_UPS_PRIORITY_UNKNOWN ? WAS : "",
                   dx_ups_priority_word(was), reason_of(news), model[0] != '\0' ? " (" : "", model,
                   model[0] != '\0' ? ")" : "", news->workitem);
}

static bool fits_lt(const char *text)
{
    size_t characters = 0;
    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xc0u) != 0x80u && ++characters > LT_MOST)
            return false;
    return true;
}

char *ups_comments_with(const char *comments, const struct ups_mark *mark, const char *line)
{
    const char *rest = "";
    size_t kept = strlen(comments);
    if (mark->found) {
        rest = comments + mark->end;
        rest += strspn(rest, LINE_END);
        kept = mark->begin;
    }
    while (kept > 0 && *rest == '\0' && strchr(LINE_END " ", comments[kept - 1]) != NULL)
        kept--;
    size_t size = kept + strlen(rest) + strlen(line) + 2 * strlen(LINE_END) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    bool is_alone = kept == 0 && *rest == '\0';
    bool has_end = is_alone || (*rest != '\0' && strchr(LINE_END, rest[strlen(rest) - 1]) != NULL);
    (void)snprintf(text, size, "%.*s%s%s%s", (int)kept, comments, rest, has_end ? "" : LINE_END,
                   line);
    if (fits_lt(text) && strlen(text) < DX_UPS_COMMENTS)
        return text;
    free(text);
    return NULL;
}

void ups_label(const struct news *news, char label[UPS_LABEL_MAX])
{
    int length = snprintf(label, UPS_LABEL_MAX, "%sRead: %s", prefix_of(news), reason_of(news));
    if (length > LABEL_MOST)
        (void)snprintf(label, UPS_LABEL_MAX, "%sRead cervical spine; see comments",
                       prefix_of(news));
}

void ups_cancel_reason(const struct news *news, bool replaced, char reason[UPS_CANCEL_MAX])
{
    (void)snprintf(reason, UPS_CANCEL_MAX, "%s" NODE "%s", prefix_of(news),
                   replaced ? "patient or order were corrected: made anew" : reason_of(news));
}

void ups_time(int64_t ms, char text[UPS_TIME_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&seconds, &utc) != NULL &&
        strftime(text, UPS_TIME_MAX, "%Y%m%d%H%M%S+0000", &utc) == 0)
        text[0] = '\0';
}
