/* Plays one transcript (README.md) against the contract, in process: signed batches through the door, turns committed
 * in a temporary store. In the end the log must replay to the very same books.
 *
 * usage: run [--tamper] TRANSCRIPT
 *
 * It stops at the first line that does not hold, with file, line and what was found instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/rebuild.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/views.h"

#define ARROW "\xe2\x86\x92" /* U+2192 */
#define LINE_SIZE 512
#define PARTS_MAX 8 /* between the arrows of a line */

/* --- words --- */

bool words_take(struct words *w, const char *phrase)
{
  size_t size = strlen(phrase);
  if (strncmp(w->at, phrase, size) != 0)
    return false;
  const char *behind = w->at + size;
  if (phrase[size - 1] != ',' && phrase[size - 1] != ':' && *behind != 0 && strchr(" ,", *behind) == NULL)
    return false; /* only the beginning of a longer word */
  w->at = behind + strspn(behind, " ");
  return true;
}

bool words_name(struct words *w, char name[NAME_SIZE])
{
  size_t size = strcspn(w->at, " ,");
  if (size == 0 || size >= NAME_SIZE)
    return false;
  memcpy(name, w->at, size);
  name[size] = 0;
  w->at += size + strspn(w->at + size, " ");
  return true;
}

uint64_t words_number(struct words *w)
{
  char *end;
  uint64_t n = strtoull(w->at, &end, 10);
  w->at = end + strspn(end, " ");
  return n;
}

bool words_end(const struct words *w)
{
  return *w->at == 0;
}

void code_words(const ProtobufCEnumDescriptor *type, int code, char words[NAME_SIZE])
{
  snprintf(words, NAME_SIZE, "%s", pb_enum_name(type, code));
  for (char *c = words; *c != 0; c++)
    *c = *c == '_' ? ' ' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
}

struct member *scenario_member(struct scenario *s, struct words *w)
{
  for (size_t i = 0; i < s->world.member_count; i++) {
    char name[17] = {0};
    memcpy(name, s->world.members[i].id.text, 16);
    if (words_take(w, name))
      return &s->world.members[i];
  }
  return NULL;
}

/* A referral is named K and a number; the first use of the name makes its id. */
struct ref_id *scenario_referral(struct scenario *s, struct words *w)
{
  char name[NAME_SIZE];
  if (w->at[0] != 'K' || w->at[1] < '0' || w->at[1] > '9' || !words_name(w, name))
    return NULL;
  for (size_t i = 0; i < s->referral_count; i++)
    if (strcmp(s->referrals[i].name, name) == 0)
      return &s->referrals[i].id;
  must(s->referral_count < REFERRALS_MAX);
  memcpy(s->referrals[s->referral_count].name, name, sizeof name);
  must(random_bytes(&s->referrals[s->referral_count].id, sizeof(struct ref_id)) == OK);
  return &s->referrals[s->referral_count++].id;
}

/* --- turns --- */

static void commit(struct scenario *s)
{
  if (s->in_turn)
    world_commit(&s->world, &s->turn);
  s->in_turn = false;
}

struct books *scenario_books(struct scenario *s)
{
  if (!s->in_turn)
    s->turn = world_begin(&s->world);
  s->in_turn = true;
  return s->turn.books;
}

uint64_t scenario_size(struct scenario *s)
{
  struct head head;
  books_head(scenario_books(s), &head);
  return head.size;
}

/* A refused event changes nothing but the log, and its author's mailbox. */
static enum status check_refused(struct scenario *s, const struct referral *before, bool known, const struct event *e)
{
  struct referral after;
  bool still = books_referral(scenario_books(s), &e->referral, &after) == OK;
  return still == known && memcmp(before, &after, sizeof after) == 0
             ? OK
             : complain(&s->why, "it was refused, and the referral changed all the same");
}

static enum status hear_one(struct scenario *s, const struct batch *batch, size_t i)
{
  struct referral before;
  const struct event *e = &batch->events[i];
  bool known = books_referral(scenario_books(s), &e->referral, &before) == OK;
  Onward__Verdict verdict = turn_hear(&s->turn, batch, i);
  const char *name = pb_enum_name(&onward__verdict__descriptor, (int)verdict);
  const char *expected = s->refused != NULL && !s->not_heard ? s->refused : "ACCEPTED";
  if (strcmp(name, expected) != 0)
    return complain(&s->why, "%s: the answer is %s", act_name(e->act), name);
  return verdict == ONWARD__VERDICT__ACCEPTED ? OK : check_refused(s, &before, known, e);
}

static void keep_said(struct scenario *s, struct bytes body, struct bytes sealed)
{
  must(body.size <= SAID_MAX && sealed.size <= SAID_MAX);
  memcpy(s->said_body, body.data, s->said_body_size = body.size);
  if (sealed.size > 0)
    memcpy(s->said_sealed, sealed.data, sealed.size);
  s->said_sealed_size = sealed.size;
}

