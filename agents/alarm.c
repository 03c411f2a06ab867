/* Row: u64 raised, u8 ended (0: not yet), u16 size of the first note, both notes. */
#include "agents/alarm.h"

#include "proto/seal/note.h"

#define MEND_KEYS                                                                                                      \
  "Bring that folder's newest backup; if there is none, make new keys with onward init in a new folder, and ask a "    \
  "registrar to replace the old ones."

static const struct {
  const char *text;
  bool halts;
} kinds[ALARM_KINDS] = {
    [ALARM_NONE] = {"no alarm", false},
    [ALARM_FORK] =
        {"The exchange showed two logs that cannot both be true. Nothing more is taken from it. Phone a registrar, "
         "and keep this computer as it is.",
         true},
    [ALARM_ROLLED_BACK] =
        {"The exchange showed a log older than the one that it showed before. Nothing more is taken from it. "
         "Phone the operator and a registrar.",
         true},
    [ALARM_BAD_NOTE] =
        {"The exchange showed a log that its own key did not sign. Nothing more is taken from it. Phone a "
         "registrar.",
         true},
    [ALARM_BAD_PROOF] =
        {"The exchange delivered an entry that it cannot prove. Nothing more is taken from it. Phone the operator "
         "and a registrar.",
         true},
    [ALARM_WITHHELD] =
        {"The exchange left out a change of the directory. Nothing more is taken from it. Phone a registrar.", true},
    [ALARM_SET_BACK] =
        {"This computer's books were older than what it had sent: they came from a backup, or a copy of them runs "
         "elsewhere. What the exchange has was read again. Make sure that only one copy runs.",
         false},
    [ALARM_TWO_COPIES] =
        {"Another computer connects with your organisation's keys again and again. Stop the copy; if you do not "
         "know of one, phone a registrar now.",
         false},
    [ALARM_SUSPENDED] = {"Your organisation is suspended, or its keys were replaced by others: the exchange takes and "
                         "gives nothing. Phone a registrar.",
                         false},
    [ALARM_EXCHANGE_BACK] =
        {"The exchange says that its own log is behind what this computer has seen. Phone the operator; nothing "
         "of yours is lost.",
         false},
    [ALARM_NOT_HEARD] = {"The exchange refuses what this computer sends. Phone the operator; what waits here is kept.",
                         false},
    [ALARM_LINK_KEY] = {"link.key in this computer's data folder is not the key that the network knows for your "
                        "organisation: the exchange does not let it in. " MEND_KEYS,
                        false},
    [ALARM_SIGN_KEY] = {"sign.pem in this computer's data folder is not the key that the network knows for your "
                        "organisation: nothing that it signs is heard. " MEND_KEYS,
                        false},
    [ALARM_SEAL_KEY] =
        {"seal.pub and seal.pem in this computer's data folder are not there, or not what the network knows for your "
         "organisation: what others seal for you cannot be opened here. " MEND_KEYS,
         false},
    [ALARM_NO_COPY] =
        {"A case of yours could not be opened by the organisation that has it, and this computer has no copy "
         "that opens either, or not of all of it: phone that organisation. Which case it is stands in "
         "Onward's log.",
         false},
    [ALARM_IMPOSSIBLE] =
        {"The exchange let something into the log that the network's rules do not allow. Nothing more is "
         "taken from it. Phone the operator and a registrar.",
         true},
    [ALARM_REFUSED] =
        {"What was written down here for the directory, or about a place, was not taken by the exchange: something had "
         "changed meanwhile. See: onward directory, and onward questions; then do again what is still wanted.",
         false},
    [ALARM_DROPPED] =
        {"Your organisation was cut off from the network. What was written down here for the directory, and "
         "not sent yet, was dropped: what of it is still wanted has to be done again.",
         false},
};

struct record {
  uint64_t raised_ms;
  bool ended;
  struct bytes notes;
};

bool alarm_halts(enum alarm_kind kind)
{
  return kinds[kind].halts;
}

const char *alarm_text(enum alarm_kind kind)
{
  return kinds[kind].text;
}

static bool read_record(struct books *b, uint8_t kind, struct record *out)
{
  struct bytes value;
  if (b->get(b, TABLE_ALARMS, bytes_of(&kind, 1), &value) != OK)
    return false;
  struct reader r = reader_of(value);
  out->raised_ms = read_u64(&r);
  out->ended = read_u8(&r) != 0;
  out->notes = r.rest;
  return !r.underflow;
}

static void write_record(struct books *b, uint8_t kind, const struct record *record)
{
  uint8_t row[11 + 2 * NOTE_SIZE_MAX];
  struct writer w = writer_of(row, sizeof row);
  write_u64(&w, record->raised_ms);
  write_u8(&w, record->ended);
  write_bytes(&w, record->notes);
  must(!w.overflow);
  b->put(b, TABLE_ALARMS, bytes_of(&kind, 1), writer_bytes(&w));
}

bool alarm_raise(struct books *b, enum alarm_kind kind, uint64_t now_ms, struct bytes note, struct bytes other)
{
  struct record record;
  uint8_t notes[2 + 2 * NOTE_SIZE_MAX];
  if (kinds[kind].halts) {
    struct marks m;
    marks_get(b, &m);
    m.halted = 1;
    marks_put(b, &m);
  }
  if (read_record(b, (uint8_t)kind, &record) && !record.ended)
    return false;
  struct writer w = writer_of(notes, sizeof notes);
  must(note.size <= NOTE_SIZE_MAX && other.size <= NOTE_SIZE_MAX);
  write_u16(&w, (uint16_t)note.size);
  write_bytes(&w, note);
  write_bytes(&w, other);
  record = (struct record){now_ms, false, writer_bytes(&w)};
  write_record(b, (uint8_t)kind, &record);
  return b->trouble == OK;
}

void alarm_end(struct books *b, enum alarm_kind kind)
{
  struct record record;
  uint8_t kept[2 + 2 * NOTE_SIZE_MAX];
  if (!read_record(b, (uint8_t)kind, &record) || record.ended)
    return;
  struct writer w = writer_of(kept, sizeof kept); /* the slice does not outlive the write */
  write_bytes(&w, record.notes);
  record.notes = writer_bytes(&w);
  record.ended = true;
  write_record(b, (uint8_t)kind, &record);
}

void alarm_end_all(struct books *b)
{
  struct marks m;
  for (enum alarm_kind kind = 1; kind < ALARM_KINDS; kind++)
    alarm_end(b, kind);
  marks_get(b, &m);
  m.halted = 0;
  marks_put(b, &m);
}

enum alarm_kind alarm_next(struct books *b, enum alarm_kind kind)
{
  struct record record;
  for (kind++; kind < ALARM_KINDS; kind++)
    if (read_record(b, (uint8_t)kind, &record) && !record.ended)
      return kind;
  return ALARM_NONE;
}
