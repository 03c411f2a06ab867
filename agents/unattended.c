/* The exchange does not say when it is over: it says it again at least once a week as long as it is not, and a newer
 * word takes the place of the one before. So what was said more than eight days ago is over, and is not shown.
 */
#include "agents/unattended.h"

#include <string.h>

#include "agents/item.h"

#define SHOWN_MS (8 * 86400000ull)

void unattended_take(struct agent *a, struct books *b, const struct leaf *leaf, const Onward__Unattended *u)
{
  const struct ref_id none = {{0}};
  struct org_id at;
  struct unattended row = {leaf->time_ms, u->count, u->oldest_h};
  must(pb_org(u->organisation, &at) == OK);
  b->put(b, TABLE_UNATTENDED_AT, org_id_bytes(&at), bytes_of(&row, sizeof row));
  agent_tell(a, &none, NEWS_UNATTENDED);
}

json_t *unattended_json(struct agent *a, struct books *b)
{
  json_t *list = json_array();
  struct walk w = walk_start(TABLE_UNATTENDED_AT, (struct bytes){NULL, 0});
  while (walk_next(&w, b)) {
    struct org_id at;
    struct unattended row;
    must(w.key.size == sizeof at && w.value.size == sizeof row);
    memcpy(&at, w.key.data, sizeof at);
    memcpy(&row, w.value.data, sizeof row);
    if (row.time_ms + SHOWN_MS < agent_log_ms(a))
      continue;
    json_t *one = json_contact(a, b, &at);
    json_object_set_new(one, "count", json_integer(row.count));
    json_object_set_new(one, "oldest_h", json_integer(row.oldest_h));
    json_object_set_new(one, "since_ms", json_integer((json_int_t)row.time_ms));
    json_array_append_new(list, one);
  }
  return list;
}
