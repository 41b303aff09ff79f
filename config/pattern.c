/* Reads a regular expression and writes its program; pattern_run.c runs it.
 *
 *   alternatives: branch ( "|" branch )*     branch: piece*     piece: atom ( * + ? {n,m} )*
 *
 * Jumps are relative, so a piece that is repeated is its steps copied. Where the GNU C library
 * takes something in a way that nobody would expect, or POSIX leaves it open, it is refused. */
#include "pattern_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEST_MOST 100
#define UNBOUNDED (-1)

struct reading {
    struct conf_pattern *p;
    const char *at;
    char *error;
    size_t error_size;
    int nest;
};

static bool refuse(struct reading *r, const char *why)
{
    if (r->error_size > 0 && r->error[0] == '\0')
        snprintf(r->error, r->error_size, "%s", why);
    return false;
}

static bool wrong(struct reading *r, const char *what)
{
    char text[160];
    snprintf(text, sizeof text, "expected a POSIX extended regular expression (%s)", what);
    return refuse(r, text);
}

static bool write_step(struct reading *r, enum step step, int32_t x, int32_t y)
{
    struct conf_pattern *p = r->p;
    if (p->count >= CONF_PATTERN_STEPS)
        return refuse(r, "it is too large when its repetitions are written out; expected fewer");
    p->program[p->count].step = (uint8_t)step;
    p->program[p->count].x = x;
    p->program[p->count++].y = y;
    return true;
}

/* Copies steps from..to-1 to the end. */
static bool copy_steps(struct reading *r, int from, int to)
{
    for (int i = from; i < to; i++)
        if (!write_step(r, (enum step)r->p->program[i].step, r->p->program[i].x,
                        r->p->program[i].y))
            return false;
    return true;
}

/* A step before those from `from` on. */
static bool put_before(struct reading *r, int from, enum step step, int32_t x, int32_t y)
{
    struct conf_pattern *p = r->p;
    int count = p->count - from;
    if (!write_step(r, step, x, y))
        return false;
    memmove(&p->program[from + 1], &p->program[from], sizeof *p->program * (size_t)count);
    p->program[from].step = (uint8_t)step;
    p->program[from].x = x;
    p->program[from].y = y;
    return true;
}

/* ---- bracket expressions ---- */

static bool add_range(struct reading *r, uint32_t from, uint32_t to)
{
    if (r->p->ranges >= PATTERN_RANGES)
        return refuse(r, "it has too many ranges in brackets; expected fewer");
    r->p->range[r->p->ranges++] = (struct range){from, to};
    return true;
}

static const struct range letters[] = {{'A', 'Z'},     {0xAA, 0xAA},     {0xB5, 0xB5},
                                       {0xBA, 0xBA},   {0xC0, 0xD6},     {0xD8, 0xF6},
                                       {0xF8, 0x1FFF}, {0x3000, 0xDC7F}, {0xDD00, 0x10FFFF}};
static const struct range digits = {'0', '9'};

static bool add_letters(struct reading *r)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (!add_range(r, letters[i].from, letters[i].to))
            return false;
    return true;
}

/* Text is upper case when it is compared: what is lower or upper is any letter. */
static bool add_class(struct reading *r, const char *name, size_t length)
{
    static const struct {
        const char *name;
        bool letters, digits;
        struct range other[4];
    } classes[] = {
        {"alpha", true, false, {{0, 0}}},
        {"upper", true, false, {{0, 0}}},
        {"lower", true, false, {{0, 0}}},
        {"alnum", true, true, {{0, 0}}},
        {"digit", false, true, {{0, 0}}},
        {"xdigit", false, true, {{'A', 'F'}}},
        {"space", false, false, {{'\t', '\r'}, {' ', ' '}}},
        {"blank", false, false, {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", false, false, {{1, 31}, {127, 127}}},
        {"punct", false, false, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"graph", true, false, {{'!', '~'}}},
        {"print", true, false, {{' ', '~'}}},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) != length || strncmp(name, classes[i].name, length) != 0)
            continue;
        bool done = !classes[i].letters || add_letters(r);
        done = done && (!classes[i].digits || add_range(r, digits.from, digits.to));
        for (size_t k = 0; done && k < 4 && classes[i].other[k].to != 0; k++)
            done = add_range(r, classes[i].other[k].from, classes[i].other[k].to);
        return done;
    }
    return wrong(r, "unknown [:class:]");
}

