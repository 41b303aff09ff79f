/* Archives: what is written is read, by tar too; what is damaged is told, never believed. */
#include "archive.h"
#include "scp_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void path_of(const struct fixture *f, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", f->folder, name);
}

static void make(const struct fixture *f, char archive_path[256])
{
    char path[256];
    path_of(f, "a.tar.gz", archive_path);
    struct archive *archive = archive_create(archive_path);
    assert_non_null(archive);
    path_of(f, "file", path);
    fixture_write(path, "twelve bytes");
    assert_int_equal(archive_add_text(archive, "text", ""), ARCHIVE_OK);
    assert_int_equal(archive_add_file(archive, "results/file", path), ARCHIVE_OK);
    assert_int_equal(archive_add_file(archive, "x", "/no/such/file"), ARCHIVE_NONE);
    assert_int_equal(archive_add_file(archive, "x", f->folder), ARCHIVE_IO); /* a directory */
    assert_int_equal(truncate(path, 70000), 0);
    assert_int_equal(archive_add_file(archive, "large", path), ARCHIVE_OK);
    assert_int_equal(archive_finish(archive), ARCHIVE_OK);
    archive_close(archive);
}

static void what_is_written_is_read(void **state)
{
    const struct fixture *f = *state;
    struct archive_member member;
    struct stat at;
    char path[256], bytes[70001];
    size_t count = 0, all = 0;
    make(f, path);
    assert_int_equal(stat(path, &at), 0);
    assert_int_equal(at.st_mode & 0777, 0600);
    assert_null(archive_create(path));
    assert_int_equal(errno, EEXIST);

    struct archive *archive = archive_open(path);
    assert_int_equal(archive_next(archive, &member), ARCHIVE_OK);
    assert_true(strcmp(member.name, "text") == 0 && member.bytes == 0);
    assert_int_equal(archive_read(archive, bytes, sizeof bytes, &count), ARCHIVE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(archive_next(archive, &member), ARCHIVE_OK);
    assert_int_equal(archive_read(archive, bytes, 5, &count), ARCHIVE_OK);
    assert_true(count == 5 && memcmp(bytes, "twelv", 5) == 0);
    assert_int_equal(archive_next(archive, &member), ARCHIVE_OK); /* the rest is passed over */
    assert_string_equal(member.name, "large");
    do {
        assert_int_equal(archive_read(archive, bytes, sizeof bytes, &count), ARCHIVE_OK);
        all += count;
    } while (count > 0);
    assert_int_equal(all, 70000);
    assert_int_equal(archive_next(archive, &member), ARCHIVE_END);
    archive_close(archive);
    assert_null(archive_open("/no/such/file"));
}

/* A bare header, as a hostile archive may have it. */
static enum archive_status read_header(const unsigned char *header, size_t size)
{
    struct archive_member member;
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_int_equal(write(fd, header, size), size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct archive *archive = archive_open_fd(fd);
    assert_non_null(archive);
    enum archive_status status = archive_next(archive, &member);
    if (status == ARCHIVE_OK)
        status = archive_next(archive, &member);
    archive_close(archive);
    return status;
}

static void set_sum(unsigned char header[512])
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum & 0777777u);
}

static void headers_are_checked(void **state)
{
    static const struct {
        int at;
        const char *bytes;
        int size;
    } wrong[] = {{257, "USTAR", 5},                /* magic */
                 {0, "", 1},                       /* no name */
                 {156, "2", 1},                    /* a link */
                 {156, "5", 1},                    /* a directory */
                 {345, "up", 2},                   /* a prefix */
                 {124, "8", 1},                    /* no octal digit */
                 {124, "-0000000001", 11},         /* below 0 */
                 {124, "\x80\x7f\xff\xff\xff", 5}, /* more than there can be */
                 {124, "\xff\xff\xff\xff\xff", 5}, /* below 0, binary */
                 {124, "77777777777", 11}};        /* of 8 GiB: it ends early */
    unsigned char good[3 * 512] = {0}, bad[3 * 512];
    (void)state;
    memcpy(good, "name", 4);
    memcpy(good + 124, "00000000000", 11);
    good[156] = '0';
    memcpy(good + 257,
           "ustar\0"
           "00",
           8);
    set_sum(good);
    assert_int_equal(read_header(good, sizeof good), ARCHIVE_END);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(bad, good, sizeof good);
        memcpy(bad + wrong[i].at, wrong[i].bytes, (size_t)wrong[i].size);
        set_sum(bad);
        assert_int_equal(read_header(bad, sizeof bad), ARCHIVE_DAMAGED);
    }
    memcpy(bad, good, sizeof good);
    bad[3] ^= 1; /* without its sum */
    assert_int_equal(read_header(bad, sizeof bad), ARCHIVE_DAMAGED);
    for (size_t size = 0; size < 1024; size += 100)
        assert_int_equal(read_header(good, size), ARCHIVE_DAMAGED);
}

static void a_full_disk_is_told(void **state)
{
    const struct fixture *f = *state;
    char path[256];
    (void)state;
    path_of(f, "random", path);
    int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC),
        fd = open(path, O_WRONLY | O_CREAT, 0600);
    char bytes[65536];
    assert_int_equal(read(random, bytes, sizeof bytes), sizeof bytes);
    for (int i = 0; i < 8; i++)
        assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    close(random);
    close(fd);
    char full[256];
    path_of(f, "full.tar.gz", full);
    struct archive *archive = archive_create(full);
    assert_non_null(archive);
    int end = open("/dev/full", O_WRONLY | O_CLOEXEC); /* every descriptor of the new file */
    struct stat here, at;
    assert_int_equal(stat(full, &at), 0);
    for (int i = 3; i < 64; i++)
        if (fstat(i, &here) == 0 && here.st_ino == at.st_ino && here.st_dev == at.st_dev)
            assert_int_equal(dup2(end, i), i);
    enum archive_status status = archive_add_file(archive, "random", path);
    if (status == ARCHIVE_OK)
        status = archive_finish(archive);
    assert_int_equal(status, ARCHIVE_IO);
    assert_non_null(strstr(archive_error(archive), "No space left"));
    archive_close(archive);
    close(end);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_written_is_read),
        T(headers_are_checked),
        T(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
