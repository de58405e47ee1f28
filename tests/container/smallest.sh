# shellcheck shell=bash disable=SC2154
# husk and one program, without a husk.yaml. Sourced by tests/container/run.

program_runs()
{
	grep -qx sleep "/proc/$(child_of quiet)/comm"
}

test_smallest()
{
	t_ok "smallest: the image builds" build_image smallest || return
	t_is "smallest: holds husk, the program and no other" "$(programs_in smallest)" \
		$'/usr/bin/husk\n/usr/bin/sleep'

	run_once smallest -- /usr/bin/sleep 0
	t_is "smallest: the program's end is the container's" $? 0
	run_once smallest -- /usr/bin/sleep nonsense
	t_is "smallest: the program's status is the container's" $? 1
	run_once smallest /usr/bin/sleep --version
	t_is "smallest: a PROGRAM with a slash needs no --" "$?: $(head -n 1 "$T/out")" \
		"0: sleep (GNU coreutils) 9.1"

	: >"$T/reason"
	chmod 666 "$T/reason"
	run_once --volume "$T/reason:/dev/termination-log" smallest -- /usr/bin/absent
	t_is "smallest: a program that is not there is status 127" $? 127
	t_ok "smallest: the message names it" grep -q '/usr/bin/absent' "$T/out"
	t_ok "smallest: the reason is in the termination log" grep -q '/usr/bin/absent' "$T/reason"
	run_once --volume "$T/reason:/srv/data" smallest -- /srv/data
	t_is "smallest: a file that is no program is status 126" $? 126

	if can_limit; then
		# It takes the memory once it has read a byte.
		echo go >"$T/go"
		input=$T/go run_once --interactive --memory 32m --volume "$TESTCHILD:/srv/testchild:ro" smallest -- \
			/srv/testchild take-memory 200
		t_is "smallest: the kernel ends what takes too much memory, status 128 + 9" $? 137
		t_ok "smallest: husk says that it was that, and the limit" \
			grep -q 'out of memory.*32 MiB' "$T/out" || t_note "$(cat "$T/out")"
	else
		t_skip "smallest: out of memory is said" "no cgroups to limit memory with"
	fi

	start quiet smallest
	local namespace
	namespace=$(namespace_of quiet)
	t_ok "smallest: the program runs below husk" t_wait 10 program_runs
	t_is "smallest: TERM ends it, status 128 + 15" "$(stop quiet)" 143
	t_is "smallest: husk itself says nothing" "$(logs quiet)" ""
	t_ok "smallest: nothing is left" gone quiet "$namespace"
}
