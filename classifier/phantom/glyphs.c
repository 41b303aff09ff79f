/* glyphs.c: capitals, digits, the small letters and the signs that burned-in text uses. */
#include "glyphs.h"

static const char *const CAPITALS[26] = {
    "060110304146 0343",             /* A */
    "0600304142330333 334445360636", /* B */
    "4130100105163645",              /* C */
    "06002041452606",                /* D */
    "40000646 0333",                 /* E */
    "400006 0333",                   /* F */
    "41301001051636454323",          /* G */
    "0006 4046 0343",                /* H */
    "1030 2026 1636",                /* I */
    "1040 30351605",                 /* J */
    "0006 400346",                   /* K */
    "000646",                        /* L */
    "0600234046",                    /* M */
    "06004640",                      /* N */
    "100105163645413010",            /* O */
    "06003041423303",                /* P */
    "100105163645413010 2446",       /* Q */
    "06003041423303 2346",           /* R */
    "413010010213334445361605",      /* S */
    "0040 2026",                     /* T */
    "000516364540",                  /* U */
    "002640",                        /* V */
    "0016233640",                    /* W */
    "0046 4006",                     /* X */
    "002340 2326",                   /* Y */
    "00400646",                      /* Z */
};
static const char *const DIGITS[10] = {
    "100105163645413010",       "112026 1636", "0110304142330646",
    "003041423313334445361605", "36300444",    "40000313334445361605",
    "4130100105163645443304",   "004016",      "13020110304142331304051636454433",
    "0516364541301001021342",
};

static const char *small(char character)
{
    switch (character) {
    case 'a':
        return "12324346 4313040516364345";
    case 'b':
        return "0006 0312324345360605";
    case 'c':
        return "4332120305163645";
    case 'd':
        return "4046 433212030516364545";
    case 'e':
        return "04444332120305163645";
    case 'i':
        return "2226 2020";
    case 'l':
        return "102026 1636";
    case 'm':
        return "0602 03122326 23324346";
    case 'n':
        return "0602 0312324346";
    case 'o':
        return "120305163645433212";
    case 'p':
        return "0208 0312324345360605";
    case 'r':
        return "0602 03123243";
    case 's':
        return "43321203143445361605";
    case 't':
        return "1015263645 0232";
    case 'u':
        return "0205163645 4246";
    case 'x':
        return "0246 4206";
    default:
        return "";
    }
}

const char *nn_phantom_glyph(char character)
{
    if (character >= 'A' && character <= 'Z')
        return CAPITALS[character - 'A'];
    if (character >= '0' && character <= '9')
        return DIGITS[character - '0'];
    switch (character) {
    case '-':
        return "0343";
    case ':':
        return "2323 2626";
    case '.':
        return "2626";
    case '/':
        return "0640";
    case '%':
        return "0640 1010 3636";
    default:
        return small(character);
    }
}
