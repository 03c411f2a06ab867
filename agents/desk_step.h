/* One step on one referral while it is made: what was asked for, what it becomes (desk_fill.c), how it is saved
 * (desk_act.c).
 */
#ifndef ONWARD_DESK_STEP_H
#define ONWARD_DESK_STEP_H

#include "agents/desk.h"
#include "agents/item.h"

struct step {
  const json_t *request;
  struct view view;
  Onward__Core *core;
  json_t *note; /* what is said beside; own reference */
  struct part parts[2 * RECIPIENTS_MAX];
  size_t part_count;
  struct bytes own_note, own_brief; /* packed, to be kept sealed to ourselves */
  struct org_id to[SCOPE_MAX];
  ProtobufCBinaryData named[SCOPE_MAX]; /* the same, as an act names them */
  union {
    Onward__Acknowledge acknowledge;
    Onward__Tell tell;
    Onward__Next next;
    Onward__RequestInfo request_info;
    Onward__SupplyInfo supply_info;
    Onward__Waitlist waitlist;
    Onward__Accept accept;
    Onward__Decline decline;
    Onward__Reroute reroute;
    Onward__Start start;
    Onward__Progress progress;
    Onward__Complete complete;
    Onward__Fail fail;
    Onward__Close close;
    Onward__Readdress readdress;
    Onward__Cancel cancel;
    Onward__ConfirmCancel confirm_cancel;
    Onward__RefuseCancel refuse_cancel;
    Onward__RenewConsent renew_consent;
    Onward__NarrowConsent narrow_consent;
    Onward__RaisePriority raise_priority;
    Onward__Withdraw withdraw;
    Onward__EnterInError enter_in_error;
    Onward__EraseReceipt erase_receipt;
    Onward__LegalHold legal_hold;
  } as;
};

struct act_form {
  const char *name;
  act_kind act;
  const ProtobufCMessageDescriptor *type;
  json_t *(*fill)(struct agent *a, struct books *b, struct step *s); /* NULL: filled; otherwise the refusal */
  const char *fields; /* that it may have beside do, act and id; "note!": a note is compulsory */
};
/* NULL, and the refusal in `refused`: no such act, or a field that it does not have. */
const struct act_form *step_form(const json_t *request, json_t **refused);
bool step_has_field(const struct act_form *form, const char *field);

#endif
