/* The data folder's public keys in the form that the contract compares, and nothing else. */
#include "agents/papers.h"

#include <string.h>

static struct keys public_keys(const struct key_folder *k)
{
  struct keys own = {0};
  memcpy(own.link, k->link_public, sizeof own.link);
  memcpy(own.seal, k->seal_point[0], sizeof own.seal);
  es256_secret_public(k->sign, own.sign);
  return own;
}

enum status request_file_write(struct key_folder *keys, Onward__Request *request, struct arena *a, char *text,
                               size_t capacity)
{
  struct keys own = public_keys(keys);
  Onward__Request filled = *request;
  filled.link_key = pb_data(BYTES(own.link));
  filled.sign_key = pb_data(BYTES(own.sign));
  filled.seal_key = pb_data(BYTES(own.seal));
  return paper_request_write(keys->sign, &filled, a, text, capacity);
}

enum status invitation_file_read(struct bytes text, const struct key_folder *keys, struct arena *a,
                                 struct complaint *why, struct network *out)
{
  struct keys own = public_keys(keys);
  return paper_invitation_read(text, &own, a, why, out);
}
