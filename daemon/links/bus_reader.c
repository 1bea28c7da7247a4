#include "links/bus_reader.h"

void bus_reader_init(struct bus_reader *reader)
{
    *reader = (struct bus_reader){.state = BUS_READ_TAIL};
}

static const struct bus_mark *bus_reader_mark(const struct bus_reader *reader)
{
    return reader->looking > reader->nmarks ? &reader->last : &reader->marks[reader->looking - 1];
}

enum bus_read bus_reader_next(const struct bus_reader *reader, struct bus_id *id)
{
    *id = reader->state == BUS_READ_LOOK ? bus_reader_mark(reader)->id : reader->at;
    return reader->state;
}

static void bus_reader_set_last(struct bus_reader *reader, struct bus_id id,
                                const struct bus_entry *entry)
{
    reader->last = (struct bus_mark){
        .id = id, .node = entry->node, .first = entry->first, .numbered = entry->numbered};
    reader->has_last = true;
}

void bus_reader_tail(struct bus_reader *reader, struct bus_id id, const struct bus_entry *entry)
{
    check(reader->state == BUS_READ_TAIL);
    reader->state = BUS_READ_AFTER;
    reader->at = id;
    if (entry != NULL) {
        bus_reader_set_last(reader, id, entry);
    }
}

/* It is read again from here on; marks that are newer are of a log that is no more. */
static void bus_reader_rewind(struct bus_reader *reader)
{
    if (!reader->again || bus_id_after(reader->at, reader->high)) {
        reader->high = reader->at;
    }
    reader->again = true;
    reader->nmarks = reader->looking;
    reader->has_last = reader->nmarks > 0;
    reader->at = (struct bus_id){0, 0};
    if (reader->has_last) {
        reader->last = reader->marks[--reader->nmarks];
        reader->at = reader->last.id;
    }
    reader->state = BUS_READ_AFTER;
}

void bus_reader_doubt(struct bus_reader *reader)
{
    if (reader->state == BUS_READ_TAIL) {
        return;
    }
    if (reader->has_last) {
        reader->state = BUS_READ_LOOK;
        reader->looking = reader->nmarks + 1;
    } else {
        /* Nothing to recognise it by: all that is there, then. */
        reader->looking = 0;
        bus_reader_rewind(reader);
    }
}

enum bus_looked bus_reader_look(struct bus_reader *reader, const struct bus_entry *entry)
{
    check(reader->state == BUS_READ_LOOK && reader->looking > 0);
    const struct bus_mark *mark = bus_reader_mark(reader);
    bool found = entry != NULL && entry->node == mark->node && entry->first == mark->first &&
                 entry->numbered == mark->numbered;
    if (found && reader->looking > reader->nmarks) {
        reader->state = BUS_READ_AFTER;
        return BUS_SAME;
    }
    if (!found && --reader->looking > 0) {
        return BUS_LOOK_ON;
    }
    bus_reader_rewind(reader);
    return BUS_REWOUND;
}

/* The one goes whose neighbours are nearest to each other for their age, so that distances grow
 * with the age: those of a minute ago are seconds apart, those of a day ago hours. The oldest
 * stays. */
static void bus_reader_thin(struct bus_reader *reader, uint64_t now)
{
    uint32_t least = 1;
    double least_gap = 2;
    for (uint32_t i = 1; i + 1 < reader->nmarks; i++) {
        uint64_t before = reader->marks[i - 1].at_ms, after = reader->marks[i + 1].at_ms;
        double gap = (double)(after - before) / (double)(now - before + 1);
        if (gap < least_gap) {
            least = i;
            least_gap = gap;
        }
    }
    reader->nmarks--;
    memmove(&reader->marks[least], &reader->marks[least + 1],
            (reader->nmarks - least) * sizeof(reader->marks[0]));
}

bool bus_reader_read(struct bus_reader *reader, struct bus_id id, const struct bus_entry *entry,
                     uint64_t now)
{
    check(reader->state == BUS_READ_AFTER);
    if (reader->has_last && now - reader->marked_at >= BUS_MARK_MS) {
        if (reader->nmarks == BUS_MARKS) {
            bus_reader_thin(reader, now);
        }
        reader->marks[reader->nmarks++] = reader->last;
        reader->marks[reader->nmarks - 1].at_ms = now;
        reader->marked_at = now;
    }
    reader->at = id;
    if (entry != NULL) {
        bus_reader_set_last(reader, id, entry);
    }
    return reader->again && !bus_id_after(id, reader->high);
}

void bus_reader_fresh(struct bus_reader *reader)
{
    reader->again = false;
}
