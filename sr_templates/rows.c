/* The rows, from PS3.16 (2022c to 2025b agree on them) annex A: TID 300, 1001, 1002, 1004, 1204,
 * 1410, 1419, 1500, 1501, 1600, 1601, 1602 and 4019. Numbers are those of 2022c, which PixelMed's
 * validator was made from. Rows whose value types the reports never have (dates, waveforms, 3D
 * coordinates, composite objects) are left out. Stricter than the Standard in two places: TID 1002
 * row 1 is mandatory because the observer is a device, and so is TID 1500 row 4 because IHE RAD AIR
 * asks for it. */
#include "rows.h"

#define CONTAINS DX_SR_CONTAINS
#define MOD      DX_SR_HAS_CONCEPT_MOD
#define OBS      DX_SR_HAS_OBS_CONTEXT
#define ACQ      DX_SR_HAS_ACQ_CONTEXT
#define SELECTED DX_SR_SELECTED_FROM
#define INFERRED DX_SR_INFERRED_FROM
#define ANY      NULL, NULL, NULL
#define DCM(v)   v, "DCM", NULL
#define SCT(v)   v, "SCT", NULL
#define ONE      false, NULL
#define MANY     true, NULL

/* TID 4019 below a parent that includes it. */
#define ALGORITHM(parent)                                                                          \
    {"TID 4019 row 1", parent, MOD, DX_SR_TEXT, DCM("111001"), SRT_M, true, ONE},                  \
        {"TID 4019 row 2", parent, MOD, DX_SR_TEXT, DCM("111003"), SRT_M, true, ONE},              \
        {"TID 4019 row 3", parent, MOD, DX_SR_TEXT, DCM("111002"), SRT_U, true, MANY},             \
    {                                                                                              \
        "TID 4019 row 4", parent, MOD, DX_SR_CODE, DCM("111000"), SRT_U, true, ONE                 \
    }

/* TID 1602 below an image or a whole group of them. */
#define DESCRIPTORS(parent)                                                                        \
    {"TID 1602 row 1", parent, ACQ, DX_SR_CODE, DCM("121139"), SRT_M, true, ONE},                  \
        {"TID 1602 row 2", parent, ACQ, DX_SR_CODE, DCM("123014"), SRT_U, true, ONE},              \
        {"TID 1602 row 3", parent, ACQ, DX_SR_CODE, DCM("111027"), SRT_U, true, ONE},              \
        {"TID 1602 row 10", parent, ACQ, DX_SR_UIDREF, DCM("112227"), SRT_U, true, ONE},           \
        {"TID 1602 row 11", parent, ACQ, DX_SR_NUM, DCM("110910"), SRT_U, true, ONE},              \
    {                                                                                              \
        "TID 1602 row 12", parent, ACQ, DX_SR_NUM, DCM("110911"), SRT_U, true, ONE                 \
    }

