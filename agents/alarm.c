/* Rows: under u8 kind u64 raised, u8 ended (0: not yet); under u8 kind, u8 part what proves it. */
#include "agents/alarm.h"

#include <string.h>

#define MEND_KEYS                                                                                                      \
  "Bring that folder's newest backup; if there is none, make new keys with onward init in a new folder, and ask a "    \
  "registrar to replace the old ones."

static const struct {
  const char *name;
  const char *text;
  bool halts;
} kinds[ALARM_KINDS] = {
    [ALARM_NONE] = {"none", "no alarm", false},
    [ALARM_FORK] =
        {"fork",
         "The exchange showed two logs that cannot both be true. Nothing more is taken from it. Phone a registrar, "
         "and keep this computer as it is.",
         true},
    [ALARM_ROLLED_BACK] =
        {"rolled_back",
         "The exchange showed a log older than the one that it showed before. Nothing more is taken from it. "
         "Phone the operator and a registrar.",
         true},
    [ALARM_BAD_NOTE] =
        {"bad_note",
         "The exchange showed a log that its own key did not sign. Nothing more is taken from it. Phone a "
         "registrar.",
         true},
    [ALARM_BAD_PROOF] =
        {"bad_proof",
         "The exchange delivered an entry that it cannot prove. Nothing more is taken from it. Phone the operator "
         "and a registrar.",
         true},
    [ALARM_WITHHELD] =
        {"withheld",
         "The exchange left out a change of the directory. Nothing more is taken from it. Phone a registrar.", true},
    [ALARM_SET_BACK] =
        {"set_back",
         "This computer's books were older than what it had sent: they came from a backup, or a copy of them runs "
         "elsewhere. What the exchange has was read again. Make sure that only one copy runs.",
         false},
    [ALARM_TWO_COPIES] =
        {"two_copies",
         "Another computer connects with your organisation's keys again and again. Stop the copy; if you do not "
         "know of one, phone a registrar now.",
         false},
    [ALARM_SUSPENDED] = {"suspended",
                         "Your organisation is suspended, or its keys were replaced by others: the exchange takes and "
                         "gives nothing. Phone a registrar.",
                         false},
    [ALARM_EXCHANGE_BACK] =
        {"exchange_back",
         "The exchange says that its own log is behind what this computer has seen. Phone the operator; nothing "
         "of yours is lost.",
         false},
    [ALARM_NOT_HEARD] = {"not_heard",
                         "The exchange refuses what this computer sends. Phone the operator; what waits here is kept.",
                         false},
    [ALARM_LINK_KEY] = {"link_key",
                        "link.key in this computer's data folder is not the key that the network knows for your "
                        "organisation: the exchange does not let it in. " MEND_KEYS,
                        false},
    [ALARM_SIGN_KEY] = {"sign_key",
                        "sign.pem in this computer's data folder is not the key that the network knows for your "
                        "organisation: nothing that it signs is heard. " MEND_KEYS,
                        false},
    [ALARM_SEAL_KEY] =
        {"seal_key",
         "seal.pub and seal.pem in this computer's data folder are not there, or not what the network knows for your "
         "organisation: what others seal for you cannot be opened here. " MEND_KEYS,
         false},
    [ALARM_NO_COPY] =
        {"no_copy",
         "A case of yours could not be opened by the organisation that has it, and this computer has no copy "
         "that opens either, or not of all of it: phone that organisation. Which case it is stands in "
         "Onward's log.",
         false},
    [ALARM_IMPOSSIBLE] =
        {"impossible",
         "The exchange let something into the log that the network's rules do not allow. Nothing more is "
         "taken from it. Phone the operator and a registrar.",
         true},
    [ALARM_RESTORED] = {"restored",
                        "The exchange was restored from a backup, and lacks what this computer has seen since. Nothing "
                        "is sent or taken "
                        "until somebody here agrees to go on: onward restored",
                        false},
    [ALARM_REFUSED] =
        {"refused",
         "What was written down here for the directory, or about a place, was not taken by the exchange: something had "
         "changed meanwhile. See: onward directory, and onward questions; then do again what is still wanted.",
         false},
    [ALARM_DROPPED] =
        {"dropped",
         "Your organisation was cut off from the network. What was written down here for the directory, and "
         "not sent yet, was dropped: what of it is still wanted has to be done again.",
         false},
};

