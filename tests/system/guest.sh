# SPDX-License-Identifier: Apache-2.0
# What runs in the machine that vsock.py boots: an owner, a VMM with its firmware, the broker of the host,
# the agent of the guest, a relying party. Broker and agent meet over AF_VSOCK, on its loopback. A line
# "step NAME STATUS" for each thing that was tried.
nonce=00112233445566778899aabbccddeeff
mkdir -p /run/assay secrets keeper
chmod 700 keeper
echo "correct horse" >secret

step() { # step NAME COMMAND...
	name=$1
	shift
	"$@" >out 2>&1
	status=$?
	[ "$status" = 0 ] || sed "s/^/[$name] /" out
	echo "step $name $status"
}
there() { # there PATH: in some seconds
	for _ in $(seq 300); do
		[ -e "$1" ] && return
		sleep 0.1
	done
	return 1
}
listens() { # listens LOG WORDS
	for _ in $(seq 300); do
		grep -q "$2" "$1" && return
		sleep 0.1
	done
	cat "$1"
	return 1
}

step platform assay-sim new --tee sev-es --seed 7 P
step session assay launch session --guest-policy 0xf --name vm --trust-root P/trust-root P/collateral
# The guest's memory, as far as anyone looks into it: what was put in comes out for the agent.
assay-sim run --tee sev-es --platform P --launch ./vm --qmp unix:/tmp/vm.qmp --no-agent -- \
	sh -c 'cp /sys/kernel/security/secrets/coco/* /tmp/secrets/ && touch /tmp/started && sleep 1000' >vmm 2>&1 &
step vmm there vm.qmp
step check assay launch check --launch vm.launch.json --qmp unix:/tmp/vm.qmp \
	--ovmf P/firmware.fd --vcpus 1 --vcpu-type EPYC-Milan
step secret assay launch secret --launch vm.launch.json --qmp unix:/tmp/vm.qmp
step started there started

# A registration that does not say "loopback" is of no process of this machine.
assay-brokerd --listen evidence=vsock:any:5577 --vm vm,cid=3,qmp=unix:/tmp/vm.qmp --source sim:/tmp/P \
	--control unix:/run/assay/stranger.sock >stranger 2>&1 &
stranger=$!
step stranger-broker listens stranger ready
cp -r secrets kept
assay-agentd --secrets /tmp/secrets --broker vsock:1:5577 --broker-timeout 5s >agent1 2>&1 &
agent=$!
step agent listens agent1 certified
step stranger assay attest --provider sev-es --nonce $nonce -o stranger.cbor
kill $stranger
wait $stranger

assay-brokerd --listen evidence=vsock:any:5577 --vm vm,cid=1,loopback,qmp=unix:/tmp/vm.qmp --source sim:/tmp/P \
	--control unix:/run/assay/broker.sock >broker 2>&1 &
step broker listens broker ready
step attest assay attest --provider sev-es --nonce $nonce -o e.cbor
step verify assay verify --launch vm.launch.json --signer vm_owner.jwk --trust-root P/trust-root --nonce $nonce e.cbor
step replay assay verify --launch vm.launch.json --trust-root P/trust-root --nonce ff$nonce e.cbor

# A user of the guest takes all connections: neither the agent's line is closed, nor a new agent kept out.
vsock_hold 1 5577 >holder &
step holder listens holder holds
step held assay attest --provider sev-es --nonce $nonce -o held.cbor
kill $agent
wait $agent
cp kept/* secrets/
assay-agentd --secrets /tmp/secrets --broker vsock:1:5577 --broker-timeout 5s >agent2 2>&1 &
agent=$!
step new-agent listens agent2 certified
step held-new assay attest --provider sev-es --nonce $nonce -o held.cbor

assayd --listen tcp:127.0.0.1:8080 --store sqlite:keeper/assayd.db --trust-root P/trust-root >server 2>&1 &
step assayd listens server listening
export ASSAY_URL=http://127.0.0.1:8080 ASSAY_ADMIN_KEY=keeper/admin.pem
step put assay secret put demo/key/disk secret
step unknown assay key get kbs:///demo/key/disk -o early
step reference assay reference push --signer vm_owner.jwk vm.launch.json
step key assay key get kbs:///demo/key/disk -o got
step same cmp secret got
kill $agent
for log in vmm stranger agent1 agent2 holder broker server; do sed "s/^/($log) /" $log; done
