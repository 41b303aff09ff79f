/* Who may use the console: accounts, sessions, deadlines of both; and the list's entries as text.
 */
#include "console/accounts.h"
#include "console/ration.h"
#include "console/session.h"
#include "worklist/list.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/cervigate-console.XXXXXX";
static char path[128];

static int make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/accounts", folder);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void put(const char *text, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void refused(const char *text, mode_t mode, const char *why_not)
{
    struct account *accounts;
    size_t count;
    char why[ACCOUNT_WHY] = "";
    put(text, mode);
    assert_false(accounts_read(path, &accounts, &count, why));
    if (strstr(why, why_not) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, why_not);
    assert_null(accounts);
}

static void file_of_accounts(void **state)
{
    (void)state;
    struct account *accounts, *found;
    size_t count;
    char why[ACCOUNT_WHY];
    assert_true(accounts_read(path, &accounts, &count, why)); /* not there: nobody */
    assert_int_equal(count, 0);

    struct account two[] = {{.name = "anna", .role = ROLE_READER},
                            {.name = "b@x", .role = ROLE_ADMIN}};
    assert_true(account_hash("correct horse", two[0].hash));
    assert_true(account_hash("battery staple", two[1].hash));
    free(accounts);
    assert_true(accounts_write(path, two, 2, why));
    assert_true(accounts_read(path, &accounts, &count, why));
    assert_int_equal(count, 2);
    found = accounts_find(accounts, count, "b@x");
    assert_non_null(found);
    assert_int_equal(found->role, ROLE_ADMIN);
    assert_true(account_verify(found, "battery staple"));
    assert_false(account_verify(found, "battery stapl"));
    assert_false(account_verify(found, "correct horse"));
    assert_false(account_verify(NULL, "correct horse"));
    assert_null(accounts_find(accounts, count, "B@x"));
    free(accounts);
}

static void damaged_files(void **state)
{
    (void)state;
    refused("anna\n", 0600, ":1: expected name:role:hash");
    refused("# people\n\nanna:reader\n", 0600, ":3: expected name:role:hash");
    refused("an na:reader:$argon2id$x\n", 0600, ":1: the name may have");
    refused("anna:chief:$argon2id$x\n", 0600, ":1: the role is none of");
    refused("anna:reader:secret\n", 0600, ":1: the hash is none of argon2id");
    refused("anna:reader:$argon2id$x\nanna:admin:$argon2id$y\n", 0600,
            ":2: the name is there twice");
    refused("", 0640, "expected 0600");
    refused("", 0604, "expected 0600");
}

static void two_hashes_differ(void **state)
{
    (void)state;
    char a[ACCOUNT_HASH_MAX], b[ACCOUNT_HASH_MAX];
    assert_true(account_hash("the same", a) && account_hash("the same", b));
    assert_string_not_equal(a, b);
}

static struct account person(const char *name)
{
    struct account account = {.role = ROLE_VIEWER, .hash = "$argon2id$x"};
    (void)snprintf(account.name, sizeof account.name, "%s", name);
    return account;
}

static void sessions_end(void **state)
{
    (void)state;
    char token[SESSION_TOKEN_MAX];
    struct account anna = person("anna");
    struct sessions *sessions = sessions_create(NULL, 100, 1000);
    const struct session *s = session_begin(sessions, &anna, 5000, token);
    assert_non_null(s);
    assert_int_equal(strlen(token), 64);
    assert_true(session_may_change(s, s->csrf));
    assert_false(session_may_change(s, token));
    assert_false(session_may_change(s, ""));
    assert_false(session_may_change(s, NULL));
    assert_ptr_equal(session_find(sessions, token, 104999, true), s);  /* in use */
    assert_ptr_equal(session_find(sessions, token, 204998, false), s); /* looked at */
    assert_null(session_find(sessions, token, 204999, true));          /* idle for 100 s */
    assert_null(session_find(sessions, token, 6000, true));            /* and over for good */

    assert_non_null(session_begin(sessions, &anna, 5000, token));
    for (int64_t now = 5000; now < 1005000; now += 90000)
        assert_non_null(session_find(sessions, token, now, true));
    assert_null(session_find(sessions, token, 1005000, true)); /* however busy */
    assert_null(session_find(sessions, "", 5000, true));
    sessions_destroy(sessions);
}

static void sessions_give_way(void **state)
{
    (void)state;
    char first[SESSION_TOKEN_MAX], token[SESSION_TOKEN_MAX];
    struct account anna = person("anna");
    struct sessions *sessions = sessions_create(NULL, 100, 1000);
    assert_non_null(session_begin(sessions, &anna, 1000, first));
    for (int i = 0; i < SESSIONS_MOST; i++)
        assert_non_null(session_begin(sessions, &anna, 2000 + i, token));
    assert_null(session_find(sessions, first, 2100, true));
    assert_non_null(session_find(sessions, token, 2100, true));
    sessions_destroy(sessions);
}

