/* The commands, one function each: they print what they did, or tell what was wrong. The table is in main.c. */
#ifndef ONWARD_COMMANDS_H
#define ONWARD_COMMANDS_H

#include "agents/onward/call.h"

enum exit_code run_today(struct call *c); /* today.c: `onward` alone */

enum exit_code run_init(struct call *c); /* join.c */
enum exit_code run_join(struct call *c);
enum exit_code run_run(struct call *c); /* office.c */
enum exit_code run_status(struct call *c);
enum exit_code run_lock(struct call *c);
enum exit_code run_unlock(struct call *c);
enum exit_code run_rotate(struct call *c);

enum exit_code run_backup(struct call *c); /* backup.c */
enum exit_code run_restore(struct call *c);

enum exit_code run_directory(struct call *c); /* directory.c */
enum exit_code run_areas(struct call *c);
enum exit_code run_service(struct call *c);
enum exit_code run_capacity(struct call *c);
enum exit_code run_duty(struct call *c);
enum exit_code run_assure(struct call *c);
enum exit_code run_candidates(struct call *c); /* candidates.c */
enum exit_code run_ask(struct call *c);        /* places.c */
enum exit_code run_questions(struct call *c);
enum exit_code run_place(struct call *c);

enum exit_code run_enrol(struct call *c); /* registrar.c */
enum exit_code run_invitation(struct call *c);
enum exit_code run_suspend(struct call *c);
enum exit_code run_registrar_rotate(struct call *c);
enum exit_code run_stop(struct call *c);

enum exit_code run_restored(struct call *c); /* upkeep.c */
enum exit_code run_restore_request(struct call *c);
enum exit_code run_mandate(struct call *c);

enum exit_code run_receipt(struct call *c); /* proofs.c */
enum exit_code run_alarms(struct call *c);
enum exit_code run_evidence(struct call *c);

enum exit_code run_policy(struct call *c); /* policy.c */
enum exit_code run_registrar_policy(struct call *c);
enum exit_code run_names(struct call *c);

enum exit_code run_refer(struct call *c); /* refer.c */
enum exit_code run_list(struct call *c);  /* items.c: inbox, sent, outbox */
enum exit_code run_show(struct call *c);  /* show.c */
enum exit_code run_act(struct call *c);   /* acts.c: every step on a referral but opening it */
enum exit_code run_watch(struct call *c); /* watch.c */
enum exit_code run_needs(struct call *c); /* needs.c */

#endif