enum status scenario_say_again(struct scenario *s, struct member *author)
{
  struct refusal refusal;
  struct batch batch;
  s->since = scenario_size(s);
  s->author = author;
  must(batch_read(bytes_of(s->said_body, s->said_body_size), bytes_of(s->said_sealed, s->said_sealed_size),
                  &s->world.arena, &refusal, &batch) == OK);
  if (!org_id_equal(&batch.header.organisation, &author->id))
    return complain(&s->why, "the newest words are another's");
  author->sequence = batch.header.sequence;
  return batch_admit(s->turn.books, &s->world.ring, &batch, &refusal) == NOT_FOUND
             ? OK
             : complain(&s->why, "it was not known yet");
}

enum status scenario_hear(struct scenario *s, struct member *author, const struct draft *drafts, size_t count)
{
  struct refusal refusal;
  struct batch batch;
  struct bytes sealed;
  s->since = scenario_size(s);
  s->author = author;
  struct bytes body = world_message(&s->world, author, drafts, count, &sealed);
  keep_said(s, body, sealed);
  must(batch_read(body, sealed, &s->world.arena, &refusal, &batch) == OK);
  if (batch_admit(s->turn.books, &s->world.ring, &batch, &refusal) != OK) {
    const char *name = pb_enum_name(&onward__refusal_reason__descriptor, (int)refusal.reason);
    author->sequence--;
    return s->not_heard && strcmp(name, s->refused) == 0 ? OK : complain(&s->why, "not heard: %s", name);
  }
  if (s->not_heard)
    return complain(&s->why, "it was heard");
  enum status status = OK;
  for (size_t i = 0; i < count && status == OK; i++)
    status = hear_one(s, &batch, i);
  return status;
}

/* --- lines --- */

/* "organisations: police aple a21": enrolled by the first registrar, each in a turn of its own. */
static enum status enrol_all(struct scenario *s, struct words *w)
{
  char name[NAME_SIZE];
  while (words_name(w, name))
    world_enrol(&s->world, name);
  return OK;
}

/* "day 3", "hour 5": so long after the beginning. On the way each clock fires when it is due. */
static enum status pass_until(struct scenario *s, struct words *w, uint64_t unit_ms)
{
  s->since = s->world.size;
  s->author = NULL;
  world_pass(&s->world, WORLD_START_MS + words_number(w) * unit_ms);
  return words_end(w) ? OK : complain(&s->why, "expected a number");
}

/* "the exchange is away until day 5", "the clock jumps to day 400", "the time is confirmed, away until day 400" */
static enum status say_time(struct scenario *s, struct words *w)
{
  act_kind act = words_take(w, "exchange is away until day") ? ONWARD__CORE__ACT_RESUMED
                 : words_take(w, "clock jumps to day")       ? ONWARD__CORE__ACT_CLOCK_DOUBTED
                 : words_take(w, "time is confirmed on day") ? ONWARD__CORE__ACT_CLOCK_CONFIRMED
                                                             : 0;
  uint64_t until_ms = WORLD_START_MS + words_number(w) * DAY_MS;
  if (act == 0 || !words_end(w))
    return complain(&s->why, "not something that happens to an exchange (README.md)");
  s->since = s->world.size;
  s->author = NULL;
  world_say_time(&s->world, until_ms, act, UINT64_MAX); /* all of the time that there was */
  return OK;
}

/* From here on the author's batches say that it has stored everything so far. */
static enum status read_mail(struct scenario *s, struct member *m)
{
  s->since = m->read_up_to + 1;
  s->author = m;
  s->reading = true;
  m->read_up_to = scenario_size(s) - 1;
  return OK;
}

static enum status say_as(struct scenario *s, struct member *author, struct words *w)
{
  if (author == NULL)
    return complain(&s->why, "does not begin with an organisation");
  if (words_take(w, "reads its mail"))
    return read_mail(s, author);
  enum status status = scenario_office(s, author, w);
  return status == NOT_FOUND ? scenario_speak(s, author, w) : status;
}

static enum status say_from_copy(struct scenario *s, struct words *w)
{
  struct member *author = scenario_member(s, w);
  if (author != NULL)
    scenario_swap_copy(s, author);
  enum status status = say_as(s, author, w);
  if (author != NULL)
    scenario_swap_copy(s, author);
  return status;
}

static enum status say(struct scenario *s, struct words *w)
{
  if (!words_take(w, "meanwhile"))
    commit(s);
  s->reading = false;
  if (words_take(w, "organisations:"))
    return enrol_all(s, w);
  if (words_take(w, "day"))
    return pass_until(s, w, DAY_MS);
  if (words_take(w, "hour"))
    return pass_until(s, w, HOUR_MS);
  if (words_take(w, "the copy of"))
    return say_from_copy(s, w);
  if (words_take(w, "the"))
    return say_time(s, w);
  return say_as(s, scenario_member(s, w), w);
}

