/* Labelled data: folders and CSV files are read, and what is wrong with them is named. */
#include "data_fixture.h"

static void refused(const char *csv, const char *words)
{
    write_text("bad.csv", csv);
    refused_as("bad.csv", NN_BAD_DATA, words);
}

/* ---- folders ---- */

static void a_folder_of_any_depth(void **state)
{
    char path[PATH_MAX];

    (void)state;
    make_folder(path, "deep");
    make_folder(path, "deep/c-spine_normal");
    make_folder(path, "deep/c-spine_normal/sub");
    make_folder(path, "deep/burst");
    make_folder(path, "deep/.hidden");
    write_small("deep/c-spine_normal/b.png", 10);
    write_small("deep/c-spine_normal/sub/a.png", 20);
    write_small("deep/burst/x.dat", 30); /* the content decides, not the ending */
    write_text("deep/burst/Thumbs.db", "litter");
    write_text("deep/burst/.DS_Store", "litter");
    write_text("deep/manifest.csv", "not looked at");
    make_folder(path, "deep/masks"); /* of `cervigate phantom --masks` */
    write_small("deep/masks/x_mask.png", 40);
    struct data_set *set = opened("deep/");
    assert_int_equal(set->count, 3);
    assert_int_equal(set->classes, 2);
    assert_string_equal(set->class_name[0], "burst");
    assert_string_equal(set->class_name[1], "normal");
    assert_string_equal(set->items[0].name, "burst/x.dat");
    assert_string_equal(set->items[1].name, "c-spine_normal/b.png");
    assert_string_equal(set->items[2].name, "c-spine_normal/sub/a.png");
    assert_int_equal(set->items[2].label, 1);
    assert_string_equal(set->words, "deep: 3 images");
    assert_int_equal(set->split, DATA_SPLIT_GROUPED);
    data_close(set);
    data_close(NULL);
}

static void odd_folders_are_refused(void **state)
{
    char path[PATH_MAX];

    (void)state;
    refused_as("nowhere", NN_MISSING, "nowhere: No such file");
    make_folder(path, "odd");
    refused_as("odd", NN_BAD_DATA, "odd: no images");
    make_folder(path, "odd/normal");
    refused_as("odd", NN_BAD_DATA, "odd/normal: no images: every folder of the data is a class");
    write_small("odd/normal/a.png", 1);
    refused_as("odd", NN_BAD_DATA, "one class, \"normal\"");
    make_folder(path, "odd/Normal");
    write_small("odd/Normal/a.png", 1);
    refused_as("odd", NN_BAD_DATA, "one spelling is expected");
    fixture_path(path, dir, "odd/Normal/a.png");
    unlink(path);
    write_text("odd/Normal/notes.txt", "these are my notes, and no image at all");
    char from[PATH_MAX], to[PATH_MAX];
    fixture_path(from, dir, "odd/Normal");
    fixture_path(to, dir, "odd/fracture");
    assert_int_equal(rename(from, to), 0);
    refused_as("odd", NN_BAD_DATA, "odd/fracture/notes.txt: no PNG, JPEG or DICOM image");
    fixture_path(path, dir, "odd/fracture/notes.txt");
    unlink(path);
    write_small("odd/fracture/a.png", 1);
    write_small("odd/stray.png", 1);
    refused_as("odd", NN_BAD_DATA, "odd/stray.png: an image outside the folders");
    fixture_path(path, dir, "odd/stray.png");
    unlink(path);
    make_folder(path, "odd/no name");
    write_small("odd/no name/a.png", 1);
    refused_as("odd", NN_BAD_DATA, "class \"no name\": letters, digits");
}

/* ---- CSV ---- */

static void links_are_followed_to_an_end(void **state)
{
    char path[PATH_MAX];

    (void)state;
    make_folder(path, "links");
    make_folder(path, "links/normal");
    make_folder(path, "links/fracture");
    write_small("links/normal/a.png", 1);
    write_small("links/fracture/b.png", 2);
    fixture_path(path, dir, "links/normal/circle");
    assert_int_equal(symlink("..", path), 0);
    refused_as("links", NN_LIMIT, "does a link lead back");
    unlink(path);
    assert_int_equal(symlink("nowhere", path), 0);
    refused_as("links", NN_MISSING, "links/normal/circle: No such file or directory: a link");
    unlink(path);
    assert_int_equal(symlink("circle", path), 0);
    refused_as("links", NN_MISSING, "a link that leads nowhere");
    unlink(path);
    assert_int_equal(symlink("a.png", path), 0);
    data_close(opened("links"));
}

