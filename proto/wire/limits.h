/* Every limit of the protocol, in one place. A limit is a promise to both sides: more is refused, as much is carried.
 */
#ifndef ONWARD_LIMITS_H
#define ONWARD_LIMITS_H

enum {
  PROTOCOL_VERSION = 1,
  SCHEMA_VERSION = 1,   /* of case.proto */
  TAXONOMY_VERSION = 1, /* of the code lists */
  RULES_VERSION = 6,

  EVENT_SIZE_MAX = 4096,     /* bytes of a packed Event */
  BATCH_EVENTS_MAX = 256,    /* events under one signature */
  BATCHES_IN_FLIGHT_MAX = 8, /* sent and not yet known to be logged, for one organisation */
  RECIPIENTS_MAX = 16,       /* organisations in one submit or readdress */
  SCOPE_MAX = 32,            /* organisations within a consent's scope */
  SEALED_SLOTS_MAX = 32,     /* sealed bodies of one event: brief and file for each recipient */
  LEGS_MAX = 16,             /* turns of one referral */
  CLOCKS = 16,               /* kinds of clocks */
  CLOCKS_LIMITED = 13,       /* the first of them, whose limits a policy sets */
  CLOCK_LIMIT_MAX_S = 31622400,
  INFO_MAX = 2,                     /* questions in one leg */
  PARTIES_MAX = 32,                 /* organisations that a referral may name: listed, and targets of re-routes */
  MESSAGE_SIZE_MAX = 1048576,       /* bytes of one frame of the wire */
  DELIVERY_ENTRIES_MAX = 256,       /* entries of one delivery */
  CREDIT_BYTES_MIN = 4096,          /* bytes of one delivery that a credit allows, at the least */
  REQUEST_SIZE_MAX = 1024,          /* bytes of a packed Request */
  RESTORE_SIZE_MAX = 256,           /* bytes of a packed Restore */
  INVITATION_SIZE_MAX = 16384,      /* bytes of a packed Invitation */
  TEXT_SIZE_MAX = 2000,             /* bytes of one text of a case form */
  LEAF_SIZE_MAX = 65535,            /* bytes; the largest that these limits allow is 4,560 */
  DIRECTORY_ACTS_PER_DAY_MAX = 256, /* of one organisation on its own services and duty line, UTC days of log time */
  SERVICES_MAX = 64,                /* of one organisation */
  SERVICE_CODES_MAX = 12,           /* of one service: no group has more */
  SERVICE_AREAS_MAX = 16,
  SERVICE_LANGUAGES_MAX = 8,
  AREA_SIZE_MAX = 11, /* bytes of an area's code in the directory */
  LANGUAGE_SIZE_MAX = 11,
  AGE_MAX = 130,      /* years */
  PLACES_MAX = 99999, /* of one service */
  SEEN_MAX = 32,      /* organisations in one question when they were last seen */
  KEY_ID_SIZE = 8,
  NONCE_SIZE = 16,
};

#endif
