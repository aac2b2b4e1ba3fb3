#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dracut: all that a root disk needs which is opened by attestation with the clevis pin "assay".

check() {
	require_binaries assay clevis-decrypt-assay clevis jose || return 1
	return 0
}

depends() {
	echo clevis network
}

installkernel() {
	# Those that are built in need no module, and not every kernel has each.
	hostonly='' instmods configfs tsm tsm_report sev-guest tdx-guest tdx_guest vmw_vsock_virtio_transport
}

install() {
	local ca

	# There is no disk without the network.
	mkdir -p "$initdir/etc/cmdline.d"
	echo "rd.neednet=1" >"$initdir/etc/cmdline.d/99clevis-pin-assay.conf"

	inst_multiple assay clevis-decrypt-assay jose bash cat
	# Loaded by name, so that no tool sees that it is needed; and what looks up the names of hosts.
	inst_libdir_file 'libcurl.so.4*' 'libnss_dns.so*' 'libnss_files.so*'

	# Which broker, and whom it must chain to. What stands here is measured with the image, and comes
	# before what the disk says.
	inst_multiple -o /etc/assay/assay.conf /etc/tdx-attest.conf
	ca=$(sed -n 's/^[[:space:]]*ca[[:space:]]*=[[:space:]]*\([^#]*[^#[:space:]]\).*/\1/p' \
		"$dracutsysrootdir/etc/assay/assay.conf" 2>/dev/null | tail -n 1)
	if [ -n "$ca" ]; then
		inst_simple "$ca"
	else
		inst_multiple -o /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
	fi

	if dracut_module_included "systemd"; then
		inst_simple "$moddir/clevis-luks-askpass-assay.conf" \
			"$systemdsystemunitdir/clevis-luks-askpass.service.d/assay.conf"
		inst_multiple -o "$systemdsystemunitdir/sys-kernel-config.mount" \
			"$systemdsystemunitdir/modprobe@.service"
	fi
}
