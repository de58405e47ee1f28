# shellcheck shell=bash disable=SC2154
# The php-fpm preset against Debian's php-fpm, spoken to in FastCGI. Sourced by tests/container/run.

# fcgi PORT SCRIPT [FILE] [QUERY]: the whole answer, headers too.
fcgi()
{
	REQUEST_METHOD=GET SCRIPT_NAME=$2 SCRIPT_FILENAME=${3:-$2} QUERY_STRING=${4:-} \
		timeout 30 cgi-fcgi -bind -connect "127.0.0.1:$1" </dev/null 2>/dev/null
}

pong()
{
	fcgi "$1" /ping | grep -qx pong
}

fpm_start()
{
	local name=$1
	shift
	port=$(free_port)
	start "$name" --env PHP_FPM_LISTEN="127.0.0.1:$port" "$@" php-fpm || return
	t_wait 20 pong "$port" || { logs "$name"; return 1; }
}

# The rendered pool's value of a key.
pool()
{
	sed -n "s/^$2 = //p" "/proc/$(pid_of "$1")/root/run/php/php-fpm.conf"
}

# Is a child at work, besides the one that answers this?
fpm_busy()
{
	fcgi "$1" /status | grep -qE '^active processes: +[2-9]'
}

test_php_fpm()
{
	local namespace port slow
	t_ok "php-fpm: the image builds" build_image php-fpm || return
	t_is "php-fpm: holds husk, php-fpm and no other program" "$(programs_in php-fpm)" \
		$'/usr/bin/husk\n/usr/sbin/php-fpm8.2'

	cat >"$T/slow.php" <<-'PHP'
		<?php
		error_log('slow begins');
		sleep(2);
		echo "slow ends\n";
	PHP
	chmod a+r "$T/slow.php"
	t_ok "php-fpm: starts, and answers a ping" fpm_start fpm --env GREETING='good "morning"' \
		--volume "$T/slow.php:/srv/www/slow.php:ro" || return
	namespace=$(namespace_of fpm)
	t_ok "php-fpm: a script sees the container's environment" grep -qx 'good "morning"' \
		<(fcgi "$port" /index.php /srv/www/index.php)

	fcgi "$port" /slow.php /srv/www/slow.php >"$T/answer" &
	slow=$!
	t_ok "php-fpm: a slow request is under way" t_wait 20 fpm_busy "$port"
	pod kill --signal TERM fpm >/dev/null
	wait "$slow"
	t_ok "php-fpm: TERM lets it end" grep -qx 'slow ends' "$T/answer"
	t_is "php-fpm: then it ends with status 0" "$(finished fpm)" 0
	t_ok "php-fpm: what a script logs is undecorated" grep -qE '(^|[^:] )slow begins$' <(logs fpm)
	t_not "php-fpm: no worker's name before it" grep -q 'child.*slow begins' <(logs fpm)
	t_ok "php-fpm: nothing is left" gone fpm "$namespace" "$port"

	if can_limit; then
		fpm_sizes
	else
		t_skip "php-fpm: the pool is sized" "no cgroups to limit memory and processors with"
	fi

	run_once "${writable[@]}" --env PHP_MEMORY_LIMIT='1G
php_admin_value[auto_prepend_file] = /etc/passwd' php-fpm
	t_is "php-fpm: a value that injects configuration: status 78" $? 78
	t_ok "php-fpm: the message names the variable" grep -q PHP_MEMORY_LIMIT "$T/out"
}

fpm_sizes()
{
	local port
	# 512 MiB * 3/4 / 64 MiB = 6 children; two started for the one processor.
	t_ok "php-fpm: starts with 512 MiB and one processor" fpm_start small --memory 512m --cpus 1
	t_is "php-fpm: six children fit into 512 MiB" \
		"$(pool small pm.max_children) $(pool small pm.start_servers)" "6 2"
	stop small >/dev/null
	pod rm --force --time 0 small >/dev/null 2>&1
	# 2 GiB carry 24, one processor 16.
	t_ok "php-fpm: starts with 2 GiB and one processor" fpm_start large --memory 2g --cpus 1
	t_is "php-fpm: one processor carries sixteen" "$(pool large pm.max_children)" 16
	stop large >/dev/null
	pod rm --force --time 0 large >/dev/null 2>&1
}
