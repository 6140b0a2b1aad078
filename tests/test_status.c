#include "../lib/status.h"

#include "tests.h"

#include <stdio.h>

START_TEST(texts)
{
    ck_assert_str_eq(slm_status_text(SLM_OK), "ok");
    ck_assert_str_eq(slm_status_text(SLM_FORMAT), "malformed file");
    ck_assert_str_eq(slm_status_text((slm_status)99), "unknown status");
    ck_assert_str_eq(slm_status_text((slm_status)-1), "unknown status");
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", SLM_VERSION_MAJOR, SLM_VERSION_MINOR, SLM_VERSION_PATCH);
    ck_assert_str_eq(slm_version(), version);
}
END_TEST

START_TEST(fields)
{
    slm_error err;
    ck_assert_int_eq(fail(&err, SLM_LIMIT, 77, "%d of %s", 3, "four"), SLM_LIMIT);
    ck_assert_int_eq(err.status, SLM_LIMIT);
    ck_assert_uint_eq(err.offset, 77);
    ck_assert_str_eq(err.message, "3 of four");
    ck_assert_int_eq(fail(NULL, SLM_IO, 0, "unheard"), SLM_IO);
    fail(&err, SLM_LIMIT, 77, "before: %s", err.message); /* its own message as an argument */
    ck_assert_str_eq(err.message, "before: 3 of four");
}
END_TEST

/* Hostile text becomes one line of valid UTF-8; good text stays. */
START_TEST(cleaning)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain ~ text", "plain ~ text"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xed\x9f\xbf",
         "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xed\x9f\xbf"},
        {"\x1b[31mred\n\t\r\x7f", "?[31mred????"},
        {"\xc2\x85x\xc2\xa0", "?x\xc2\xa0"},           /* C1 control; no-break space */
        {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf", "\xe2\x80\xa7??\xe2\x80\xaf"},  /* U+2027 to U+202F */
        {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "\xe2\x81\xa5??\xe2\x81\xaa"},
        {"\x80\xbf\xff\xfe", "????"},
        {"\xc0\xaf\xc1\xbf", "????"},                  /* overlong */
        {"\xe0\x9f\xbf", "???"},
        {"\xf0\x8f\xbf\xbf", "????"},
        {"\xed\xa0\x80", "???"},                       /* surrogate */
        {"\xf4\x90\x80\x80\xf5\x80\x80\x80", "????????"},        /* beyond U+10FFFF */
        {"a\xe2\x82", "a??"},                          /* ends too early, not cut by us */
        {"a\xe2\x82z\xc3", "a??z?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        slm_error err;
        fail(&err, SLM_FORMAT, 0, "%s", cases[i].text);
        ck_assert_msg(!strcmp(err.message, cases[i].want), "case %d: '%s'", (int)i, err.message);
    }
}
END_TEST

/* A message that is too long ends with a whole character. */
START_TEST(cutting)
{
    enum { ROOM = sizeof ((slm_error *)0)->message - 1 };
    for (size_t lead = 0; lead < 4; lead++) {
        for (size_t count = 60; count < 80; count++) {
            char text[512] = "aaa";
            size_t length = lead + 4 * count;
            for (size_t i = lead; i < length; i += 4)
                memcpy(text + i, "\xf0\x9f\x98\x80", 4);
            text[length] = 0;
            slm_error err;
            memset(&err, 'x', sizeof err);
            fail(&err, SLM_FORMAT, 0, "%s", text);
            size_t whole = length <= ROOM ? length : (ROOM - lead) / 4 * 4 + lead;
            ck_assert_uint_eq(strlen(err.message), whole);
            ck_assert(!memcmp(err.message, text, whole));
        }
    }
}
END_TEST

Suite *suite_status(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");
    tcase_add_test(tcase, texts);
    tcase_add_test(tcase, fields);
    tcase_add_test(tcase, cleaning);
    tcase_add_test(tcase, cutting);
    suite_add_tcase(suite, tcase);
    return suite;
}
