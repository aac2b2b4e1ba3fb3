/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SNP_CHANNEL_H
#define SIM_SNP_CHANNEL_H

/*
 * The guest's end of the channel to the SNP firmware, as the kernel's driver holds it: one key
 * (VMPCK0), one sequence number, one request at a time, and no more requests after a failure,
 * because a number must never be used twice.
 */

#include "platforms/machine.h"

#include <stddef.h>
#include <stdint.h>

struct snp_channel;

enum { SNP_MSG_KEY_REQ = 3, SNP_MSG_REPORT_REQ = 5 };
enum { SNP_PAYLOAD_MAX = 4000 };

/* 0 or a negative errno. */
int snp_channel_open(struct snp_channel **out, struct sim_machine *machine);
void snp_channel_close(struct snp_channel *ch); /* NULL is fine; wipes the key */

/*
 * Sends one message and takes its answer, which has the type behind the request's.
 *
 * response    what the firmware wrote, the rest zero
 * exitinfo2   the firmware's status in the low half when it refused the message, else 0
 * Returns     0; -ENOTTY when the key was wiped; -EIO, -EBADMSG after which it is.
 * Source      AMD 56860, SNP_GUEST_REQUEST; drivers/virt/coco/sev-guest
 */
int
snp_channel_request(struct snp_channel *ch, uint8_t type, uint8_t version, const uint8_t *request,
    size_t request_len, uint8_t *response, size_t response_len, uint64_t *exitinfo2);

#endif
