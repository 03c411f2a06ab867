/* The table comes first; behind it is what walks over it. Help texts repeat the one rule that matters most: no incident
 * details. */
#include "agents/onward/questions.h"

#include <stdio.h>
#include <string.h>

#include "agents/onward/words.h"
#include "proto/base/base.h"
#include "proto/case.pb-c.h"
#include "proto/onward.pb-c.h"

#define NO_DETAILS "No incident details: what happened stays with those who investigate it."

const struct question questions[] = {
    {"to", ASK_ORGANISATIONS, USE_COMPULSORY, NULL, "To", "Which organisations may be asked, the first one first?",
     "If the first says no, the next on your list is asked by itself. Only they can read the case.", NULL, NULL},
    {"priority", ASK_CODE, USE_COMPULSORY, &onward__priority__descriptor, "Priority", "How urgent is it?",
     "High: within hours. Call them as well, and say so below.", NULL, NULL},
    {"basis", ASK_CODE, USE_COMPULSORY, &onward__legal_basis__descriptor, "Legal basis",
     "On what legal basis is the case shared?",
     "Consent or assent is given by the child and a caregiver; the others need none, but somebody answers for them.",
     NULL, NULL},
    {"scope", ASK_ORGANISATIONS, USE_MORE, NULL, "May be given to",
     "Which organisations may ever be given this case, those that are asked among them?",
     "Left out: only those that are asked.", NULL, NULL},
    {"never", ASK_ORGANISATIONS, USE_MORE, NULL, "Never to be given to",
     "Which organisations must never be given this case?",
     "It is written down nowhere but here, sealed: nobody else learns that somebody was left out.", NULL, NULL},
    {"consent_until", ASK_DATE, USE_OFFERED, NULL, "Consent until", "Until when does the consent hold?",
     "YYYY-MM-DD. Left empty: without an end. After it nobody new is asked.", NULL, NULL},
    {"phoned", ASK_YES_NO, USE_OFFERED, NULL, "Phoned", "Did you also tell them by telephone?", "Yes or no.", NULL,
     NULL},
    {"group", ASK_CODE, USE_MORE, &onward__service_group__descriptor, "Group", "Which group of services, for reports?",
     "Left out: the group of the service. GROUP_NOT_STATED (service not stated) where even that tells too much.", NULL,
     NULL},
    {"area", ASK_TEXT, USE_MORE, NULL, "Area", "Which area, for reports?",
     "A province's code, at most 16 of A-Z 0-9 -.", NULL, NULL},
    {"drill", ASK_YES_NO, USE_MORE, NULL, "Exercise", "Is this an exercise?", "True: there is no child.", NULL, NULL},
    {"reroute", ASK_CODE, USE_MORE, &onward__reroute_policy__descriptor, "May be passed on",
     "To whom may they pass it on: to all who may be given it (scope), to those you ask (listed), to nobody (never)?",
     "Left out: to all who may be given it.", NULL, NULL},
    {"feedback", ASK_YES_NO, USE_UNASKED, NULL, "Feedback wanted", "Do you want to be told how it went?",
     "Left out: yes.", NULL, NULL},
    {"file_now", ASK_YES_NO, USE_MORE, NULL, "All at once",
     "Are name and contact sent at once, before anybody said yes?", "True only where it cannot wait.", NULL, NULL},
    {"ourselves", ASK_YES_NO, USE_UNASKED, NULL, "Kept by yourselves", "Do you meet this need yourselves?",
     "True: it is sent to nobody, and stands among the child's needs.", NULL, NULL},
    {"with", ASK_TEXT, USE_MORE, NULL, "Same child as", "Is there a referral of the same child on this computer?",
     "Its id: the new one is joined to it, as another need of this child. Left out: a new child.", NULL, NULL},
    {"ref", ASK_TEXT, USE_MORE, NULL, "Your reference", "Your own reference, which makes a repetition harmless?",
     "1 to 64 characters, and no name of a person.", NULL, NULL},

    {"brief.service", ASK_CODE, USE_COMPULSORY, &onward__service_code__descriptor, "Service",
     "Which service is needed?", "One referral for each need: a second service is a second referral.", NULL, NULL},
    {"brief.need", ASK_TEXT, USE_COMPULSORY, NULL, "Need", "What is needed, in a few words?", NO_DETAILS, NULL, NULL},
    {"file.age", ASK_NUMBER, USE_OFFERED, NULL, "Age", "How old is the child, in years?",
     "Left empty where it is not known: then a band is asked.", NULL, NULL},
    {"brief.age_band", ASK_CODE, USE_COMPULSORY, &onward__age_band__descriptor, "Age", "About how old?",
     "A guess is better than nothing.", NULL, "file.age"},
    {"brief.sex", ASK_CODE, USE_COMPULSORY, &onward__sex__descriptor, "Sex", "Sex?", "As the child says it.", NULL,
     NULL},
    {"brief.language", ASK_TEXT, USE_OFFERED, NULL, "Language", "Which language does the child speak?",
     "Such as km, vi or en.", NULL, NULL},
    {"brief.risk", ASK_CODE, USE_OFFERED, &onward__risk__descriptor, "Risk", "How great is the risk to the child now?",
     NO_DETAILS, NULL, NULL},
    {"brief.risk_note", ASK_TEXT, USE_OFFERED, NULL, "To be safe",
     "What must they know to be safe, and to keep the child safe?", NO_DETAILS, NULL, NULL},
    {"brief.by_rerouter", ASK_YES_NO, USE_UNASKED, NULL, "By who passed it on",
     "Are these the words of an organisation that passed it on?", "Set by itself.", NULL, NULL},

    {"file.case_code", ASK_TEXT, USE_COMPULSORY, NULL, "Case code", "Your case code, or an alias?",
     "It need not be the real name.", NULL, NULL},
    {"file.name", ASK_TEXT, USE_OFFERED, NULL, "Name", "What is the child called?",
     "Only where they need it. It travels only after they said yes.", NULL, NULL},
    {"file.contact.who", ASK_TEXT, USE_COMPULSORY, NULL, "Safe contact", "Who may be called?",
     "Somebody who is safe for the child.", NULL, NULL},
    {"file.contact.telephone", ASK_TEXT, USE_COMPULSORY, NULL, "Telephone", "On which number?",
     "And whose telephone it is, if others may answer.", NULL, NULL},
    {"file.contact.when", ASK_TEXT, USE_OFFERED, NULL, "When", "When is it safe to call?", "Days and hours.", NULL,
     NULL},
    {"file.contact.words", ASK_TEXT, USE_OFFERED, NULL, "Words", "Which words are to be used, and which never?",
     "Such as: say that you call from the school.", NULL, NULL},
    {"file.contact.must_not_learn", ASK_TEXT, USE_OFFERED, NULL, "Must not learn of it", "Who must not learn of it?",
     "People, not what they did.", NULL, NULL},
    {"file.caregiver.who", ASK_TEXT, USE_OFFERED, NULL, "Caregiver", "Who takes care of the child?",
     "Such as: father. Left empty where there is nobody.", NULL, NULL},
    {"file.caregiver.informed", ASK_YES_NO, USE_OFFERED, NULL, "Caregiver informed", "Has the caregiver been informed?",
     "Yes or no.", "file.caregiver.who", NULL},
    {"file.caregiver.why_not", ASK_TEXT, USE_COMPULSORY, NULL, "Not informed, because",
     "Why has the caregiver not been informed?", NO_DETAILS, "file.caregiver.who", "file.caregiver.informed"},
    {"file.already_given", ASK_TEXT, USE_OFFERED, NULL, "Help so far", "Which help has been given, or is being given?",
     NO_DETAILS, NULL, NULL},
    {"file.consent.given_by", ASK_TEXT, USE_COMPULSORY, NULL, "Consent given by",
     "Who gave consent or assent, and when?", "Where the basis is no consent: who decided.", NULL, NULL},
    {"file.consent.may_be_shared", ASK_TEXT, USE_OFFERED, NULL, "May be shared", "What may be shared, and with whom?",
     "As it was agreed with the child.", NULL, NULL},
    {"file.consent.withhold", ASK_TEXT, USE_OFFERED, NULL, "Must be withheld", "What must be withheld?",
     "As it was agreed with the child.", NULL, NULL},
    {"file.consent.withhold_why", ASK_TEXT, USE_OFFERED, NULL, "Withheld, because", "Why must it be withheld?",
     NO_DETAILS, "file.consent.withhold", NULL},
    {"file.legal_status", ASK_CODE, USE_OFFERED, &onward__legal_status__descriptor, "Proceedings",
     "Are there legal proceedings?", NO_DETAILS, NULL, NULL},
    {"file.focal_point", ASK_TEXT, USE_COMPULSORY, NULL, "Focal point", "Whom can they call at your organisation?",
     "The role and its telephone.", NULL, NULL},
    {"file.root", ASK_TEXT, USE_UNASKED, NULL, "Root", "Which number do the referrals of this child share?",
     "32 hex digits. Left out: that of the referral in `with`, or a new one.", NULL, NULL},
};
const size_t questions_count = sizeof questions / sizeof questions[0];

