/* Referrals in the making: read from a form each, joined as the needs of one child, checked, and saved together
 * (desk_refer.c); the requests around it are `refer` and `assess`.
 */
#ifndef ONWARD_DESK_REFER_H
#define ONWARD_DESK_REFER_H

#include "agents/areas.h"
#include "agents/desk.h"

#define NEEDS_MAX 16 /* of one child, in one request */

struct referring {
  const json_t *form; /* borrowed: the fields of "The form" in docs/spec/local-socket.md */
  const char *ref;    /* in the form; NULL: none */
  struct ref_id id;
  bool again;             /* it was made before, under this reference */
  bool compared;          /* and the case is the same */
  protobuf_c_boolean own; /* a need that we meet ourselves */
  protobuf_c_boolean file_now;
  struct org_id to[RECIPIENTS_MAX], scope[SCOPE_MAX], never[SCOPE_MAX];
  size_t to_count, scope_count, never_count;
  char area[PROVINCE_SIZE];
  Onward__Submit submit;
  ProtobufCBinaryData recipients[RECIPIENTS_MAX], in_scope[SCOPE_MAX];
  json_t *brief_form, *file_form; /* own copies */
  struct bytes brief, file;       /* packed, in the secret arena */
  struct composed composed;
};

/* Saves all of the list, whose members are zero but for their forms, or none. NULL: all are saved. `wrong`: which one
 * the refusal is about; `count`: all of them. `with` may be NULL. The caller forgets each. */
json_t *refer_all(struct agent *a, const json_t *with, struct referring *list, size_t count, size_t *wrong);
void refer_tell(json_t *answer, const struct referring *r); /* adds id, short, again, compared, root */
void refer_forget(struct referring *r);

/* Gives all of them one number in their files: the one that the form names, that of the item `with`, that of the first
 * that was made before, or a new one. NULL: they have it. (desk_needs.c) */
json_t *desk_join(struct agent *a, const json_t *with, struct referring *list, size_t count);

#endif
