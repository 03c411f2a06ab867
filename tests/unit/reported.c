/* Referrals of a made-up network, for tests of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/reported.h"

struct world world;
struct member *police, *school, *aple, *a21;
char *out, *err;

struct ref_id submit(const struct sent *s)
{
  static struct draft d;
  struct ref_id id;
  Onward__Submit submit = ONWARD__SUBMIT__INIT;
  struct member *list[] = {s->first, s->second};
  ProtobufCBinaryData names[2];
  assert_int_equal(random_bytes(&id, sizeof id), OK);
  draft_init(&d, ACT(SUBMIT), &id);
  submit.n_scope = 2;
  submit.n_recipients = s->second == NULL ? 1 : 2;
  names[1] = pb_data(org_id_text(&(s->first == aple ? a21 : aple)->id));
  for (size_t i = 0; i < submit.n_recipients; i++) {
    names[i] = pb_data(org_id_text(&list[i]->id));
    draft_seal(&d, list[i], ONWARD__PART__BRIEF, ONWARD__RELEASE__AT_DELIVERY);
  }
  submit.recipients = submit.scope = names;
  submit.group = s->group;
  submit.area = pb_data(bytes_text(s->area));
  submit.priority = s->priority;
  submit.basis = ONWARD__LEGAL_BASIS__CONSENT;
  submit.reroute = ONWARD__REROUTE_POLICY__REROUTE_SCOPE;
  submit.schema = SCHEMA_VERSION;
  submit.taxonomy = TAXONOMY_VERSION;
  submit.drill = s->drill;
  d.core.submit = &submit;
  assert_int_equal(world_hear(&world, s->sender, &d, 1), ONWARD__VERDICT__ACCEPTED);
  return id;
}

void act_at(uint64_t time_ms, struct member *m, const struct ref_id *id, act_kind act)
{
  world.clock_ms = time_ms;
  world_act(&world, m, id, act);
}

void straight(uint64_t begin_ms, struct member *sender, struct member *to, Onward__ServiceGroup group,
              unsigned accept_h)
{
  world.clock_ms = begin_ms;
  const struct sent s = {sender, to, NULL, group, "KH-17", ONWARD__PRIORITY__MEDIUM, false};
  struct ref_id id = submit(&s);
  act_at(begin_ms + HOUR_MS, to, &id, ACT(RECEIVE));
  act_at(begin_ms + 2 * HOUR_MS, to, &id, ACT(ACKNOWLEDGE));
  act_at(begin_ms + accept_h * HOUR_MS, to, &id, ACT(ACCEPT));
  act_at(begin_ms + 20 * HOUR_MS, to, &id, ACT(START));
  act_at(begin_ms + 30 * HOUR_MS, to, &id, ACT(COMPLETE));
  act_at(begin_ms + 40 * HOUR_MS, sender, &id, ACT(CLOSE));
}

enum audit_code report(struct audit_request q)
{
  size_t size;
  free(out);
  free(err);
  q.out = open_memstream(&out, &size);
  q.err = open_memstream(&err, &size);
  enum audit_code code = audit_report(&q);
  (void)fclose(q.out);
  (void)fclose(q.err);
  return code;
}
