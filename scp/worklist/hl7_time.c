/* TS: YYYYMM[DD[HH[MM[SS[.S[S[S[S]]]]]]]][+/-ZZZZ], HL7 2.3.1 and 2.5.1, chapter 2. */
#include "hl7_read.h"

#include <string.h>

static bool number(const char **at, int digits, int least, int most, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (c - '0');
    }
    *at += digits;
    return *value >= least && *value <= most;
}

/* Days since 1970 in the Gregorian calendar; a year begins with March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t of_year = (153 * (int64_t)(month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

int64_t hl7_time(const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text;
    int year, part[5] = {1, 1, 0, 0, 0}; /* month, day, hour, minute, second */
    static const int least[] = {1, 1, 0, 0, 0}, most[] = {12, 31, 23, 59, 60};
    if (!number(&at, 4, 1970, 9999, &year))
        return 0;
    for (int i = 0; i < 5 && *at >= '0' && *at <= '9'; i++)
        if (!number(&at, 2, least[i], most[i], &part[i]))
            return 0;
    if (part[1] > days[part[0] - 1])
        return 0;
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    int hours = 0, minutes = 0;
    const char sign = *at;
    if (sign == '+' || sign == '-') {
        at++;
        if (!number(&at, 2, 0, 14, &hours) || !number(&at, 2, 0, 59, &minutes))
            return 0;
    }
    if (*at != '\0')
        return 0;
    int64_t zone = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    int64_t minute = (days_of(year, part[0], part[1]) * 24 + part[2]) * 60 + part[3] - zone;
    return (minute * 60 + part[4]) * 1000;
}
