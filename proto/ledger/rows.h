/* Keys and rows, for the files of this floor and for whoever reads the tables as tables (an audit, an agent's own). */
#ifndef ONWARD_ROWS_H
#define ONWARD_ROWS_H

#include "proto/ledger/ledger.h"

struct row_key {
  uint8_t data[64];
  size_t size;
};
struct row_key row_key_start(void);
void row_key_bytes(struct row_key *k, struct bytes b);
void row_key_u64(struct row_key *k, uint64_t n);
void row_key_u8(struct row_key *k, uint8_t n);
struct bytes row_key(const struct row_key *k);

struct row_key key_of_index(uint64_t index);
struct row_key key_of_org(const struct org_id *id);
struct row_key key_of_org_index(const struct org_id *id, uint64_t index);
struct row_key key_of_body(uint64_t index, uint8_t slot);
struct row_key key_of_service(const struct org_id *id, uint8_t number);
struct row_key key_of_sequence(const struct org_id *id, uint64_t sequence);

void row_put(struct books *b, int table, struct row_key k, const void *row, size_t size);
void row_del(struct books *b, int table, struct row_key k);
void books_put_head(struct books *b, const struct head *h);
void books_put_referral(struct books *b, const struct referral *r);
void books_put_organisation(struct books *b, const struct organisation *o);
void books_put_service(struct books *b, const struct service *s);

#endif
