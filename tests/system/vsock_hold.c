/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the guest who takes all connections to the broker, with half a frame on each: vsock_hold CID PORT. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

enum { NOBODY = 65534, CONNECTIONS = 16 };

int
main(int argc, char **argv)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK };
	struct sockaddr_vm own = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 700
	};
	int held = 0;

	if (argc != 3 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 2;
	to.svm_cid = (unsigned)strtoul(argv[1], NULL, 10);
	to.svm_port = (unsigned)strtoul(argv[2], NULL, 10);
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof own) == 0)
			return 1; /* a port of root's is not for him */
		if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
		    send(fd, "", 1, MSG_NOSIGNAL) == 1)
			held++;
		usleep(20000);
	}
	printf("holds %d\n", held);
	fflush(stdout);
	pause();
	return 0;
}
