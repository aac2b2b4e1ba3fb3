/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_DEVICE_H
#define SIM_DEVICE_H

#include "sandbox.h"

/* Request numbers. Source: linux/tdx-guest.h, linux/sev-guest.h */
enum { TDX_GET_REPORT0_SIZE = 1088, SNP_IOCTL_TYPE = 'S' };
#define TDX_GET_REPORT0 0xc4405401U
#define SNP_GET_REPORT  0xc0205300U
#define SNP_GET_DERIVED 0xc0205301U
#define SNP_GET_EXT     0xc0205302U

enum { SEV_API_MINOR_ID2 = 16 }; /* GET_ID2 came with API 0.16 */
#define SEV_ISSUE_CMD 0xc0105300U

/* One ioctl on the device, arg being the program's third argument; 0 or a negative errno. */
int device_tdx_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg);
int device_snp_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg);
/* The host's /dev/sev. writable: how it was opened. */
int device_sev_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg, bool writable);

#endif
