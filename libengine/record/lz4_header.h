/* lz4_header.h - the wrong header checksum of Kafka's first LZ4 frames. */
#ifndef RECORD_LZ4_HEADER_H
#define RECORD_LZ4_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* Before 0.10, Kafka computed the header's checksum over the frame's magic too.
 * Set the right one, in place; what is no header stays as it is. */
void lz4_header_mend(uint8_t *frame, size_t count);

#endif
