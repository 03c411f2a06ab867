/* The agent's configuration file. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char path[40];
  struct config config;
  struct settings_error why = {{0}};
  int fd = memfd_create("agent.conf", MFD_CLOEXEC);
  must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  must(snprintf(path, sizeof path, "/proc/self/fd/%d", fd) < (int)sizeof path);
  enum status s = config_read(path, &config, &why);
  must(s == OK || (s == BAD_INPUT && why.text[0] != 0));
  if (s == OK)
    must(config.credit_entries >= 1 && memchr(config.address, 0, sizeof config.address) != NULL);
  must(close(fd) == 0);
  return 0;
}
