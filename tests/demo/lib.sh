# What the demo and the tests in namespaces share. Sourced.
# shellcheck shell=bash

# A port on loopback where nobody listens, below those that the kernel gives to clients.
free_port()
{
	local port try
	for ((try = 0; try < 100; try++)); do
		port=$((20000 + RANDOM % 10000))
		port_listens "$port" || { echo "$port"; return 0; }
	done
	return 1
}

# Is there a listening socket (state 0A) with this port?
port_listens()
{
	local hex
	printf -v hex '%04X' "$1"
	awk -v port="$hex" '$4 == "0A" && $2 ~ (":" port "$") { found = 1 } END { exit !found }' \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# The processes whose namespace of type $1 (pid, mnt) is $2, one id a line.
processes_in()
{
	local link
	for link in /proc/[0-9]*/ns/"$1"; do
		[ "$(readlink "$link" 2>/dev/null)" = "$2" ] || continue
		link=${link#/proc/}
		echo "${link%%/*}"
	done
}

# The programs of a tree: files that may be executed and are no shared library.
programs_of()
{
	(cd "$1" && find . -type f -perm /111 ! -name '*.so' ! -name '*.so.*' | sed 's/^\.//' | sort)
}

# Runs a command until it succeeds, for at most $1 seconds.
within()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# contain TREE INFO COMMAND...: COMMAND as PID 1 of new PID, mount and user namespaces, with TREE
# as its read-only root, as user 65532 without capabilities; /run and /tmp are tmpfs. INFO receives
# the process's id, as JSON. The environment is only what ENVIRONMENT (an array) holds.
contain()
{
	local tree=$1 info=$2 as=() set=() pair
	shift 2
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid 65532 --regid 65532 --clear-groups --)
		# Where only root may make user namespaces, 65532 is root outside, with no capability.
		"${as[@]}" unshare --user true 2>/dev/null || as=()
		# The user may not be allowed to pass the folders above the tree.
		# shellcheck disable=SC2016
		as=(unshare --mount sh -c 'mount --bind "$1" /mnt && shift && exec "$@"' sh "$tree"
			"${as[@]}")
		tree=/mnt
	fi
	for pair in "${ENVIRONMENT[@]}"; do
		set+=(--setenv "${pair%%=*}" "${pair#*=}")
	done
	exec "${as[@]}" bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --as-pid-1 \
		--uid 65532 --gid 65532 --cap-drop ALL --die-with-parent --new-session --clearenv \
		"${set[@]}" --ro-bind "$tree" / --proc /proc --dev /dev \
		--perms 1777 --tmpfs /run --perms 1777 --tmpfs /tmp --chdir / --info-fd 9 -- "$@" 9>"$info"
}

# The id of the container's PID 1 as this namespace sees it, once bwrap has said it.
contained_pid()
{
	sed -n 's/.*"child-pid": *\([0-9][0-9]*\).*/\1/p' "$1"
}
