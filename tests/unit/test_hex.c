/* shared/hex: every byte there and back, and nothing but digits taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/hex.h"

static void test_there_and_back(void **state)
{
    uint8_t bytes[256], again[256];
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_ptr_equal(ff_hex_write(text, bytes, sizeof(bytes)), text + sizeof(text));
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_memory_equal(text + 2 * 0xfa, "fafbfcfdfeff", 12);
    assert_true(ff_hex_read(again, text, sizeof(bytes)));
    assert_memory_equal(again, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
    }
    assert_true(ff_hex_read(again, text, sizeof(bytes)));
    assert_memory_equal(again, bytes, sizeof(bytes));
    assert_ptr_equal(ff_hex_write(text, bytes, 0), text);
    assert_true(ff_hex_read(again, "", 0));
}

static void test_digits(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    (void)state;
    for (unsigned int c = 0; c < 256; c++) {
        const char *at = c != 0 ? strchr(digits, (int)c) : NULL;
        int value = at == NULL         ? -1
                    : at - digits < 16 ? (int)(at - digits)
                                       : (int)(at - digits) - 6;
        char text[2] = {'0', (char)c};
        uint8_t byte;

        assert_int_equal(ff_hex_value((unsigned char)c), value);
        assert_int_equal(ff_hex_read(&byte, text, 1), value >= 0);
        text[1] = '0';
        text[0] = (char)c;
        assert_int_equal(ff_hex_read(&byte, text, 1), value >= 0);
    }
    assert_int_equal(ff_hex_digit(0xab), 'b');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
