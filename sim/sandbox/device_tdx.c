/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/tdx_guest, as mainline has it since 6.2: one ioctl. The numbers of older drivers are ENOTTY
 * there, and the node's own answer to them is the same. */
#include "device.h"
#include "target.h"

#include <errno.h>

int
device_tdx_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg)
{
	uint8_t data[REPORT_DATA_SIZE], report[TDREPORT_SIZE];
	int rc;

	if (request != TDX_GET_REPORT0)
		return -ENOTTY;
	if ((rc = target_read(tid, arg, data, sizeof data)) != 0 ||
	    (rc = evidence_begin(sb, tid, data)) != 0 ||
	    (rc = sim_machine_td_report(sb->machine, data, report)) != 0 ||
	    (rc = target_write(tid, arg + sizeof data, report, sizeof report)) != 0)
		return rc;
	return 0;
}
