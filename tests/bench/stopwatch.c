/* stopwatch.c - how long a line of sh takes, and who else was busy meanwhile.
 *
 *   stopwatch SCRIPT      the script's output goes to stderr; one line on stdout:
 *
 *   SECONDS USER SYSTEM RSS FOREIGN STATUS
 *
 * USER and SYSTEM are the seconds of CPU of all processes of the script, RSS is
 * the largest of them in bytes.  FOREIGN is what others computed in the same
 * time, in percent of one CPU: user time of the machine without ours.  System
 * time is left out, as the kernel writes our pages for us. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

/* Seconds of user time of all CPUs since the machine began. */
static double machine_user(void)
{
    unsigned long long user = 0, nice = 0;
    FILE *stat = fopen("/proc/stat", "r");
    if (!stat)
        return 0;
    if (fscanf(stat, "cpu %llu %llu", &user, &nice) != 2)
        user = nice = 0;
    fclose(stat);
    return (double)(user + nice) / (double)sysconf(_SC_CLK_TCK);
}

static int script_run(char *script)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return 71;
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    if (waitpid(child, &status, 0) < 0)
        return 71;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: stopwatch SCRIPT\n");
        return 64;
    }
    struct rusage used;
    double before = machine_user();
    double begin = now();
    int status = script_run(argv[1]);
    double took = now() - begin;
    double machine = machine_user() - before;
    getrusage(RUSAGE_CHILDREN, &used);
    double foreign = machine - seconds(used.ru_utime);
    printf("%.6f %.6f %.6f %" PRId64 " %.1f %d\n", took, seconds(used.ru_utime),
           seconds(used.ru_stime), (int64_t)used.ru_maxrss * 1024,
           foreign > 0 ? 100 * foreign / took : 0, status);
    return 0;
}
