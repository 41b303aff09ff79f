/* Whether the audit log is as it was left: every hash, number and link, its beginning against what
 * retention removed, its end against the heads that are kept beside it. */
#include "audit_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MARKS 3

/* A record that must be in the log. */
struct mark {
    const char *name;
    struct audit_head head;
    bool seen;
};

struct verifying {
    struct audit_verdict *verdict;
    struct mark mark[MARKS];
    size_t marks;
    struct audit_head last; /* the last record that was seen; seq 0: none */
};

static void fault(struct audit_verdict *v, uint64_t file, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void fault(struct audit_verdict *v, uint64_t file, uint64_t offset, const char *format, ...)
{
    va_list args;
    if (v->faults++ >= sizeof v->fault / sizeof *v->fault)
        return;
    struct audit_fault *f = &v->fault[v->faults - 1];
    f->file = file;
    f->offset = offset;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* The first record there is: number one, or what follows those that retention removed. */
static void check_first(struct verifying *y, const struct audit_record *r, uint64_t file,
                        const struct audit_head *base)
{
    bool begins = r->seq == 1 && strcmp(r->prev, audit_record_none) == 0;
    bool goes_on = base->seq != 0 && r->seq == base->seq + 1 && strcmp(r->prev, base->hash) == 0;
    if (!begins && !goes_on && !(base->seq != 0 && r->seq <= base->seq))
        fault(y->verdict, file, 0, "the first record is %" PRIu64 "; expected %" PRIu64, r->seq,
              base->seq + 1);
}

static void check_link(struct verifying *y, const struct audit_record *r, uint64_t file,
                       uint64_t offset)
{
    const struct audit_head *last = &y->last;
    if (r->seq > last->seq + 1)
        fault(y->verdict, file, offset, "records %" PRIu64 " to %" PRIu64 " are missing",
              last->seq + 1, r->seq - 1);
    else if (r->seq <= last->seq)
        fault(y->verdict, file, offset, "record %" PRIu64 " follows %" PRIu64, r->seq, last->seq);
    else if (strcmp(r->prev, last->hash) != 0)
        fault(y->verdict, file, offset, "record %" PRIu64 " does not follow the one before it",
              r->seq);
}

static void take_record(struct verifying *y, const struct audit_record *r)
{
    struct audit_verdict *v = y->verdict;
    if (v->records++ == 0) {
        v->first = r->seq;
        memcpy(v->from, r->time, sizeof v->from);
    }
    v->last = r->seq;
    memcpy(v->to, r->time, sizeof v->to);
    memcpy(v->hash, r->hash, sizeof v->hash);
    y->last.seq = r->seq;
    memcpy(y->last.hash, r->hash, sizeof y->last.hash);
    for (size_t i = 0; i < y->marks; i++)
        if (y->mark[i].head.seq == r->seq && strcmp(y->mark[i].head.hash, r->hash) == 0)
            y->mark[i].seen = true;
}

static bool read_all(struct verifying *y, struct audit_reader *reader,
                     const struct audit_head *base)
{
    struct audit_record r;
    enum audit_read got;
    struct audit_verdict *v = y->verdict;
    uint64_t file = 0;
    while ((got = audit_reader_next(reader, &r)) != AUDIT_READ_END && got != AUDIT_READ_FAILED) {
        uint64_t at = audit_reader_file(reader), offset = audit_reader_begin(reader);
        v->cut = got == AUDIT_READ_CUT;
        if (v->cut)
            break;
        v->files += at != file;
        if (got == AUDIT_READ_WRONG) {
            file = at;
            fault(v, at, offset, "%zu bytes that are no record", r.bytes);
            continue;
        }
        if (got == AUDIT_READ_ALTERED)
            fault(v, at, offset, "record %" PRIu64 " was altered", r.seq);
        if (y->last.seq == 0)
            check_first(y, &r, at, base);
        else
            check_link(y, &r, at, offset);
        if (at != file && r.seq != at)
            fault(v, at, offset, "the file begins with record %" PRIu64, r.seq);
        file = at;
        take_record(y, &r);
    }
    return got != AUDIT_READ_FAILED;
}

/* What is not there must have gone with time. */
static void check_marks(struct verifying *y, const struct audit_head *base)
{
    for (size_t i = 0; i < y->marks; i++) {
        const struct mark *mark = &y->mark[i];
        if (mark->seen || mark->head.seq <= base->seq)
            continue;
        if (mark->head.seq > y->verdict->last)
            fault(y->verdict, 0, 0,
                  "the end is missing: record %" PRIu64 " is the last, %s knows %" PRIu64,
                  y->verdict->last, mark->name, mark->head.seq);
        else
            fault(y->verdict, 0, 0, "record %" PRIu64 " is not the one that %s knows",
                  mark->head.seq, mark->name);
    }
}

static void add_mark(struct verifying *y, const char *name, const struct audit_head *head)
{
    if (head->seq != 0)
        y->mark[y->marks++] = (struct mark){.name = name, .head = *head};
}

bool audit_verify(const struct conf *conf, const struct audit_head *expected,
                  struct audit_verdict *verdict)
{
    struct verifying y = {.verdict = verdict};
    struct audit_head base = {.seq = 0}, head;
    *verdict = (struct audit_verdict){.records = 0};
    if (!audit_log_read_mark(conf, "base", &base))
        base = (struct audit_head){.seq = 0};
    /* Before the records: others append meanwhile. */
    if (audit_log_head(conf, &head))
        add_mark(&y, "audit/head", &head);
    if (audit_log_read_mark(conf, "sent/cursor", &head))
        add_mark(&y, "audit/sent/cursor", &head);
    if (expected != NULL)
        add_mark(&y, "the caller", expected);
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    if (reader == NULL)
        return false;
    bool good = read_all(&y, reader, &base);
    int why = errno;
    audit_reader_close(reader);
    errno = why;
    if (good)
        check_marks(&y, &base);
    return good;
}
