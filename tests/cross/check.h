/* check.h - as much of the Check library as the suites of a cross build use (Makefile, CROSS): each test runs in a process of its
 * own, with a time limit, and ends at the first failed check. Check itself is better, but is a library of the other machine. */
#ifndef SLM_CROSS_CHECK_H
#define SLM_CROSS_CHECK_H

#include <stdint.h>

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
#define ck_assert_int_eq(a, b) check_equal(__FILE__, __LINE__, #a " == " #b, (intmax_t)(a), (intmax_t)(b))
#define ck_assert_uint_eq(a, b) check_equal(__FILE__, __LINE__, #a " == " #b, (intmax_t)(a), (intmax_t)(b))
_Noreturn void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void check_equal(const char *file, int line, const char *text, intmax_t a, intmax_t b)
{
    if (a != b)
        check_failed(file, line, "%s: %jd, %jd", text, a, b);
}

#endif
