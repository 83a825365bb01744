/* evl/version.h - which version this is; the only place that says so. */
#ifndef EVL_VERSION_H
#define EVL_VERSION_H

#define EVL_VERSION "0.1.0"

#endif