/* As a reload does it: another user of the same table; a table that was cleared has none. */
static void sessions_stay_in_their_table(void **state)
{
    (void)state;
    char token[SESSION_TOKEN_MAX];
    struct account anna = person("anna");
    struct session_table *table = session_table_create();
    assert_non_null(table);
    struct sessions *sessions = sessions_create(table, 100, 1000);
    assert_non_null(session_begin(sessions, &anna, 1000, token));
    sessions_destroy(sessions);
    sessions = sessions_create(table, 50, 1000);
    assert_null(session_find(sessions, token, 52000, false)); /* by the new limits */
    assert_non_null(session_begin(sessions, &anna, 1000, token));
    const struct session *found = session_find(sessions, token, 2000, true);
    assert_non_null(found);
    assert_string_equal(found->account.name, "anna");
    session_table_clear(table);
    assert_null(session_find(sessions, token, 2000, true));
    sessions_destroy(sessions);
    session_table_destroy(table);
}

static void accounts_that_change(void **state)
{
    (void)state;
    char token[3][SESSION_TOKEN_MAX];
    struct account list[] = {person("anna"), person("bert"), person("carl")};
    struct sessions *sessions = sessions_create(NULL, 100, 1000);
    for (int i = 0; i < 3; i++)
        assert_non_null(session_begin(sessions, &list[i], 1000, token[i]));
    list[0].role = ROLE_READER;
    (void)snprintf(list[1].hash, sizeof list[1].hash, "$argon2id$y");
    sessions_hold(sessions, list, 3);
    assert_null(session_find(sessions, token[0], 1000, true));
    assert_null(session_find(sessions, token[1], 1000, true));
    struct session *carl = session_find(sessions, token[2], 1000, true);
    assert_non_null(carl);
    unsigned char digest[32];
    memcpy(digest, carl->digest, sizeof digest);
    assert_true(session_is_alive(sessions, digest, 1000));
    sessions_hold(sessions, list, 2);
    assert_false(session_is_alive(sessions, digest, 1000));
    sessions_destroy(sessions);
}

static const char *text_in(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    assert_non_null(text);
    return text;
}

static void entries_as_text(void **state)
{
    (void)state;
    struct store_entry e = {.study = "1.2.3",
                            .accession = "a\"\\\x01\n\xe4z\xc3\xa4\xed\xa0\x80",
                            .patient_id = "12\xc3\xa4"
                                          "4",
                            .station = "\xf0\x9f\xa6\xb4 \xc3",
                            .claimed_by = "RIS",
                            .claimed_ms = 1000};
    json_t *entry = worklist_entry(&e, 7);
    assert_non_null(entry);
    assert_int_equal(json_integer_value(json_object_get(entry, "position")), 7);
    assert_string_equal(text_in(entry, "accession"), "a\"\\\x01\n?z\xc3\xa4???");
    assert_string_equal(text_in(entry, "patient"), "12\xc3\xa4"
                                                   "4");
    assert_string_equal(text_in(entry, "station"), "\xf0\x9f\xa6\xb4 ?");
    assert_true(json_is_null(json_object_get(entry, "report")));
    assert_true(json_is_null(json_object_get(entry, "arrived")));
    const json_t *claim = json_object_get(entry, "claimed");
    assert_string_equal(text_in(claim, "by"), "RIS");
    assert_string_equal(text_in(claim, "since"), "1970-01-01T00:00:01.000Z");
    json_decref(entry);

    memset(e.accession, 1, sizeof e.accession - 1); /* six bytes for each */
    memset(e.patient_id, 1, sizeof e.patient_id - 1);
    memset(e.station, 1, sizeof e.station - 1);
    memset(e.claimed_by, 1, sizeof e.claimed_by - 1);
    entry = worklist_entry(&e, 10000);
    assert_non_null(entry);
    assert_int_equal(strlen(text_in(entry, "station")), sizeof e.station - 1);
    json_decref(entry);
}

static void rations(void **state)
{
    struct ration r = {.most = 2, .every_ms = 5000};
    (void)state;
    assert_int_equal(ration_take(&r, 1000), 0);
    assert_int_equal(ration_take(&r, 1000), 0);
    assert_int_equal(ration_take(&r, 1001), 5);
    assert_int_equal(ration_take(&r, 5999), 1); /* what was refused costs nothing */
    assert_int_equal(ration_take(&r, 6000), 0);
    assert_int_equal(ration_take(&r, 6000), 5);
    assert_int_equal(ration_take(&r, 1000000), 0); /* no more is saved up */
    assert_int_equal(ration_take(&r, 1000000), 0);
    assert_true(ration_take(&r, 1000000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_of_accounts),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(two_hashes_differ),
        cmocka_unit_test(sessions_end),
        cmocka_unit_test(sessions_give_way),
        cmocka_unit_test(sessions_stay_in_their_table),
        cmocka_unit_test(accounts_that_change),
        cmocka_unit_test(entries_as_text),
        cmocka_unit_test(rations),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
