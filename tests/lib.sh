# Sourced by the tests that are shell scripts: TAP, a temporary folder, waiting with a limit.
#
#   . tests/lib.sh
#   t_ok NAME COMMAND...        passes where the command succeeds; its output is shown if it fails
#   t_not NAME COMMAND...       passes where it fails
#   t_is NAME GOT WANTED        compares two strings
#   t_skip NAME WHY             counts as skipped
#   t_skip_all WHY              instead of everything; ends the script
#   t_wait SECONDS COMMAND...   runs the command until it succeeds; fails after SECONDS, sixfold:
#                               no test fails because a machine is slow
#   t_atexit COMMAND...         runs at the end, last added first
#   t_note TEXT...              a comment in the output
#   t_done                      last line of the script: prints the plan, ends with the status
#
# $T is the script's temporary folder, removed at the end. HUSK is the binary, TESTCHILD the program
# to be started; both absolute.
# shellcheck shell=bash
set -u
export LC_ALL=C

t_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HUSK=$(realpath -m "${HUSK:-$t_top/build/husk}")
TESTCHILD=$(realpath -m "${TESTCHILD:-$t_top/build/test/testchild}")
export HUSK TESTCHILD
T=$(mktemp -d "${TMPDIR:-/tmp}/husk.XXXXXX") || exit 1
t_count=0
t_bad=0
t_exit=()

t_cleanup()
{
	local i
	for ((i = ${#t_exit[@]} - 1; i >= 0; i--)); do
		eval "${t_exit[i]}"
	done
	rm -rf "$T"
}
trap t_cleanup EXIT
trap 'exit 1' HUP INT TERM

t_atexit()
{
	t_exit+=("$(printf '%q ' "$@")")
}

t_note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

t_pass()
{
	echo "ok $((++t_count)) - $1"
}

t_fail()
{
	echo "not ok $((++t_count)) - $1"
	((t_bad++))
	shift
	[ $# = 0 ] || t_note "$@"
}

t_ok()
{
	local name=$1 status
	shift
	"$@" >"$T/.output" 2>&1 </dev/null
	status=$?
	if [ "$status" = 0 ]; then
		t_pass "$name"
	else
		t_fail "$name" "status $status: $*"
		tail -n 40 "$T/.output" | sed 's/^/#   /'
	fi
	return "$status"
}

t_not()
{
	local name=$1
	shift
	if "$@" >"$T/.output" 2>&1 </dev/null; then
		t_fail "$name" "did not fail: $*"
		tail -n 40 "$T/.output" | sed 's/^/#   /'
		return 1
	fi
	t_pass "$name"
}

t_is()
{
	if [ "$2" = "$3" ]; then
		t_pass "$1"
	else
		t_fail "$1" "got:" && t_note "  $2" && t_note "wanted:" && t_note "  $3"
		return 1
	fi
}

t_skip()
{
	echo "ok $((++t_count)) - $1 # SKIP ${*:2}"
}

t_skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

t_wait()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 6000000))
	shift
	until "$@" >/dev/null 2>&1 </dev/null; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

t_done()
{
	echo "1..$t_count"
	[ "$t_bad" = 0 ]
	exit
}
