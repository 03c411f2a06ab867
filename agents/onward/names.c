/* `registrar names`: signs who may be named in reports, with the keys in the data folder. Needs neither the exchange
 * nor Onward running; whether the signer is a registrar, the report sees in the log. */
#include <stdio.h>
#include <string.h>

#include "agents/json_wipe.h"
#include "agents/keys.h"
#include "agents/onward/client.h"
#include "agents/onward/commands.h"
#include "agents/onward/files.h"
#include "agents/onward/words.h"
#include "proto/names.h"
#include "proto/papers.h"

static uint8_t memory[PAPER_ARENA_SIZE];

static enum exit_code take_organisations(const struct call *c, struct named *out)
{
  for (const char *at = call_argument(c, 0); *at != 0; at += *at == ',') {
    size_t size = strcspn(at, ",");
    if (out->count == NAMED_MAX)
      return call_fail(c, WRONG_USAGE, NULL, "at most %d organisations can be named", NAMED_MAX);
    if (org_id_parse(bytes_of(at, size), &out->organisations[out->count++]) != OK)
      return call_fail(c, WRONG_USAGE, "ids with commas between them, such as aple,a21", "%.*s is no organisation's id",
                       (int)size, at);
    at += size;
  }
  return out->count > 0 ? DONE : call_fail(c, WRONG_USAGE, NULL, "expected an organisation's id");
}

/* The network that was joined, and who one is there. */
static enum exit_code take_network(struct call *c, struct named *out)
{
  struct arena a = arena_of(memory, sizeof memory);
  struct complaint why;
  struct network n;
  json_t *status = NULL;
  char path[512], *text = NULL;
  size_t size = 0;
  snprintf(path, sizeof path, "%s/network", c->home);
  enum exit_code code = input_read(c, path, PAPER_TEXT_MAX, &text, &size);
  if (code == DONE && paper_invitation_read(bytes_of(text, size), NULL, &a, &why, &n) != OK)
    code = call_fail(c, BROKEN, NULL, "%s does not hold: %s", path, why.text);
  wiped_free(text);
  if (code == DONE) {
    out->network = n.id;
    code = client_do(c, client_request("status"), &status);
  }
  if (code == DONE && org_id_parse(bytes_text(text_of(status, "organisation")), &out->by) != OK)
    code = call_fail(c, BROKEN, NULL, "Onward on this computer does not say whose it is");
  json_decref(status);
  return code;
}

static void say_names(const struct call *c, const char *text)
{
  json_t *told = json_pack("{s:b, s:s}", "ok", 1, "names", text);
  if (c->json)
    say_json(told);
  else
    say("%s", text);
  json_decref(told);
}

enum exit_code run_names(struct call *c)
{
  static struct named named; /* large */
  char text[NAMES_TEXT_MAX], why[200];
  struct key_folder keys;
  enum exit_code code = take_organisations(c, &named);
  if (code != DONE)
    return code;
  if (keys_open(c->home, why, &keys) != OK)
    return call_fail(c, BROKEN, NULL, "%s", why);
  code = take_network(c, &named);
  if (code == DONE && named_write(keys.sign, &named, text, sizeof text) != OK)
    code = call_fail(c, BROKEN, NULL, "cannot sign");
  if (code == DONE)
    say_names(c, text);
  keys_close(&keys);
  return code;
}