static void every_column_is_read(void **state)
{
    (void)state;
    write_text("all.csv",
               "\xef\xbb\xbf"
               "class,FILE,patient,study,station,age,sex,view,level,lesion,x0,y0,x1,"
               "y1,part,other\r\n"
               "c-spine_fracture,img/00.png,P 1,1.2,XR1,57,female,LL,4,wedge,1,0.5,4,3,test,?\r\n"
               "normal,\"img/one, two \"\"3\"\".png\",P 1,,,057Y,,,,,,,,,Training,\r\n"
               "normal,./img/01.png,,,,,m,,,,0,0,0,0,validation,\r\n");
    struct data_set *set = opened("all.csv");
    const struct data_item *item = set->items;
    assert_int_equal(set->count, 3);
    assert_int_equal(set->split, DATA_SPLIT_GIVEN);
    assert_string_equal(item[0].name, "img/00.png");
    assert_int_equal(item[0].label, 0);
    assert_string_equal(item[0].patient, "P 1");
    assert_string_equal(item[0].study, "1.2");
    assert_string_equal(item[0].station, "XR1");
    assert_int_equal(item[0].age, 57);
    assert_string_equal(item[0].sex, "F");
    assert_string_equal(item[0].view, "LL");
    assert_string_equal(item[0].level, "4");
    assert_string_equal(item[0].type, "wedge");
    assert_true(item[0].boxed);
    assert_true(item[0].box[2] > 3.9 && item[0].box[1] < 0.6);
    assert_int_equal(item[0].part, DATA_TEST);
    assert_string_equal(item[1].name, "img/one, two \"3\".png");
    assert_int_equal(item[1].age, 57);
    assert_string_equal(item[1].sex, "");
    assert_false(item[1].boxed);
    assert_int_equal(item[1].part, DATA_TRAINING);
    assert_int_equal(item[2].age, -1);
    assert_string_equal(item[2].sex, "M");
    assert_false(item[2].boxed);
    assert_int_equal(item[2].line, 4);
    data_close(set);
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    refused("", "bad.csv: empty");
    refused("file,label\n", "bad.csv:1: no column class");
    refused("class,x\n", "bad.csv:1: no column file");
    refused("file,class,File\n", "bad.csv:1: two columns are named file (1 and 3)");
    refused("file,class,x0,y0,x1\n", "bad.csv:1: a box has four columns");
    refused("file;class\n", "bad.csv:1: columns separated by semicolons");
    refused("file,class\n", "bad.csv: no images");
}

static void wrong_rows_are_refused(void **state)
{
    (void)state;
    refused("file,class\nimg/00.png\n", "bad.csv:2: 1 columns; 2 are expected");
    refused("file,class\n,normal\n", "bad.csv:2: file \"\"");
    refused("file,class\nimg,normal\n", "bad.csv:2: ");
    refused("file,class\nimg/00.png,\n", "bad.csv:2: img/00.png: class \"\"");
    refused("file,class\nimg/00.png,normal\nimg/01.png,Normal\n",
            "bad.csv:3: img/01.png: class \"Normal\" is \"normal\" elsewhere");
    refused("file,class\nimg/00.png,a\nimg/01.png,a\n", "one class, \"a\"");
    refused("file,class\nimg/00.png,a\nimg/01.png,b\nimg/../img/00.png,b\n",
            "img/00.png is in line 2 already");
    refused("file,class,age\nimg/00.png,a,old\n", "bad.csv:2: age \"old\": years from 0 to 120");
    refused("file,class,age\nimg/00.png,a,-1\n", "bad.csv:2: age \"-1\"");
    refused("file,class,age\nimg/00.png,a,121\n", "bad.csv:2: age \"121\"");
    refused("file,class,age\nimg/00.png,a,nan\n", "bad.csv:2: age \"nan\"");
    refused("file,class,sex\nimg/00.png,a,x\n", "bad.csv:2: sex \"x\": M, F, O");
    refused("file,class,part\nimg/00.png,a,train\n", "bad.csv:2: part \"train\": training,");
    refused("file,class,part\nimg/00.png,a,\n", "bad.csv:2: part \"\"");
    refused("file,class,x0,y0,x1,y1\nimg/00.png,a,1,2,3,\n", "bad.csv:2: a box with 3 of 4");
    refused("file,class,x0,y0,x1,y1\nimg/00.png,a,1,2,1,3\n",
            "bad.csv:2: x1 \"1\": the box is inv");
    refused("file,class,x0,y0,x1,y1\nimg/00.png,a,1,2,3,1\n",
            "bad.csv:2: y1 \"1\": the box is inv");
    refused("file,class,x0,y0,x1,y1\nimg/00.png,a,-1,2,3,4\n", "x0 \"-1\": the box lies outside");
    refused("file,class,x0,y0,x1,y1\nimg/00.png,a,one,2,3,4\n", "x0 \"one\": pixels are expected");
    write_text("bad.csv", "file,class\nimg/00.png,a\nimg/zz.png,b\n");
    refused_as("bad.csv", NN_MISSING, "bad.csv:3: ");
    write_text("img/text", "no image");
    refused("file,class\nimg/00.png,a\nimg/text,b\n", "img/text: no PNG, JPEG or DICOM image");
}

static void too_many_classes_are_refused(void **state)
{
    char text[1024] = "file,class\n";

    (void)state;
    for (int i = 0; i < 17; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "img/%02d.png,c%d\n", i, i);
    refused(text, "bad.csv:18: img/16.png: class \"c16\" is one more than 16");
}

int main(void)
{
    const struct CMUnitTest folders[] = {
        cmocka_unit_test(a_folder_of_any_depth),
        cmocka_unit_test(odd_folders_are_refused),
        cmocka_unit_test(links_are_followed_to_an_end),
    };
    const struct CMUnitTest lists[] = {
        cmocka_unit_test(every_column_is_read),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(wrong_rows_are_refused),
        cmocka_unit_test(too_many_classes_are_refused),
    };
    int failed = cmocka_run_group_tests(folders, make_dir, remove_dir);
    return failed + cmocka_run_group_tests(lists, make_listed, remove_dir);
}
