/* watch.h - sleeping until files change.
 *
 * The kernel tells (inotify) where it can; a look every now and then is what
 * remains, since no kernel tells of everything: a network's other machines, a
 * folder that was replaced, a link that leads elsewhere.  So an event only says
 * "look again", never what there is to see. */
#ifndef CMD_WATCH_H
#define CMD_WATCH_H

#include <stdint.h>

struct watch;

struct watch *watch_open(void);
void watch_close(struct watch *watch); /* NULL does nothing */

/* Wake up when names appear in this folder or leave it.  Once is enough, and
 * again does no harm: the folder may be another one by now. */
void watch_folder(struct watch *watch, const char *path);

/* Wake up when this open file changes; returns a handle for watch_forget. */
int watch_file(struct watch *watch, int fd);
void watch_forget(struct watch *watch, int handle);

enum watch_event {
    WATCH_CHANGE, /* something may have changed: look */
    WATCH_QUIET,  /* the time has passed */
    WATCH_SIGNAL, /* a signal came */
};

/* Sleep up to `ms`; -1 for ever. */
enum watch_event watch_wait(struct watch *watch, int64_t ms);

#endif