/* [:class:], [=c=] or [.c.]; *c: the character, 0 after a class. */
static bool take_named(struct reading *r, uint32_t *c)
{
    char kind = r->at[1], end[3] = {kind, ']', '\0'};
    const char *name = r->at + 2, *close = strstr(name, end);
    if (close == NULL || close == name)
        return wrong(r, "[ without ]");
    *c = 0;
    if (kind == ':') {
        if (!add_class(r, name, (size_t)(close - name)))
            return false;
    } else {
        const char *at = name;
        *c = conf_pattern_character(&at);
        if (at != close)
            return wrong(r, "unknown collating symbol");
    }
    r->at = close + 2;
    return true;
}

static bool take_member(struct reading *r, uint32_t *c)
{
    if (r->at[0] == '\0')
        return wrong(r, "[ without ]");
    if (r->at[0] == '[' && r->at[1] != '\0' && strchr(":=.", r->at[1]) != NULL)
        return take_named(r, c);
    *c = conf_pattern_character(&r->at);
    return true;
}

static bool take_bracket(struct reading *r)
{
    int first = r->p->ranges;
    bool is_no = *++r->at == '^', is_first = true;
    if (is_no)
        r->at++;
    for (; is_first || r->at[0] != ']'; is_first = false) {
        uint32_t from, to;
        if (r->at[0] == '-' && !is_first && r->at[1] != ']')
            return wrong(r, "a \"-\" in brackets that is neither a range nor at an end");
        if (!take_member(r, &from))
            return false;
        to = from;
        if (r->at[0] == '-' && r->at[1] != ']') {
            r->at++;
            if (!take_member(r, &to))
                return false;
            if (from == 0 || to < from)
                return wrong(r, "a range in brackets that runs backwards");
        }
        if (from != 0 && !add_range(r, from, to))
            return false;
    }
    r->at++;
    return write_step(r, is_no ? STEP_NO_RANGES : STEP_RANGES, first, r->p->ranges);
}

/* ---- atoms ---- */

static bool take_escape(struct reading *r, bool *is_place)
{
    static const char places[] = "`'bB<>";
    static const enum place place_of[] = {PLACE_BEGIN,   PLACE_END,  PLACE_EDGE,
                                          PLACE_NO_EDGE, PLACE_WORD, PLACE_WORD_END};
    char c = *++r->at;
    int first = r->p->ranges;
    const char *found = c == '\0' ? NULL : strchr(places, c);
    if (c == '\0')
        return wrong(r, "a \"\\\" at its end");
    if (found) {
        r->at++;
        *is_place = true;
        return write_step(r, STEP_ASSERT, (int32_t)place_of[found - places], 0);
    }
    if (strchr("wWsS", c) != NULL) {
        bool is_word = c == 'w' || c == 'W';
        r->at++;
        return add_class(r, is_word ? "alnum" : "space", 5) &&
               (!is_word || add_range(r, '_', '_')) &&
               write_step(r, c == 'w' || c == 's' ? STEP_RANGES : STEP_NO_RANGES, first,
                          r->p->ranges);
    }
    if (c >= '0' && c <= '9')
        return refuse(r, "it refers back (\\1): that takes unbounded time; expected none");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return wrong(r, "\"\\\" before a letter that means nothing; a digit is [0-9]");
    return write_step(r, STEP_CHARACTER, (int32_t)conf_pattern_character(&r->at), 0);
}

static bool take_alternatives(struct reading *r);

static bool take_group(struct reading *r)
{
    if (r->nest >= NEST_MOST)
        return refuse(r, "its parentheses are nested too deeply; expected fewer");
    r->at++;
    r->nest++;
    if (!take_alternatives(r))
        return false;
    r->nest--;
    if (*r->at != ')')
        return wrong(r, "( without )");
    r->at++;
    return true;
}

static bool take_atom(struct reading *r, bool *is_place)
{
    char c = *r->at;
    *is_place = c == '^' || c == '$';
    if (strchr("*+?{", c) != NULL)
        return wrong(r, "nothing before a repetition");
    if (c == '(')
        return take_group(r);
    if (c == '[')
        return take_bracket(r);
    if (c == '\\')
        return take_escape(r, is_place);
    if (*is_place || c == '.') {
        r->at++;
        return c == '.' ? write_step(r, STEP_ANY, 0, 0)
                        : write_step(r, STEP_ASSERT, c == '^' ? PLACE_BEGIN : PLACE_END, 0);
    }
    return write_step(r, STEP_CHARACTER, (int32_t)conf_pattern_character(&r->at), 0);
}

