/* Loaded before libc into an exchange under test: its clocks run ahead by what the file ONWARD_SHIFT says, three
 * numbers in ms: the wall clock, that since the machine began, that without its sleep. No test waits for real time. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *out);

static long long shift_ms(int which)
{
  char text[100] = "";
  long long ms[3] = {0, 0, 0};
  const char *path = getenv("ONWARD_SHIFT");
  int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  if (read(fd, text, sizeof text - 1) > 0)
    (void)sscanf(text, "%lld %lld %lld", &ms[0], &ms[1], &ms[2]);
  close(fd);
  return ms[which];
}

int clock_gettime(clockid_t id, struct timespec *out)
{
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  int error = real(id, out);
  if (error == 0 && (id == CLOCK_REALTIME || id == CLOCK_BOOTTIME || id == CLOCK_MONOTONIC)) {
    long long ms = shift_ms(id == CLOCK_REALTIME ? 0 : id == CLOCK_BOOTTIME ? 1 : 2);
    out->tv_sec += ms / 1000;
  }
  return error;
}
