#include "proto/api.h"

#include <string.h>

#include "proto/json.h"

/* ---- small things ---- */

static bool is(struct slice value, enum json_type type)
{
    return value.p != NULL && json_type(value) == type;
}

static bool absent(struct slice value)
{
    return value.p == NULL || json_type(value) == JSON_NULL;
}

static struct slice take_text(struct slice raw, struct api_reader *reader)
{
    struct slice text = json_unescape(raw, reader->scratch);
    if (text.p == reader->scratch) {
        reader->scratch += text.len;
    }
    return text;
}

static int refuse(struct api_fault *fault, int status, const char *why)
{
    *fault = (struct api_fault){.status = status, .why = why};
    return -1;
}

unsigned int api_info(struct slice list)
{
    unsigned int info = 0;
    while (list.p != NULL && list.len > 0) {
        const char *comma = memchr(list.p, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.p) : list.len;
        struct slice word = {list.p, len};
        if (slice_is(word, "subscription_count")) {
            info |= API_INFO_SUBSCRIPTION_COUNT;
        } else if (slice_is(word, "user_count")) {
            info |= API_INFO_USER_COUNT;
        } else if (slice_is(word, "cache")) {
            info |= API_INFO_CACHE;
        }
        size_t used = comma != NULL ? len + 1 : len;
        list = (struct slice){list.p + used, list.len - used};
    }
    return info;
}

/* ---- one event ---- */

struct fields {
    struct slice name, data, channel, channels, socket_id, info;
};

static struct fields fields_of(struct slice object)
{
    struct fields fields = {0};
    struct slice key, value;
    size_t cursor = 0;
    while (json_next(object, &cursor, &key, &value)) {
        struct slice *field = json_string_is(key, "name")        ? &fields.name
                              : json_string_is(key, "data")      ? &fields.data
                              : json_string_is(key, "channel")   ? &fields.channel
                              : json_string_is(key, "channels")  ? &fields.channels
                              : json_string_is(key, "socket_id") ? &fields.socket_id
                              : json_string_is(key, "info")      ? &fields.info
                                                                 : NULL;
        if (field != NULL) {
            *field = value;
        }
    }
    return fields;
}

static int add_channel(struct api_reader *reader, struct api_event *event, struct slice raw,
                       struct api_fault *fault)
{
    if (!is(raw, JSON_STRING)) {
        return refuse(fault, 422, "Every channel must be a string");
    }
    if (reader->channels_per_event != 0 && event->count >= reader->channels_per_event) {
        refuse(fault, 400, "Too many channels in one event (max_channels_per_publish)");
        fault->limit = API_LIMIT_CHANNELS;
        return -1;
    }
    if (reader->nchannels >= reader->max_channels) {
        return refuse(fault, 400, "Too many channels");
    }
    struct slice name = take_text(raw, reader);
    reader->channels[reader->nchannels++] = (struct ff_slice){name.p, (unsigned int)name.len};
    event->count++;
    return 0;
}

static int read_channels(const struct fields *fields, struct api_reader *reader,
                         struct api_event *out, struct api_fault *fault)
{
    out->first = reader->nchannels;
    out->count = 0;
    if (!absent(fields->channels)) {
        struct slice element;
        size_t cursor = 0;
        if (!is(fields->channels, JSON_ARRAY)) {
            return refuse(fault, 422, "The channels field must be an array");
        }
        while (json_element(fields->channels, &cursor, &element)) {
            if (add_channel(reader, out, element, fault) != 0) {
                return -1;
            }
        }
    } else if (!absent(fields->channel)) {
        return add_channel(reader, out, fields->channel, fault);
    }
    return out->count > 0 ? 0 : refuse(fault, 422, "The channel or channels field is required");
}

static int read_event(struct slice object, struct api_reader *reader, struct api_event *out,
                      struct api_fault *fault)
{
    *out = (struct api_event){0};
    if (!is(object, JSON_OBJECT)) {
        return refuse(fault, 422, "An event must be an object");
    }
    struct fields fields = fields_of(object);
    if (!is(fields.name, JSON_STRING)) {
        return refuse(fault, 422,
                      absent(fields.name) ? "The name field is required"
                                          : "The name field must be a string");
    }
    out->name = take_text(fields.name, reader);
    if (absent(fields.data)) {
        return refuse(fault, 422, "The data field is required");
    }
    if (is(fields.data, JSON_STRING)) {
        out->data = take_text(fields.data, reader);
    } else if (is(fields.data, JSON_OBJECT) || is(fields.data, JSON_ARRAY)) {
        out->data = fields.data;
    } else {
        return refuse(fault, 422, "The data field must be a string");
    }
    if (!absent(fields.socket_id)) {
        if (!is(fields.socket_id, JSON_STRING)) {
            return refuse(fault, 422, "The socket_id field must be a string");
        }
        out->socket_id = take_text(fields.socket_id, reader);
    }
    if (!absent(fields.info)) {
        if (!is(fields.info, JSON_STRING)) {
            return refuse(fault, 422, "The info field must be a string");
        }
        out->info = api_info(take_text(fields.info, reader));
    }
    return read_channels(&fields, reader, out, fault);
}

int api_event_read(struct slice body, struct api_reader *reader, struct api_event *out,
                   struct api_fault *fault)
{
    if (!json_valid(body.p, body.len)) {
        return refuse(fault, 400, "The body is not valid JSON");
    }
    return read_event(json_trim(body), reader, out, fault);
}

int api_batch_read(struct slice body, struct api_reader *reader, struct api_event *out, size_t max,
                   size_t *count, struct api_fault *fault)
{
    struct slice key, value, batch = {0}, element;
    size_t cursor = 0;
    *count = 0;
    if (!json_valid(body.p, body.len)) {
        return refuse(fault, 400, "The body is not valid JSON");
    }
    body = json_trim(body);
    while (is(body, JSON_OBJECT) && json_next(body, &cursor, &key, &value)) {
        if (json_string_is(key, "batch")) {
            batch = value;
        }
    }
    if (!is(batch, JSON_ARRAY)) {
        return refuse(fault, 422,
                      absent(batch) ? "The batch field is required"
                                    : "The batch field must be an array");
    }
    cursor = 0;
    while (json_element(batch, &cursor, &element)) {
        if (*count >= max) {
            refuse(fault, 400, "Too many events in one batch (max_batch)");
            fault->limit = API_LIMIT_BATCH;
            return -1;
        }
        if (read_event(element, reader, &out[*count], fault) != 0) {
            return -1;
        }
        (*count)++;
    }
    return 0;
}

void api_count(struct slice body, size_t *events, size_t *channels)
{
    *events = 1;
    *channels = 1;
    for (size_t i = 0; i < body.len; i++) {
        *events += body.p[i] == '{';
        *channels += body.p[i] == '"';
    }
    *channels = *channels / 2 + 1;
}
