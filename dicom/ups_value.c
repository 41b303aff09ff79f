#include "ups_value.h"

#include <string.h>
#include <time.h>

#define MICRO    INT64_C(1000000)
#define LOCAL    INT64_MIN
#define ZONE_MAX 1400 /* hours and minutes: a range's year is never as small */

struct text {
    const char *at;
    size_t length;
};

/* ---- words ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t character(const struct text *t, size_t at)
{
    size_t length = 1;
    while (at + length < t->length && ((unsigned char)t->at[at + length] & 0xc0u) == 0x80u)
        length++;
    return length;
}

/* '*' any characters, '?' one. One way back is enough: what an earlier star could take, the last
 * one can. */
static bool glob(struct text key, struct text value, bool folds)
{
    size_t k = 0, v = 0, star = SIZE_MAX, from = 0;
    while (v < value.length) {
        if (k < key.length && key.at[k] == '*') {
            star = k++;
            from = v;
        } else if (k < key.length && key.at[k] == '?') {
            k++;
            v += character(&value, v);
        } else if (k < key.length && (key.at[k] == value.at[v] ||
                                      (folds && lower(key.at[k]) == lower(value.at[v])))) {
            k++;
            v++;
        } else if (star != SIZE_MAX) {
            k = star + 1;
            from += character(&value, from);
            v = from;
        } else {
            return false;
        }
    }
    while (k < key.length && key.at[k] == '*')
        k++;
    return k == key.length;
}

/* The next part of a text, up to the separator; false: there is none. */
static bool next_part(struct text *rest, char separator, struct text *part)
{
    if (rest->at == NULL)
        return false;
    const char *end = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
    part->at = rest->at;
    part->length = end != NULL ? (size_t)(end - rest->at) : rest->length;
    rest->length -= part->length + (end != NULL);
    rest->at = end != NULL ? end + 1 : NULL;
    return true;
}

static struct text without_carets(struct text t)
{
    while (t.length > 0 && (t.at[t.length - 1] == '^' || t.at[t.length - 1] == ' '))
        t.length--;
    return t;
}

/* The whole name, or one of its groups (alphabetic, ideographic, phonetic). */
static bool name_matches(struct text key, struct text value)
{
    struct text group, rest = value;
    key = without_carets(key);
    if (glob(key, without_carets(value), true))
        return true;
    while (next_part(&rest, '=', &group))
        if (glob(key, without_carets(group), true))
            return true;
    return false;
}

static bool uid_matches(struct text key, struct text value)
{
    struct text part;
    while (next_part(&key, '\\', &part))
        if (part.length == value.length && memcmp(part.at, value.at, value.length) == 0)
            return true;
    return false;
}

/* ---- times ---- */

struct span {
    int64_t first, last; /* microseconds since 1970, UTC; both are in it */
};

static bool digits(struct text *t, size_t count, int *number)
{
    int value = 0;
    if (t->length < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (t->at[i] < '0' || t->at[i] > '9')
            return false;
        value = 10 * value + (t->at[i] - '0');
    }
    *number = value;
    t->at += count;
    t->length -= count;
    return true;
}

/* "+hhmm" or "-hhmm" at the beginning, taken; in minutes. */
static bool take_zone(struct text *t, int64_t *minutes)
{
    struct text rest = *t;
    int number;
    if (rest.length < 5 || (rest.at[0] != '+' && rest.at[0] != '-'))
        return false;
    bool is_west = rest.at[0] == '-';
    rest.at++;
    rest.length--;
    if (!digits(&rest, 4, &number) || number > ZONE_MAX || number % 100 > 59 ||
        (rest.length > 0 && rest.at[0] != '-'))
        return false;
    *minutes = (number / 100 * 60 + number % 100) * (is_west ? -1 : 1);
    *t = rest;
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return INT64_C(365) * (year - 1970) + leaps + before[month - 1] + day - 1;
}

static int64_t instant(const int part[6], int64_t micro, int64_t zone)
{
    if (zone == LOCAL) {
        struct tm tm = {.tm_year = part[0] - 1900,
                        .tm_mon = part[1] - 1,
                        .tm_mday = part[2],
                        .tm_hour = part[3],
                        .tm_min = part[4],
                        .tm_sec = part[5],
                        .tm_isdst = -1};
        return (int64_t)mktime(&tm) * MICRO + micro;
    }
    int64_t seconds = days_of(part[0], part[1], part[2]) * 86400 + part[3] * INT64_C(3600) +
                      part[4] * INT64_C(60) + part[5] - zone * 60;
    return seconds * MICRO + micro;
}

