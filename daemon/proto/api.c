#include "proto/api.h"

#include <string.h>

#include "proto/json.h"

/* ---- small things ---- */

static bool api_is(struct slice value, enum json_type type)
{
    return value.p != NULL && json_type(value) == type;
}

static bool api_is_absent(struct slice value)
{
    return value.p == NULL || json_type(value) == JSON_NULL;
}

static struct slice api_take_text(struct slice raw, struct api_reader *reader)
{
    struct slice text = json_unescape(raw, reader->scratch);
    if (text.p == reader->scratch) {
        reader->scratch += text.len;
    }
    return text;
}

static int api_fault_set(struct api_fault *fault, int status, const char *why)
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

struct api_fields {
    struct slice name, data, channel, channels, socket_id, info;
};

static struct api_fields api_fields_of(struct slice object)
{
    struct api_fields fields = {0};
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

static int api_add_channel(struct api_reader *reader, struct api_event *event, struct slice raw,
                           struct api_fault *fault)
{
    if (!api_is(raw, JSON_STRING)) {
        return api_fault_set(fault, 422, "Every channel must be a string");
    }
    if (reader->channels_per_event != 0 && event->count >= reader->channels_per_event) {
        api_fault_set(fault, 400, "Too many channels in one event (max_channels_per_publish)");
        fault->limit = API_LIMIT_CHANNELS;
        return -1;
    }
    if (reader->nchannels >= reader->max_channels) {
        return api_fault_set(fault, 400, "Too many channels");
    }
    struct slice name = api_take_text(raw, reader);
    reader->channels[reader->nchannels++] = (struct ff_slice){name.p, (unsigned int)name.len};
    event->count++;
    return 0;
}

static int api_read_channels(const struct api_fields *fields, struct api_reader *reader,
                             struct api_event *out, struct api_fault *fault)
{
    out->first = reader->nchannels;
    out->count = 0;
    if (!api_is_absent(fields->channels)) {
        struct slice element;
        size_t cursor = 0;
        if (!api_is(fields->channels, JSON_ARRAY)) {
            return api_fault_set(fault, 422, "The channels field must be an array");
        }
        while (json_element(fields->channels, &cursor, &element)) {
            if (api_add_channel(reader, out, element, fault) != 0) {
                return -1;
            }
        }
    } else if (!api_is_absent(fields->channel)) {
        return api_add_channel(reader, out, fields->channel, fault);
    }
    return out->count > 0 ? 0
                          : api_fault_set(fault, 422, "The channel or channels field is required");
}

static int api_read_event(struct slice object, struct api_reader *reader, struct api_event *out,
                          struct api_fault *fault)
{
    *out = (struct api_event){0};
    if (!api_is(object, JSON_OBJECT)) {
        return api_fault_set(fault, 422, "An event must be an object");
    }
    struct api_fields fields = api_fields_of(object);
    if (!api_is(fields.name, JSON_STRING)) {
        return api_fault_set(fault, 422,
                             api_is_absent(fields.name) ? "The name field is required"
                                                        : "The name field must be a string");
    }
    out->name = api_take_text(fields.name, reader);
    if (api_is_absent(fields.data)) {
        return api_fault_set(fault, 422, "The data field is required");
    }
    if (api_is(fields.data, JSON_STRING)) {
        out->data = api_take_text(fields.data, reader);
    } else if (api_is(fields.data, JSON_OBJECT) || api_is(fields.data, JSON_ARRAY)) {
        out->data = fields.data;
    } else {
        return api_fault_set(fault, 422, "The data field must be a string");
    }
    if (!api_is_absent(fields.socket_id)) {
        if (!api_is(fields.socket_id, JSON_STRING)) {
            return api_fault_set(fault, 422, "The socket_id field must be a string");
        }
        out->socket_id = api_take_text(fields.socket_id, reader);
    }
    if (!api_is_absent(fields.info)) {
        if (!api_is(fields.info, JSON_STRING)) {
            return api_fault_set(fault, 422, "The info field must be a string");
        }
        out->info = api_info(api_take_text(fields.info, reader));
    }
    return api_read_channels(&fields, reader, out, fault);
}

int api_event_read(struct slice body, struct api_reader *reader, struct api_event *out,
                   struct api_fault *fault)
{
    if (!json_valid(body.p, body.len)) {
        return api_fault_set(fault, 400, "The body is not valid JSON");
    }
    return api_read_event(json_trim(body), reader, out, fault);
}

int api_batch_read(struct slice body, struct api_reader *reader, struct api_event *out, size_t max,
                   size_t *count, struct api_fault *fault)
{
    struct slice key, value, batch = {0}, element;
    size_t cursor = 0;
    *count = 0;
    if (!json_valid(body.p, body.len)) {
        return api_fault_set(fault, 400, "The body is not valid JSON");
    }
    body = json_trim(body);
    while (api_is(body, JSON_OBJECT) && json_next(body, &cursor, &key, &value)) {
        if (json_string_is(key, "batch")) {
            batch = value;
        }
    }
    if (!api_is(batch, JSON_ARRAY)) {
        return api_fault_set(fault, 422,
                             api_is_absent(batch) ? "The batch field is required"
                                                  : "The batch field must be an array");
    }
    cursor = 0;
    while (json_element(batch, &cursor, &element)) {
        if (*count >= max) {
            api_fault_set(fault, 400, "Too many events in one batch (max_batch)");
            fault->limit = API_LIMIT_BATCH;
            return -1;
        }
        if (api_read_event(element, reader, &out[*count], fault) != 0) {
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
