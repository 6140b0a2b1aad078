/* check.h - as much of the Check library as the suites of a cross build need (Makefile, CROSS): each test runs in a process of its
 * own, with a time limit, and ends at the first failed check. Check itself is better, but is a library of the other machine. */
#ifndef SLM_CROSS_CHECK_H
#define SLM_CROSS_CHECK_H

#include <stdint.h>
#include <string.h>

typedef struct suite Suite;
typedef struct tcase TCase;
typedef struct srunner SRunner;
typedef struct test_result TestResult;

/* A test of a loop gets its number in _i. */
typedef void TestFunction(int _i);
typedef struct {
    const char *name;
    TestFunction *function;
} TestCase;

#define START_TEST(name)                                                                                                   \
    static void name##_body(int _i);                                                                                       \
    static const TestCase name = {#name, name##_body};                                                                     \
    static void name##_body(int _i __attribute__((unused)))
#define END_TEST

Suite *suite_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tc);
TCase *tcase_create(const char *name);
void tcase_set_timeout(TCase *tc, double seconds);
#define tcase_add_test(tc, test) check_add(tc, test, 0, 0, 1)
#define tcase_add_loop_test(tc, test, first, end) check_add(tc, test, 0, first, end)
#define tcase_add_test_raise_signal(tc, test, signal) check_add(tc, test, signal, 0, 1)
void check_add(TCase *tc, TestCase test, int signal, int first, int end);

enum print_output { CK_SILENT, CK_ENV };
SRunner *srunner_create(Suite *suite);
void srunner_add_suite(SRunner *runner, Suite *suite);
void srunner_run_all(SRunner *runner, enum print_output mode);
int srunner_ntests_run(const SRunner *runner);
int srunner_ntests_failed(const SRunner *runner);
TestResult **srunner_failures(SRunner *runner);
void srunner_free(SRunner *runner);
const char *tr_tcname(const TestResult *result);
const char *tr_lfile(const TestResult *result);
const char *tr_msg(const TestResult *result);
int tr_lno(const TestResult *result);

#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)
#define ck_assert_msg(condition, ...) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert_ptr_nonnull(p) ck_assert((p) != NULL)
#define ck_assert_ptr_null(p) ck_assert((p) == NULL)
#define ck_assert_str_eq(a, b) ck_assert_msg(strcmp(a, b) == 0, "%s == %s: \"%s\", \"%s\"", #a, #b, a, b)
#define ck_assert_int_eq(a, b) CHECK_COMPARE(intmax_t, a, ==, b)
#define ck_assert_int_ne(a, b) CHECK_COMPARE(intmax_t, a, !=, b)
#define ck_assert_int_lt(a, b) CHECK_COMPARE(intmax_t, a, <, b)
#define ck_assert_int_le(a, b) CHECK_COMPARE(intmax_t, a, <=, b)
#define ck_assert_int_gt(a, b) CHECK_COMPARE(intmax_t, a, >, b)
#define ck_assert_int_ge(a, b) CHECK_COMPARE(intmax_t, a, >=, b)
#define ck_assert_uint_eq(a, b) CHECK_COMPARE(uintmax_t, a, ==, b)
#define ck_assert_uint_ne(a, b) CHECK_COMPARE(uintmax_t, a, !=, b)
#define ck_assert_uint_lt(a, b) CHECK_COMPARE(uintmax_t, a, <, b)
#define ck_assert_uint_le(a, b) CHECK_COMPARE(uintmax_t, a, <=, b)
#define ck_assert_uint_gt(a, b) CHECK_COMPARE(uintmax_t, a, >, b)
#define ck_assert_uint_ge(a, b) CHECK_COMPARE(uintmax_t, a, >=, b)
#define CHECK_COMPARE(type, a, op, b)                                                                                      \
    do {                                                                                                                   \
        type check_a = (type)(a), check_b = (type)(b);                                                                     \
        if (!(check_a op check_b))                                                                                         \
            check_failed(__FILE__, __LINE__, "%s: %jd, %jd", #a " " #op " " #b, (intmax_t)check_a, (intmax_t)check_b);     \
    } while (0)
_Noreturn void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
