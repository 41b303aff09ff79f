/* data_fixture.h: a folder of one test with small images in it. */
#ifndef DATA_FIXTURE_H
#define DATA_FIXTURE_H

#include "data.h"
#include "nn_fixture.h"

#include <ftw.h>
#include <sys/stat.h>

static char dir[32];

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline int make_dir(void **state)
{
    (void)state;
    fixture_dir(dir);
    return 0;
}

static inline int remove_dir(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void make_folder(char path[PATH_MAX], const char *name)
{
    fixture_path(path, dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static inline void write_text(const char *name, const char *text)
{
    char path[PATH_MAX];

    fixture_path(path, dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* 4 x 3 pixels, the level tells the class. */
static inline void write_small(const char *name, int level)
{
    char path[PATH_MAX];
    uint8_t pixels[12];
    struct nn_error err;

    fixture_path(path, dir, name);
    memset(pixels, level, sizeof pixels);
    assert_int_equal(nn_image_write_png(path, pixels, 3, 4, 1, &err), NN_OK);
}

static inline struct data_set *opened(const char *name)
{
    char path[PATH_MAX];
    struct data_set *set;
    struct nn_error err;

    fixture_path(path, dir, name);
    if (data_open(path, &set, &err) != NN_OK)
        fail_msg("%s", err.text);
    return set;
}

static inline void refused_as(const char *name, enum nn_status expected, const char *words)
{
    char path[PATH_MAX];
    struct data_set *set;
    struct nn_error err;

    fixture_path(path, dir, name);
    enum nn_status status = data_open(path, &set, &err);
    if (status == NN_OK || !strstr(err.text, words))
        fail_msg("\"%s\" lacks \"%s\"", status == NN_OK ? "ok" : err.text, words);
    assert_int_equal(status, expected);
    assert_null(set);
}

static inline int make_listed(void **state)
{
    char path[PATH_MAX];

    make_dir(state);
    make_folder(path, "img");
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "img/%02d.png", i);
        write_small(name, 10 * (i % 2));
    }
    write_small("img/one, two \"3\".png", 7);
    return 0;
}

#endif
