/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_VSOCK between processes of one machine, preloaded: sockets are Unix ones in the folder $FAKE_VSOCK, a
 * port is a name there, and the CID of a client is in the name that it has bound itself to, "cid-N-...", as is its
 * port, "...-port-N", if it is not one that anybody has. A port of another CID is the name "to-CID-PORT".
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

int
socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "socket");
	return real(domain == AF_VSOCK ? AF_UNIX : domain, type, protocol);
}

int
bind(int fd, const struct sockaddr *name, socklen_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_vm vm;
	int (*real)(int, const struct sockaddr *, socklen_t);

	*(void **)&real = dlsym(RTLD_NEXT, "bind");
	if (name->sa_family != AF_VSOCK)
		return real(fd, name, size);
	memcpy(&vm, name, sizeof vm);
	snprintf(un.sun_path, sizeof un.sun_path, "%.80s/%u", getenv("FAKE_VSOCK"), vm.svm_port);
	return real(fd, (const struct sockaddr *)&un, sizeof un);
}

int
connect(int fd, const struct sockaddr *name, socklen_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_vm vm;
	int (*real)(int, const struct sockaddr *, socklen_t);

	*(void **)&real = dlsym(RTLD_NEXT, "connect");
	if (name->sa_family != AF_VSOCK)
		return real(fd, name, size);
	memcpy(&vm, name, sizeof vm);
	snprintf(un.sun_path, sizeof un.sun_path, "%.70s/to-%u-%u", getenv("FAKE_VSOCK"),
	    vm.svm_cid, vm.svm_port);
	return real(fd, (const struct sockaddr *)&un, sizeof un);
}

int
accept4(int fd, struct sockaddr *name, socklen_t *size, int flags)
{
	struct sockaddr_un un = { 0 };
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_port = 4096 };
	int (*real)(int, struct sockaddr *, socklen_t *, int);
	const char *at;

	*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	int one = real(fd, name, size, flags);
	if (one < 0 || name == NULL || name->sa_family != AF_UNIX || *size > sizeof un)
		return one;
	memcpy(&un, name, *size);
	if ((at = strstr(un.sun_path, "/cid-")) != NULL) {
		vm.svm_cid = (unsigned)strtoul(at + 5, NULL, 10);
		if ((at = strstr(at, "-port-")) != NULL)
			vm.svm_port = (unsigned)strtoul(at + 6, NULL, 10);
		memcpy(name, &vm, sizeof vm);
		*size = sizeof vm;
	}
	return one;
}

/* What a guest connects to is the host's CID; from "cid-N-outside-..." another. */
int
getsockname(int fd, struct sockaddr *name, socklen_t *size)
{
	struct sockaddr_un un = { 0 };
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
	socklen_t len = sizeof un;

	if (*size != sizeof vm || getpeername(fd, (struct sockaddr *)&un, &len) != 0 ||
	    strstr(un.sun_path, "/cid-") == NULL) {
		int (*real)(int, struct sockaddr *, socklen_t *);
		*(void **)&real = dlsym(RTLD_NEXT, "getsockname");
		return real(fd, name, size);
	}
	if (strstr(un.sun_path, "-outside") != NULL)
		vm.svm_cid = 77;
	memcpy(name, &vm, sizeof vm);
	return 0;
}
