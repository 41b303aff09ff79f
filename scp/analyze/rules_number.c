/* Numbers in rules: values of an attribute, and the patient's age, which has units. */
#include "rules.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BIRTH_DATE DX_TAG(0x0010, 0x0030)
#define TAG_AGE        DX_TAG(0x0010, 0x1010)

bool rules_next_value(const char **text, char value[RULES_VALUE_MAX])
{
    if (!*text)
        return false;
    size_t length = strcspn(*text, "\\");
    const char *start = *text;
    *text = start[length] == '\\' ? start + length + 1 : NULL;

    while (length > 0 && start[0] == ' ')
        start++, length--;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    if (length >= RULES_VALUE_MAX)
        length = RULES_VALUE_MAX - 1;
    memcpy(value, start, length);
    value[length] = 0;
    return true;
}

/* ---- age ---- */

static bool digits(const char *text, int count, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (text[i] - '0');
    }
    return true;
}

struct date {
    int year, month, day;
};

static bool read_date(const char *text, struct date *date)
{
    return digits(text, 4, &date->year) && digits(text + 4, 2, &date->month) &&
           digits(text + 6, 2, &date->day) && date->month >= 1 && date->month <= 12 &&
           date->day >= 1 && date->day <= 31;
}

/* Of the Gregorian calendar, from a day long ago: the year begins in March. */
static long day_number(const struct date *date)
{
    long month = (date->month + 9) % 12, year = date->year - (date->month <= 2);
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date->day;
}

static bool when_taken(const struct dx_attrs *attrs, struct date *date)
{
    static const uint32_t tags[] = {DX_TAG(0x0008, 0x0020), DX_TAG(0x0008, 0x0022),
                                    DX_TAG(0x0008, 0x0023), DX_TAG(0x0008, 0x0021)};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (read_date(dx_attrs_text(attrs, tags[i]), date))
            return true;
    return false;
}

static bool age_by_dates(const struct dx_attrs *attrs, enum conf_unit unit, double *age)
{
    struct date born, taken;
    if (!read_date(dx_attrs_text(attrs, TAG_BIRTH_DATE), &born) || !when_taken(attrs, &taken))
        return false;
    long days = day_number(&taken) - day_number(&born);
    int months = (taken.year - born.year) * 12 + taken.month - born.month - (taken.day < born.day);
    if (days < 0)
        return false;
    *age = unit == CONF_DAYS     ? (double)days
           : unit == CONF_WEEKS  ? (double)(days / 7)
           : unit == CONF_MONTHS ? (double)months
                                 : (double)(months / 12);
    return true;
}

bool rules_age(const struct dx_attrs *attrs, enum conf_unit unit, double *age)
{
    static const char letters[] = "YMWD";
    static const double days[] = {365.2425, 30.436875, 7, 1};
    const char *text = dx_attrs_text(attrs, TAG_AGE);
    int number;
    const char *letter = digits(text, 3, &number) && text[3] ? strchr(letters, text[3]) : NULL;
    if (unit == CONF_PLAIN)
        unit = CONF_YEARS;
    if (!letter)
        return age_by_dates(attrs, unit, age);
    *age = floor(number * days[letter - letters] / days[unit - CONF_YEARS] + 1e-9);
    return true;
}

/* ---- bounds ---- */

static bool is_within(const struct conf_match *match, double least, double most)
{
    return (!match->least || least >= match->bound[CONF_LEAST].number) &&
           (!match->most || most <= match->bound[CONF_MOST].number);
}

bool rules_is_within(const struct dx_attrs *attrs, const struct conf_match *match)
{
    if (match->tag == TAG_AGE) {
        double in_least, in_most;
        return rules_age(attrs, match->bound[CONF_LEAST].unit, &in_least) &&
               rules_age(attrs, match->bound[CONF_MOST].unit, &in_most) &&
               is_within(match, in_least, in_most);
    }
    const char *text = dx_attrs_text(attrs, match->tag);
    char value[RULES_VALUE_MAX];
    while (rules_next_value(&text, value)) {
        char *end;
        double number = strtod(value, &end);
        if (end != value && *end == '\0' && isfinite(number) && is_within(match, number, number))
            return true;
    }
    return false;
}