static void trim(char *line)
{
  size_t size = strcspn(line, "#\n");
  while (size > 0 && line[size - 1] == ' ')
    size--;
  line[size] = 0;
}

/* The part of the line behind its first arrow, cut off from it; NULL: there is none. */
static char *cut(char *line)
{
  char *arrow = strstr(line, ARROW);
  if (arrow == NULL)
    return NULL;
  *arrow = 0;
  trim(line);
  char *behind = arrow + strlen(ARROW);
  return behind + strspn(behind, " ");
}

/* "refused, VERDICT" or "not heard, REASON": the answer to the saying itself. */
static bool take_refusal(struct scenario *s, const char *text)
{
  static char name[2 * NAME_SIZE];
  struct words w = {text};
  s->not_heard = words_take(&w, "not heard,");
  s->refused = s->not_heard || words_take(&w, "refused,") ? name : NULL;
  snprintf(name, sizeof name, "%s", w.at);
  return s->refused != NULL;
}

static enum status expect(struct scenario *s, const char *text)
{
  struct words w = {text};
  enum status status = scenario_expect(s, &w);
  return status == OK && !words_end(&w) ? complain(&s->why, "expected the end: %.60s", w.at) : status;
}

/* "<saying> (arrow) <expectation> (arrow) <expectation>"; either may be missing. */
static enum status play_line(struct scenario *s, char *line)
{
  char *part[PARTS_MAX + 1] = {line};
  size_t count = 1, next = 1;
  while (count < PARTS_MAX && (part[count] = cut(part[count - 1])) != NULL)
    count++;
  enum status status = OK;
  if (line[0] != 0) {
    struct words saying = {line};
    next += take_refusal(s, count > 1 ? part[1] : "");
    status = say(s, &saying);
  }
  for (; next < count && status == OK; next++)
    status = expect(s, part[next]);
  return status;
}

static int play(struct scenario *s, const char *path)
{
  char line[LINE_SIZE];
  int number = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    fprintf(stderr, "%s: cannot be read\n", path);
    return 2;
  }
  enum status status = OK;
  while (status == OK && fgets(line, sizeof line, file) != NULL) {
    char shown[LINE_SIZE];
    number++;
    trim(line);
    memcpy(shown, line, sizeof shown);
    const char *begin = line + strspn(line, " ");
    if (*begin != 0)
      status = play_line(s, line + strspn(line, " "));
    if (status != OK)
      fprintf(stderr, "%s:%d: %s\n%s:%d: %s\n", path, number, shown, path, number, s->why.text);
  }
  (void)fclose(file);
  commit(s);
  return status == OK ? 0 : 1;
}

static int replay(struct scenario *s, const char *folder, bool tamper)
{
  size_t tried = 0, refused = 0;
  enum status status = rebuild(&s->world, folder, &s->why);
  if (status == OK)
    status = views_agree(&s->world, folder, &s->why);
  if (status == OK && tamper) {
    status = rebuild_tampered(&s->world, folder, &tried, &refused, &s->why);
    printf("%zu tampered logs, %zu refused by the contract, the others found by the signed root\n", tried, refused);
  }
  if (status != OK)
    fprintf(stderr, "%s\n", s->why.text);
  return status == OK ? 0 : 1;
}

/* Keeps the story's log, and says what must follow from it. */
static int record(struct scenario *s, const char *folder, const char *path)
{
  struct hash digest;
  char hex[2 * sizeof digest.byte + 1];
  if (rebuild_write(&s->world, path) != OK || rebuild_file(path, folder, &digest, &s->why) != OK)
    return 1;
  hex_encode(BYTES(digest.byte), hex);
  printf("rules %d, format %d: %s\n", RULES_VERSION, BOOKS_FORMAT, hex);
  return 0;
}

int main(int argc, char **argv)
{
  static struct scenario s;
  char folder[FOLDER_PATH_SIZE], why[200];
  bool tamper = argc == 3 && strcmp(argv[1], "--tamper") == 0;
  bool keep = argc == 4 && strcmp(argv[1], "--record") == 0;
  bool books = argc == 4 && strcmp(argv[1], "--books") == 0; /* a copy of an exchange's books, for whoever reads such */
  if (argc != (keep || books ? 4 : tamper ? 3 : 2)) {
    fprintf(stderr, "usage: %s [--tamper | --record FILE | --books FOLDER] TRANSCRIPT\n", argv[0]);
    return 2;
  }
  folder_make(folder);
  world_init(&s.world, folder);
  int result = play(&s, argv[argc - 1]);
  if (result == 0)
    result = keep ? record(&s, folder, argv[2]) : replay(&s, folder, tamper);
  if (result == 0 && books && store_copy(s.world.store, argv[2], ALL_TABLES, why) != OK)
    result = 1;
  world_fini(&s.world);
  folder_remove(folder);
  return result;
}