const struct srt_row srt_rows[] = {
    {"TID 1500 row 1", NULL, DX_SR_ROOT, DX_SR_CONTAINER, DCM("126000"), SRT_M, false, false,
     "1500"},
    {"TID 1204 row 1", "TID 1500 row 1", MOD, DX_SR_CODE, DCM("121049"), SRT_M, false, ONE},
    {"TID 1204 row 2", "TID 1204 row 1", MOD, DX_SR_CODE, DCM("121046"), SRT_U, false, ONE},
    {"TID 1002 row 1", "TID 1500 row 1", OBS, DX_SR_CODE, "121005", "DCM", "121007", SRT_M, false,
     ONE},
    {"TID 1004 row 1", "TID 1500 row 1", OBS, DX_SR_UIDREF, DCM("121012"), SRT_M, false, ONE},
    {"TID 1004 row 2", "TID 1500 row 1", OBS, DX_SR_TEXT, DCM("121013"), SRT_U, false, ONE},
    {"TID 1004 row 3", "TID 1500 row 1", OBS, DX_SR_TEXT, DCM("121014"), SRT_U, false, ONE},
    {"TID 1004 row 4", "TID 1500 row 1", OBS, DX_SR_TEXT, DCM("121015"), SRT_U, false, ONE},
    {"TID 1004 row 5", "TID 1500 row 1", OBS, DX_SR_TEXT, DCM("121016"), SRT_U, false, ONE},
    {"TID 1004 row 6", "TID 1500 row 1", OBS, DX_SR_TEXT, DCM("121017"), SRT_U, false, ONE},
    {"TID 1004 row 7", "TID 1500 row 1", OBS, DX_SR_CODE, DCM("113876"), SRT_U, false, MANY},
    {"TID 1500 row 4", "TID 1500 row 1", MOD, DX_SR_CODE, DCM("121058"), SRT_M, false, MANY},
    {"TID 1600 row 1", "TID 1500 row 1", CONTAINS, DX_SR_CONTAINER, DCM("111028"), SRT_M, true,
     false, "1600"},
    {"TID 1600 row 2", "TID 1600 row 1", CONTAINS, DX_SR_CONTAINER, DCM("126200"), SRT_U, false,
     MANY},
    DESCRIPTORS("TID 1600 row 2"),
    {"TID 1601 row 1", "TID 1600 row 2", CONTAINS, DX_SR_IMAGE, "", NULL, NULL, SRT_M, true, MANY},
    DESCRIPTORS("TID 1601 row 1"),

    {"TID 1500 row 6", "TID 1500 row 1", CONTAINS, DX_SR_CONTAINER, DCM("126010"), SRT_MC, false,
     ONE},
    ALGORITHM("TID 1500 row 6"),
    {"TID 1410 row 1", "TID 1500 row 6", CONTAINS, DX_SR_CONTAINER, DCM("125007"), SRT_M, true,
     true, "1410"},
    {"TID 1410 row 2", "TID 1410 row 1", OBS, DX_SR_TEXT, DCM("112039"), SRT_U, false, ONE},
    {"TID 1410 row 3", "TID 1410 row 1", OBS, DX_SR_UIDREF, DCM("112040"), SRT_U, false, ONE},
    {"TID 1410 row 3b", "TID 1410 row 1", CONTAINS, DX_SR_CODE, DCM("121071"), SRT_U, false, ONE},
    {"TID 1410 row 3c", "TID 1410 row 1", CONTAINS, DX_SR_CODE, DCM("130400"), SRT_U, false, ONE},
    {"TID 1410 row 5", "TID 1410 row 1", CONTAINS, DX_SR_SCOORD, DCM("111030"), SRT_MC, false, ONE},
    {"TID 1410 row 6", "TID 1410 row 5", SELECTED, DX_SR_IMAGE, ANY, SRT_M, false, ONE},
    {"TID 1410 row 7", "TID 1410 row 1", CONTAINS, DX_SR_IMAGE, DCM("121214"), SRT_MC, false, ONE},
    {"TID 1410 row 8", "TID 1410 row 1", CONTAINS, DX_SR_IMAGE, DCM("121233"), SRT_U, false, ONE},
    {"TID 1410 row 9", "TID 1410 row 1", CONTAINS, DX_SR_IMAGE, DCM("121200"), SRT_U, false, ONE},
    {"TID 1419 row 1", "TID 1410 row 1", MOD, DX_SR_CODE, SCT("370129005"), SRT_U, false, ONE},
    {"TID 1419 row 2", "TID 1410 row 1", MOD, DX_SR_CODE, SCT("363698007"), SRT_U, false, MANY},
    {"TID 1419 row 3", "TID 1419 row 2", MOD, DX_SR_CODE, SCT("272741003"), SRT_U, false, ONE},
    {"TID 1419 row 4", "TID 1419 row 2", MOD, DX_SR_CODE, SCT("106233006"), SRT_U, false, ONE},
    {"TID 1419 row 5", "TID 1410 row 1", CONTAINS, DX_SR_NUM, ANY, SRT_M, false, MANY},
    {"TID 1419 row 6", "TID 1419 row 5", MOD, DX_SR_CODE, ANY, SRT_U, false, MANY},
    {"TID 1419 row 7", "TID 1419 row 5", MOD, DX_SR_CODE, SCT("370129005"), SRT_U, false, ONE},
    {"TID 1419 row 8", "TID 1419 row 5", MOD, DX_SR_CODE, DCM("121401"), SRT_U, false, ONE},
    {"TID 1419 row 9", "TID 1419 row 5", MOD, DX_SR_CODE, SCT("363698007"), SRT_U, false, MANY},
    {"TID 1419 row 18", "TID 1419 row 5", MOD, DX_SR_TEXT, DCM("121050"), SRT_U, false, ONE},
    ALGORITHM("TID 1419 row 5"),

    {"TID 1501 row 1", "TID 1500 row 6", CONTAINS, DX_SR_CONTAINER, DCM("125007"), SRT_M, true,
     true, "1501"},
    {"TID 1501 row 2", "TID 1501 row 1", OBS, DX_SR_TEXT, DCM("112039"), SRT_U, false, ONE},
    {"TID 1501 row 3", "TID 1501 row 1", OBS, DX_SR_UIDREF, DCM("112040"), SRT_U, false, ONE},
    {"TID 1501 row 3b", "TID 1501 row 1", CONTAINS, DX_SR_CODE, DCM("121071"), SRT_U, false, ONE},
    {"TID 1501 row 5", "TID 1501 row 1", MOD, DX_SR_CODE, SCT("370129005"), SRT_U, false, ONE},
    {"TID 1501 row 6", "TID 1501 row 1", MOD, DX_SR_CODE, SCT("363698007"), SRT_U, false, MANY},
    {"TID 1501 row 7", "TID 1501 row 6", MOD, DX_SR_CODE, SCT("272741003"), SRT_U, false, ONE},
    {"TID 1501 row 8", "TID 1501 row 6", MOD, DX_SR_CODE, SCT("106233006"), SRT_U, false, ONE},
    ALGORITHM("TID 1501 row 1"),
    {"TID 300 row 1", "TID 1501 row 1", CONTAINS, DX_SR_NUM, ANY, SRT_M, true, MANY},
    {"TID 300 row 2", "TID 300 row 1", MOD, DX_SR_CODE, ANY, SRT_U, false, MANY},
    {"TID 300 row 3", "TID 300 row 1", MOD, DX_SR_CODE, SCT("370129005"), SRT_U, false, ONE},
    {"TID 300 row 4", "TID 300 row 1", MOD, DX_SR_CODE, DCM("121401"), SRT_U, false, ONE},
    {"TID 300 row 5", "TID 300 row 1", MOD, DX_SR_CODE, SCT("363698007"), SRT_U, false, MANY},
    {"TID 320 row 1", "TID 300 row 1", INFERRED, DX_SR_IMAGE, ANY, SRT_U, false, MANY},
    {"TID 300 row 16", "TID 300 row 1", MOD, DX_SR_TEXT, DCM("121050"), SRT_U, false, ONE},
    ALGORITHM("TID 300 row 1"),
    {"TID 1501 row 10b", "TID 1501 row 1", CONTAINS, DX_SR_IMAGE, ANY, SRT_U, false, MANY},
    {"TID 1501 row 10c", "TID 1501 row 1", CONTAINS, DX_SR_SCOORD, ANY, SRT_U, false, MANY},
    {"TID 1501 row 10d", "TID 1501 row 10c", SELECTED, DX_SR_IMAGE, ANY, SRT_M, false, ONE},

    {"TID 1500 row 12", "TID 1500 row 1", CONTAINS, DX_SR_CONTAINER, "C0034375", "UMLS", NULL,
     SRT_MC, false, ONE},
    ALGORITHM("TID 1500 row 12"),
    {"TID 1500 row 13", "TID 1500 row 12", CONTAINS, DX_SR_CODE, ANY, SRT_U, false, MANY},
    {"TID 1500 row 13b", "TID 1500 row 13", MOD, DX_SR_CODE, ANY, SRT_U, false, MANY},
    {"TID 1500 row 14", "TID 1500 row 12", CONTAINS, DX_SR_TEXT, ANY, SRT_U, false, MANY},
};
const unsigned srt_row_count = sizeof srt_rows / sizeof *srt_rows;