/* ---- repetitions ---- */

static bool take_number(struct reading *r, int *number)
{
    const char *begin = r->at;
    for (*number = 0; *r->at >= '0' && *r->at <= '9'; r->at++)
        if (*number <= CONF_PATTERN_STEPS)
            *number = *number * 10 + (*r->at - '0');
    return r->at != begin;
}

static bool take_bounds(struct reading *r, int *least, int *most)
{
    r->at++;
    bool has_least = take_number(r, least), has_most = true;
    *most = *least;
    if (*r->at == ',') {
        r->at++;
        has_most = take_number(r, most);
        if (!has_most)
            *most = UNBOUNDED;
    }
    if (*r->at != '}' || !(has_least || has_most) || (*most != UNBOUNDED && *most < *least))
        return wrong(r, "{ without numbers in order and }");
    r->at++;
    return true;
}

/* The piece's steps are those from `from` on. */
static bool repeat(struct reading *r, int from, int least, int most)
{
    struct conf_pattern *p = r->p;
    int length = p->count - from;
    if (length == 0 || most == 0) {
        p->count = from;
        return true;
    }
    if (least == 0 && !put_before(r, from, STEP_SPLIT, 1, 0))
        return false;
    int body = least == 0 ? from + 1 : from, to = body + length;
    for (int i = 1; i < least; i++)
        if (!copy_steps(r, body, to))
            return false;
    if (most == UNBOUNDED) {
        if (!write_step(r, STEP_SPLIT, -length, 1))
            return false;
    } else {
        for (int i = least == 0 ? 1 : least; i < most; i++)
            if (!write_step(r, STEP_SPLIT, 1, (most - i) * (length + 1)) ||
                !copy_steps(r, body, to))
                return false;
    }
    if (least == 0)
        p->program[from].y = p->count - from;
    return true;
}

static bool take_piece(struct reading *r)
{
    int from = r->p->count;
    bool is_place;
    if (!take_atom(r, &is_place))
        return false;
    while (!is_place && *r->at != '\0' && strchr("*+?{", *r->at) != NULL) {
        int least = *r->at == '+', most = *r->at == '?' ? 1 : UNBOUNDED;
        if (*r->at != '{')
            r->at++;
        else if (!take_bounds(r, &least, &most))
            return false;
        if (!repeat(r, from, least, most))
            return false;
    }
    return true;
}

static bool take_branch(struct reading *r)
{
    while (*r->at != '\0' && *r->at != '|' && !(*r->at == ')' && r->nest > 0))
        if (!take_piece(r))
            return false;
    return true;
}

static bool take_alternatives(struct reading *r)
{
    int from = r->p->count;
    if (!take_branch(r))
        return false;
    while (*r->at == '|') {
        /* what is before it, or what follows; what is before it ends behind what follows */
        r->at++;
        int jump = r->p->count + 1;
        if (!put_before(r, from, STEP_SPLIT, 1, jump + 1 - from) || !write_step(r, STEP_JUMP, 0, 0))
            return false;
        int rest = r->p->count;
        if (!take_branch(r))
            return false;
        r->p->program[jump].x = r->p->count - rest + 1;
    }
    return true;
}

struct conf_pattern *conf_pattern_create(const char *text, char *error, size_t error_size)
{
    struct reading r = {.at = text, .error = error, .error_size = error_size};
    if (error_size > 0)
        error[0] = '\0';
    r.p = calloc(1, sizeof *r.p);
    if (r.p == NULL) {
        (void)refuse(&r, "out of memory");
        return NULL;
    }
    bool done = strlen(text) <= CONF_PATTERN_MAX || refuse(&r, "it is too long; expected less");
    if (!done || !take_alternatives(&r) || !write_step(&r, STEP_FOUND, 0, 0)) {
        free(r.p);
        return NULL;
    }
    return r.p;
}

void conf_pattern_destroy(struct conf_pattern *pattern)
{
    free(pattern);
}