const struct question *question_find(const char *path)
{
  for (size_t i = 0; i < questions_count; i++)
    if (strcmp(questions[i].path, path) == 0)
      return &questions[i];
  return NULL;
}

/* --- paths --- */

json_t *path_get(const json_t *object, const char *path)
{
  const char *dot = strchr(path, '.');
  if (dot == NULL)
    return json_object_get(object, path);
  return path_get(json_object_getn(object, path, (size_t)(dot - path)), dot + 1);
}

void path_set(json_t *object, const char *path, json_t *value)
{
  const char *dot = strchr(path, '.');
  if (dot == NULL) {
    must(value != NULL && json_object_set_new(object, path, value) == 0);
    return;
  }
  size_t size = (size_t)(dot - path);
  if (!json_is_object(json_object_getn(object, path, size)))
    must(json_object_setn_new(object, path, size, json_object()) == 0);
  path_set(json_object_getn(object, path, size), dot + 1, value);
}

/* --- forms --- */

static json_t *explanation(const struct question *q)
{
  char text[2048];
  struct writer w = writer_of(text, sizeof text);
  write_text(&w, q->use == USE_COMPULSORY ? "Compulsory. " : "");
  write_text(&w, q->ask);
  write_text(&w, " ");
  write_text(&w, q->help);
  for (unsigned i = 0, before = 0; q->kind == ASK_CODE && i < q->codes->n_values; i++)
    if (q->codes->values[i].value != 0) {
      write_text(&w, before++ == 0 ? " One of: " : ", ");
      write_text(&w, q->codes->values[i].name);
    }
  write_text(&w, q->kind == ASK_YES_NO ? " true or false." : "");
  write_text(&w, q->kind == ASK_ORGANISATIONS ? " A list of ids, see: onward directory" : "");
  must(!w.overflow);
  return json_stringn(text, w.size);
}

