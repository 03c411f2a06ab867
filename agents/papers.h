/* The two files of joining (proto/papers.h), for the keys of a data folder. */
#ifndef ONWARD_AGENT_PAPERS_H
#define ONWARD_AGENT_PAPERS_H

#include "agents/keys.h"
#include "proto/papers.h"

/* paper_request_write for this folder's keys: organisation, name, kind, telephone and hours come in `request`. */
MUST_USE enum status request_file_write(struct key_folder *keys, Onward__Request *request, struct arena *a, char *text,
                                        size_t capacity);
/* paper_invitation_read, which must be for this folder's keys. */
MUST_USE enum status invitation_file_read(struct bytes text, const struct key_folder *keys, struct arena *a,
                                          struct complaint *why, struct network *out);

#endif