bool alarm_halts(enum alarm_kind kind)
{
  return kinds[kind].halts;
}

const char *alarm_text(enum alarm_kind kind)
{
  return kinds[kind].text;
}

const char *alarm_name(enum alarm_kind kind)
{
  return kinds[kind].name;
}

enum alarm_kind alarm_named(const char *name)
{
  enum alarm_kind kind = ALARM_KINDS - 1;
  while (kind > ALARM_NONE && strcmp(kinds[kind].name, name) != 0)
    kind--;
  return kind;
}

static bool read_record(struct books *b, enum alarm_kind kind, struct alarm_record *out)
{
  struct bytes value;
  const uint8_t key = (uint8_t)kind;
  if (b->get(b, TABLE_ALARMS, bytes_of(&key, 1), &value) != OK)
    return false;
  struct reader r = reader_of(value);
  out->raised_ms = read_u64(&r);
  out->ended = read_u8(&r) != 0;
  return reader_done(&r);
}

static void write_record(struct books *b, enum alarm_kind kind, const struct alarm_record *record)
{
  uint8_t row[9];
  const uint8_t key = (uint8_t)kind;
  struct writer w = writer_of(row, sizeof row);
  write_u64(&w, record->raised_ms);
  write_u8(&w, record->ended);
  b->put(b, TABLE_ALARMS, bytes_of(&key, 1), writer_bytes(&w));
}

static void write_parts(struct books *b, enum alarm_kind kind, const struct alarm_proof *proof)
{
  for (int part = 0; part < ALARM_PARTS; part++) {
    const uint8_t key[] = {(uint8_t)kind, (uint8_t)part};
    if (proof != NULL && proof->part[part].size > 0)
      b->put(b, TABLE_ALARMS, BYTES(key), proof->part[part]);
    else
      b->del(b, TABLE_ALARMS, BYTES(key)); /* of the time before */
  }
}

bool alarm_get(struct books *b, enum alarm_kind kind, struct alarm_record *out, struct alarm_proof *proof)
{
  *proof = (struct alarm_proof){.part = {{NULL, 0}}};
  if (!read_record(b, kind, out))
    return false;
  for (int part = 0; part < ALARM_PARTS; part++) {
    const uint8_t key[] = {(uint8_t)kind, (uint8_t)part};
    if (b->get(b, TABLE_ALARMS, BYTES(key), &proof->part[part]) != OK)
      proof->part[part] = (struct bytes){NULL, 0};
  }
  return true;
}

bool alarm_raise(struct books *b, enum alarm_kind kind, uint64_t now_ms, const struct alarm_proof *proof)
{
  struct alarm_record record;
  if (kinds[kind].halts) {
    struct marks m;
    marks_get(b, &m);
    m.halted = 1;
    marks_put(b, &m);
  }
  if (read_record(b, kind, &record) && !record.ended)
    return false;
  record = (struct alarm_record){now_ms, false};
  write_record(b, kind, &record);
  write_parts(b, kind, proof);
  return b->trouble == OK;
}

void alarm_end(struct books *b, enum alarm_kind kind)
{
  struct alarm_record record;
  if (!read_record(b, kind, &record) || record.ended)
    return;
  record.ended = true;
  write_record(b, kind, &record);
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
  struct alarm_record record;
  for (kind++; kind < ALARM_KINDS; kind++)
    if (read_record(b, kind, &record) && !record.ended)
      return kind;
  return ALARM_NONE;
}