json_t *form_empty(void)
{
  json_t *form = json_object();
  path_set(form, "needs?",
           json_string("Several needs of one child at once: a list of objects, each with what differs from what is "
                       "said here for all, such as {\"to\": [\"a21\"], \"brief\": {\"service\": \"FOOD\", \"need\": "
                       "\"...\"}}, or \"ourselves\": true where you meet it yourselves. Left out: one need."));
  path_set(form, "needs", json_array());
  for (size_t i = 0; i < questions_count; i++) {
    const struct question *q = &questions[i];
    char path[64];
    snprintf(path, sizeof path, "%s?", q->path);
    path_set(form, path, explanation(q));
    path_set(form, q->path,
             q->kind == ASK_ORGANISATIONS                     ? json_array()
             : q->kind == ASK_NUMBER || q->kind == ASK_YES_NO ? json_null()
                                                              : json_string(""));
  }
  return form;
}

static bool says_nothing(const json_t *value)
{
  return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
         (json_is_array(value) && json_array_size(value) == 0) ||
         (json_is_object(value) && json_object_size(value) == 0);
}

void form_prune(json_t *form)
{
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(form, next, name, value)
  {
    size_t size = strlen(name);
    if (json_is_object(value))
      form_prune(value);
    for (size_t i = 0; strcmp(name, "needs") == 0 && i < json_array_size(value); i++)
      form_prune(json_array_get(value, i));
    if ((size > 0 && name[size - 1] == '?') || says_nothing(value))
      json_object_del(form, name);
  }
}

static void say_answer(const struct question *q, const json_t *value)
{
  char words[CODE_WORDS_SIZE];
  if (json_is_integer(value)) {
    snprintf(words, sizeof words, "%lld", (long long)json_integer_value(value));
    say_labelled(q->label, words);
  } else if (json_is_boolean(value)) {
    say_labelled(q->label, json_is_true(value) ? "yes" : "no");
  } else if (json_is_array(value)) {
    for (size_t i = 0; i < json_array_size(value); i++) {
      const char *one = json_string_value(json_array_get(value, i));
      say_labelled(i == 0 ? q->label : "  then", one == NULL ? "" : one);
    }
  } else if (q->kind == ASK_CODE && json_is_string(value)) {
    say_labelled(q->label, code_words(json_string_value(value), words));
  } else if (json_is_string(value)) {
    say_labelled(q->label, json_string_value(value));
  }
}

void form_say(const json_t *form, const char *part)
{
  for (size_t i = 0; i < questions_count; i++)
    if (strncmp(questions[i].path, part, strlen(part)) == 0)
      say_answer(&questions[i], path_get(form, questions[i].path));
}
