# shellcheck shell=bash disable=SC2154
# A migration and a server by Debian's OpenJDK. Sourced by tests/container/run.

java_start()
{
	local name=$1
	shift
	port=$(free_port)
	start "$name" --env PORT="$port" "$@" java || return
	t_wait 30 answers "http://127.0.0.1:$port/" || { logs "$name"; return 1; }
}

# The lines of the log that have one of these words, on one line.
in_order()
{
	logs "$1" | grep -oE "$2" | tr '\n' ' '
}

test_java()
{
	local namespace port heap since
	t_ok "java: the image builds" build_image java || return
	t_ok "java: holds no shell" not_in "$(programs_in java)" sh bash dash busybox

	t_ok "java: starts" java_start plain --env JVM_OPTS='-Dgreeting="good  morning" -Xint' \
		--env JAVA_OPTS="-Dother='x y'"
	namespace=$(namespace_of plain)
	t_is "java: JVM_OPTS arrives, its quotes understood" "$(get "http://127.0.0.1:$port/")" \
		"good  morning"
	t_ok "java: JAVA_OPTS arrives" grep -q -- 'Picked up JAVA_TOOL_OPTIONS:.*-Dother=' <(logs plain)
	t_is "java: the migration came first" "$(in_order plain '^(migrated|listening)')" \
		"migrated listening "
	t_ok "java: status knows them done and running" t_wait 20 java_status plain
	since=$(date +%s%3N)
	t_is "java: TERM ends it as it ends java, 128 + 15" "$(stop plain)" 143
	t_ok "java: after the delay in which endpoints go" test $(($(date +%s%3N) - since)) -ge 2000
	t_ok "java: its shutdown hook ran" grep -qx goodbye <(logs plain)
	t_ok "java: nothing is left" gone plain "$namespace" "$port"

	run_once "${writable[@]}" --env MIGRATION_FAILS=1 java
	t_is "java: a migration that fails ends it, with its status" $? 4
	t_not "java: and the server is not started" grep -q listening "$T/out"
	t_ok "java: it is said why" grep -q 'migrate: exited with status 4' "$T/out"

	if can_limit; then
		t_ok "java: starts with 512 MiB" java_start heap --memory 512m \
			--env JVM_OPTS=-XX:MaxRAMPercentage=50
		heap=$(get "http://127.0.0.1:$port/heap")
		t_ok "java: the heap is that part of it" test "$heap" -ge 240 -a "$heap" -le 256
		get "http://127.0.0.1:$port/fill" >/dev/null 2>&1
		t_is "java: it ends when the heap is full, status 3" "$(finished heap)" 3
		pod rm --force --time 0 heap >/dev/null 2>&1
	else
		t_skip "java: the heap is a part of the memory" "no cgroups to limit memory with"
	fi

	run_once "${writable[@]}" --env JVM_OPTS='-Dgreeting="good' java
	t_is "java: an unmatched quote is refused before the start" $? 78
	t_ok "java: the message names the variable" grep -q JVM_OPTS "$T/out"
}

java_status()
{
	pod exec "$1" /usr/bin/husk status --json >"$T/status" 2>&1 &&
		grep -q '"name":"migrate","state":"done"' "$T/status" &&
		grep -q '"name":"java","state":"running"' "$T/status"
}

not_in()
{
	local list=$1 name
	shift
	for name; do
		grep -qE "/$name\$" <<<"$list" && return 1
	done
	return 0
}
