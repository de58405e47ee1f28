# Podman with a storage of its own: images, containers and the base are gone with the folder, and
# the machine's own are not touched. Sourced after tests/lib.sh.
# shellcheck shell=bash disable=SC2154

# Not below $T: where /tmp is memory, it is too small for images.
store=$(mktemp -d /var/tmp/husk-store.XXXXXX) || exit 1
cgroup=/husk-test-${store##*.}
# conmon writes a file `oom` where it was started.
cd "$store" || exit 1

pod()
{
	podman --root "$store/root" --runroot "$store/run" --tmpdir "$store/tmp" --runtime runc \
		--cgroup-manager cgroupfs --events-backend none "$@"
}

store_remove()
{
	local mount dir
	pod rm --force --all --time 0
	# Overlays stay mounted where something was killed.
	awk -v store="$store" 'index($5, store) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r mount; do
			umount -l "$mount"
		done
	cd / && rm -rf --one-file-system "$store"
	for dir in /sys/fs/cgroup"$cgroup" /sys/fs/cgroup/*"$cgroup"; do
		[ -d "$dir" ] && find "$dir" -depth -type d -exec rmdir {} +
	done
} >/dev/null 2>&1 </dev/null

# Locks in a file: those in shared memory would outlive the test.
export CONTAINERS_CONF=$store/containers.conf
cat >"$CONTAINERS_CONF" <<-'CONF'
	[engine]
	lock_type = "file"
	[containers]
	log_driver = "k8s-file"
CONF
t_atexit store_remove

# The machine's apt settings that decide whether packages can be had at all.
apt_settings()
{
	apt-config dump 2>/dev/null |
		grep -iE '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|AllowInsecure|Retries)[ :]'
}

# The machine's sources for bookworm; none: mmdebstrap takes Debian's own.
apt_sources()
{
	grep -lsE '^[^#]*bookworm' /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}
}

# debian:12, the base of every example: the machine's, else made here of Debian's packages.
base_image()
{
	# Packages are written without fsync(2), as in Debian's own image.
	local settings=(--dpkgopt=force-unsafe-io) sources=() setting
	local base=docker.io/library/debian:12
	if podman image exists "$base" 2>/dev/null; then
		podman save "$base" 2>/dev/null | pod load && return
	fi
	while read -r setting; do
		settings+=("--aptopt=$setting")
	done < <(apt_settings)
	mapfile -t sources < <(apt_sources)
	mmdebstrap --quiet --variant=apt "${settings[@]}" bookworm "$store/base.tar" "${sources[@]}" ||
		mmdebstrap --quiet --variant=apt "${settings[@]}" bookworm "$store/base.tar" || return
	pod import --quiet "$store/base.tar" "$base" && rm "$store/base.tar"
}

# What the Dockerfiles copy from: this repository with the binary under test.
context()
{
	mkdir -p "$store/context/build"
	cp "$HUSK" "$store/context/build/husk"
	cp -r "$t_top/templates" "$t_top/examples" "$store/context/"
}

# Without --layers every step would be kept as an image of its own; no step is used twice.
build_image()
{
	pod build --quiet --layers=false --pull=never --isolation=chroot --network=host \
		--file "$store/context/examples/$1/Dockerfile" --tag "$1" "$store/context"
}

# Every restriction that a careful cluster sets; a port is the host's, on loopback.
restricted=(--network=host --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --read-only
	--read-only-tmpfs=false --cap-drop=ALL --security-opt no-new-privileges --user 65532:65532
	--cgroup-parent "$cgroup")
writable=(--tmpfs /run --tmpfs /tmp)

# run_once OPTION... IMAGE [ARG...]: to its end; its output is in $T/out, its status is returned.
# It reads the file $input, where that is set and --interactive is among the options.
run_once()
{
	timeout 240 podman --root "$store/root" --runroot "$store/run" --tmpdir "$store/tmp" \
		--runtime runc --cgroup-manager cgroupfs --events-backend none \
		run --rm "${restricted[@]}" "$@" >"$T/out" 2>&1 <"${input:-/dev/null}"
}

# Does a limit of memory and of processors arrive in a container?
can_limit()
{
	run_once --memory 512m --cpus 1 smallest -- /usr/bin/sleep 0
}

# start NAME OPTION... IMAGE [ARG...]: in the background.
start()
{
	local name=$1
	shift
	pod run --detach --name "$name" "${restricted[@]}" "${writable[@]}" "$@" >/dev/null \
		2>"$T/start" </dev/null || { t_note "$(cat "$T/start")"; return 1; }
}

inspect()
{
	pod inspect --format "$2" "$1" 2>/dev/null
}

logs()
{
	pod logs "$1" 2>&1
}

# The container's PID 1 as it is seen here.
pid_of()
{
	inspect "$1" '{{.State.Pid}}'
}

# What husk started in it.
child_of()
{
	local pid
	pid=$(pid_of "$1")
	[ "${pid:-0}" = 0 ] || pgrep -P "$pid"
}

ended()
{
	case $(inspect "$1" '{{.State.Status}}') in exited | stopped) ;; *) false ;; esac
}

# Sends TERM (or $2) and waits for the end; prints the status.
stop()
{
	pod kill --signal "${2:-TERM}" "$1" >/dev/null 2>&1
	finished "$1"
}

finished()
{
	t_wait 30 ended "$1" || { echo "does not end"; return; }
	inspect "$1" '{{.State.ExitCode}}'
}

# Removes it; fails where its end left a process in its PID namespace or a socket on port $3.
gone()
{
	local name=$1 namespace=$2 port=${3:-}
	pod rm --force --time 0 "$name" >/dev/null 2>&1
	t_wait 5 no_process_in "$namespace" && { [ -z "$port" ] || ! port_listens "$port"; }
}

no_process_in()
{
	[ -z "$(processes_in pid "$1")" ]
}

namespace_of()
{
	readlink "/proc/$(pid_of "$1")/ns/pid"
}

# The programs in an image, one a line.
programs_in()
{
	local dir
	dir=$(pod image mount "$1") || return
	programs_of "$dir"
	pod image unmount "$1" >/dev/null
}

# get URL [OPTION...]: the body.
get()
{
	local url=$1
	shift
	curl --silent --show-error --max-time 20 "$@" "$url"
}

answers()
{
	get "$1" --output /dev/null
}