static int last_day(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static void take_fraction(struct text *t, int64_t micro[2])
{
    int64_t unit = MICRO;
    micro[0] = 0;
    micro[1] = MICRO - 1;
    if (t->length == 0 || t->at[0] != '.')
        return;
    do {
        t->at++;
        t->length--;
        if (t->length == 0 || t->at[0] < '0' || t->at[0] > '9')
            break;
        unit /= 10;
        micro[0] += (t->at[0] - '0') * unit;
    } while (unit > 1);
    if (unit == 1 && t->length > 0) {
        t->at++;
        t->length--;
    }
    micro[1] = micro[0] + unit - 1;
}

/* YYYY[MM[DD[HH[MM[SS[.F]]]]]][zone], taken; what is not said is any. */
static bool take_time(struct text *t, int64_t zone, struct span *span)
{
    static const int least[] = {0, 1, 1, 0, 0, 0}, most[] = {9999, 12, 31, 23, 59, 60};
    int low[6] = {0, 1, 1, 0, 0, 0}, high[6] = {0, 12, 31, 23, 59, 59};
    int64_t micro[2] = {0, MICRO - 1};
    int parts = 0, number;
    while (parts < 6 && digits(t, parts == 0 ? 4 : 2, &number)) {
        if (number < least[parts] || number > most[parts])
            return false;
        low[parts] = high[parts] = number;
        parts++;
    }
    if (parts == 0 || (parts > 2 && low[2] > last_day(low[0], low[1])))
        return false;
    if (parts < 3)
        high[2] = last_day(high[0], high[1]);
    if (parts == 6)
        take_fraction(t, micro);
    (void)take_zone(t, &zone);
    span->first = instant(low, micro[0], zone);
    span->last = instant(high, micro[1], zone);
    return true;
}

/* A time, or two with a hyphen between, each of which may be missing. */
static bool take_range(struct text t, int64_t zone, struct span *span)
{
    struct span other;
    *span = (struct span){INT64_MIN, INT64_MAX};
    if (t.length > 0 && t.at[0] != '-' && !take_time(&t, zone, span))
        return false;
    if (t.length == 0)
        return true;
    if (t.at[0] != '-')
        return false;
    t.at++;
    t.length--;
    span->last = INT64_MAX;
    if (t.length == 0)
        return true;
    if (!take_time(&t, zone, &other) || t.length != 0)
        return false;
    span->last = other.last;
    return true;
}

static bool time_matches(struct text key, struct text value, int64_t zone)
{
    struct span wanted, has;
    return take_range(key, zone, &wanted) && take_time(&value, zone, &has) && value.length == 0 &&
           has.last >= wanted.first && has.first <= wanted.last;
}

static bool date_matches(struct text key, struct text value)
{
    return time_matches(key, value, 0); /* days of no place */
}

/* ---- a value ---- */

static bool one_matches(const char *vr, struct text key, struct text value, int64_t zone)
{
    if (strcmp(vr, "UI") == 0)
        return uid_matches(key, value);
    if (strcmp(vr, "DT") == 0)
        return time_matches(key, value, zone);
    if (strcmp(vr, "DA") == 0)
        return date_matches(key, value);
    if (strcmp(vr, "PN") == 0)
        return name_matches(key, value);
    return glob(key, value, false);
}

static bool has_separator(const char *vr)
{
    static const char *const whole[] = {"LT", "ST", "UT", "UR", "UN", "US"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(vr, whole[i]) == 0)
            return false;
    return true;
}

bool dx_ups_value_matches(const struct dx_node *key, const struct dx_node *item,
                          const struct dx_node *zone)
{
    struct text wanted = {key->value, key->length}, value, says = {NULL, 0};
    struct text rest = {item != NULL && item->value != NULL ? item->value : "",
                        item != NULL ? item->length : 0};
    int64_t minutes = LOCAL;
    if (zone != NULL && zone->length == 5) {
        says = (struct text){zone->value, zone->length};
        if (!take_zone(&says, &minutes))
            minutes = LOCAL;
    }
    if (!has_separator(key->vr))
        return one_matches(key->vr, wanted, rest, minutes);
    while (next_part(&rest, '\\', &value))
        if (one_matches(key->vr, wanted, value, minutes))
            return true;
    return false;
}
