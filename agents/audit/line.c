/* One entry as a line to read, and as a JSON object. */
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "agents/audit/audit.h"

#define A(name) ONWARD__CORE__ACT_##name

static const char *author_of(const struct leaf *leaf, char id[sizeof(struct org_id) + 1])
{
  struct batch_header h;
  if (leaf->origin == ORIGIN_BROKER || batch_header_read(leaf->header, &h) != OK)
    return NULL;
  memcpy(id, h.organisation.text, sizeof h.organisation.text);
  id[sizeof h.organisation.text] = 0;
  return id;
}

/* The name of a code, in small letters; in one of four buffers that are used in turn. */
static const char *code_name(const ProtobufCEnumDescriptor *type, int value)
{
  static char buffers[4][48];
  static size_t turn;
  char *out = buffers[turn++ % 4];
  const char *name = pb_enum_name(type, value);
  size_t i = 0;
  for (; name[i] != 0 && i < sizeof buffers[0] - 1; i++)
    out[i] = (char)tolower((unsigned char)name[i]);
  out[i] = 0;
  return out;
}

/* --- text --- */

static void print_data(FILE *out, ProtobufCBinaryData b)
{
  fwrite(b.data, 1, b.len, out);
}

static void print_list(FILE *out, const ProtobufCBinaryData *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    fputs(i == 0 ? "" : ", ", out);
    print_data(out, list[i]);
  }
}

static void print_skipped(FILE *out, Onward__Skipped *const *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    fputs(i == 0 ? "; passed over " : ", ", out);
    print_data(out, list[i]->organisation);
    fprintf(out, " (%s)", code_name(&onward__skipped_reason__descriptor, (int)list[i]->reason));
  }
}

static void print_requested(FILE *out, ProtobufCBinaryData packed)
{
  uint8_t memory[8 * REQUEST_SIZE_MAX];
  struct arena a = arena_of(memory, sizeof memory);
  const Onward__Request *r = pb_unpack(&onward__request__descriptor, pb_bytes(packed), &a);
  struct org_id id;
  if (r != NULL && pb_org(r->organisation, &id) == OK)
    fprintf(out, ORG_FMT, id.text);
}

/* What else a reader wants to know of the act, in a few words. */
static void print_details(FILE *out, const Onward__Core *c)
{
  switch ((int)c->act_case) {
  case A(SUBMIT):
    fputs("to ", out);
    print_list(out, c->submit->recipients, c->submit->n_recipients);
    fprintf(out, "; %s%s", code_name(&onward__priority__descriptor, (int)c->submit->priority),
            c->submit->drill ? "; drill" : "");
    break;
  case A(READDRESS):
    fputs("to ", out);
    print_list(out, c->readdress->recipients, c->readdress->n_recipients);
    break;
  case A(REROUTE):
    fputs("to ", out);
    print_data(out, c->reroute->target);
    break;
  case A(REFUSE_OPEN):
    fputs(code_name(&onward__refuse_open_reason__descriptor, (int)c->refuse_open->reason), out);
    break;
  case A(DECLINE):
    fprintf(out, "%s, %s", code_name(&onward__decline_class__descriptor, (int)c->decline->reason),
            code_name(&onward__declined_by__descriptor, (int)c->decline->by));
    break;
  case A(FAIL):
    fputs(code_name(&onward__decline_class__descriptor, (int)c->fail->reason), out);
    break;
  case A(COMPLETE):
    fputs(code_name(&onward__outcome_class__descriptor, (int)c->complete->outcome), out);
    break;
  case A(LEG_OPENED):
    fprintf(out, "leg %" PRIu32 " to ", c->leg_opened->leg);
    print_data(out, c->leg_opened->recipient);
    print_skipped(out, c->leg_opened->skipped, c->leg_opened->n_skipped);
    break;
  case A(RETURNED):
    fputs(code_name(&onward__returned_reason__descriptor, (int)c->returned->reason), out);
    print_skipped(out, c->returned->skipped, c->returned->n_skipped);
    break;
  case A(ENROL):
    print_requested(out, c->enrol->request);
    break;
  case A(ROTATE):
    print_requested(out, c->rotate->request);
    break;
  case A(REPLACE_KEYS):
    print_requested(out, c->replace_keys->request);
    break;
  case A(SUSPEND):
    print_data(out, c->suspend->organisation);
    fprintf(out, ", %s", code_name(&onward__standing__descriptor, (int)c->suspend->standing));
    break;
  case A(STOP_REPLACEMENT):
    print_data(out, c->stop_replacement->organisation);
    break;
  case A(KEYS_REPLACED):
    print_data(out, c->keys_replaced->organisation);
    break;
  case A(GENESIS):
    print_data(out, c->genesis->origin);
    break;
  default:
    break;
  }
}
