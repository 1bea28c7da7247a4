/* proto/otlp: the JSON of a batch, whatever its texts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/otlp.h"

#include <string.h>

#include "proto/json.h"

static const struct otlp_resource resource = {.service = "fanfared",
                                              .instance = "i-1",
                                              .version = "1.2.3",
                                              .host = "a\"host",
                                              .node = "",
                                              .pid = 42};

static struct otlp_span span_of(enum otlp_kind kind)
{
    struct otlp_span span = {.kind = kind,
                             .has_parent = true,
                             .start_ns = UINT64_C(1700000000123456789),
                             .end_ns = UINT64_C(1700000000223456789),
                             .channels = 2,
                             .recipients = 3,
                             .worker = 1};
    memset(span.trace, 0xAB, sizeof(span.trace));
    memset(span.span, 0xCD, sizeof(span.span));
    memset(span.parent, 0xEF, sizeof(span.parent));
    otlp_text(&span.channel, SLICE("orders"));
    return span;
}

static void test_batch(void **state)
{
    struct otlp_span spans[] = {span_of(OTLP_PUBLISH), span_of(OTLP_ORDER), span_of(OTLP_DELIVER)};
    struct buf out;
    (void)state;
    spans[1].has_parent = false;
    spans[2].end_ns = 5; /* the clock was set back */
    buf_init(&out, 1 << 20);
    assert_int_equal(otlp_write(&out, &resource, spans, 3), 0);
    assert_true(json_valid((const char *)out.data, out.len));
    assert_int_equal(buf_append(&out, "", 1), 0);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text,
                           "\"traceId\":\"abababababababababababababababab\","
                           "\"spanId\":\"cdcdcdcdcdcdcdcd\",\"parentSpanId\":\"efefefefefefefef\","
                           "\"name\":\"publish\",\"kind\":2,"
                           "\"startTimeUnixNano\":\"1700000000123456789\","
                           "\"endTimeUnixNano\":\"1700000000223456789\""));
    assert_non_null(strstr(text, "\"spanId\":\"cdcdcdcdcdcdcdcd\",\"name\":\"order\""));
    assert_non_null(strstr(text,
                           "\"name\":\"deliver\",\"kind\":4,\"startTimeUnixNano\":"
                           "\"1700000000123456789\",\"endTimeUnixNano\":\"1700000000123456789\""));
    assert_non_null(
        strstr(text, "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"a\\\"host\"}}"));
    assert_non_null(
        strstr(text, "{\"key\":\"fanfare.recipients\",\"value\":{\"intValue\":\"3\"}}"));
    buf_free(&out);
}

static void test_texts(void **state)
{
    struct otlp_span span = span_of(OTLP_PUBLISH);
    struct buf out;
    char text[OTLP_TEXT + 2];
    (void)state;
    for (unsigned int first = 0; first < 256; first++) {
        for (unsigned int second = 0; second < 256; second += 17) {
            char bytes[] = {'a', (char)first, (char)second, 'z'};
            otlp_text(&span.event, (struct slice){bytes, sizeof(bytes)});
            otlp_text(&span.channel, (struct slice){bytes, 0});
            buf_init(&out, 1 << 20);
            assert_int_equal(otlp_write(&out, &resource, &span, 1), 0);
            if (!json_valid((const char *)out.data, out.len)) {
                fail_msg("%02x %02x: %.*s", first, second, (int)out.len, (char *)out.data);
            }
            buf_free(&out);
        }
    }
    /* cut between characters */
    memset(text, 'x', sizeof(text));
    memcpy(text + OTLP_TEXT - 1, "\xc3\xa4", 2);
    otlp_text(&span.event, (struct slice){text, OTLP_TEXT + 1});
    assert_int_equal(span.event.len, OTLP_TEXT - 1);
    otlp_text(&span.event, (struct slice){text, OTLP_TEXT - 1});
    assert_int_equal(span.event.len, OTLP_TEXT - 1);
}

static void test_full(void **state)
{
    struct otlp_span span = span_of(OTLP_PUBLISH);
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(otlp_write(&out, &resource, &span, 1), 0);
    size_t whole = out.len;
    buf_free(&out);
    for (size_t max = 0; max < whole; max += 7) {
        buf_init(&out, max);
        assert_int_equal(otlp_write(&out, &resource, &span, 1), -1);
        buf_free(&out);
    }
}

/* What a collector answers, and what somebody else may. */
static void test_answers(void **state)
{
    static const struct {
        const char *text;
        uint64_t n;
        const char *why;
    } answers[] = {
        {"", 0, NULL},
        {"{}", 0, NULL},
        {"{\"partialSuccess\":{}}", 0, NULL},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"full\"}}", 3, "full"},
        {" {\"x\":1,\"partialSuccess\":{\"rejectedSpans\":12}} ", 12, NULL},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"99999999999999999999999\"}}", 0, NULL},
        {"{\"partialSuccess\":{\"rejectedSpans\":-1}}", 0, NULL},
        {"{\"partialSuccess\":{\"rejectedSpans\":[1]}}", 0, NULL},
        {"{\"partialSuccess\":[1]}", 0, NULL},
        {"[1]", 0, NULL},
        {"{\"partialSuccess\":{\"rejectedSpans\":1", 0, NULL},
        {"<html>", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct slice why;
        struct slice text = {answers[i].text, strlen(answers[i].text)};
        assert_int_equal(otlp_rejected(text, &why), answers[i].n);
        assert_int_equal(why.p == NULL, answers[i].why == NULL);
        if (why.p != NULL) {
            assert_true(slice_is(why, answers[i].why));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
