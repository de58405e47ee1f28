# shellcheck shell=bash disable=SC2154
# nginx, php-fpm and a task in one image, by a husk.yaml of several services. Sourced by
# tests/container/run.

# husk COMMAND... in the container, as `podman exec` runs it.
in_container()
{
	local name=$1
	shift
	pod exec "$name" /usr/bin/husk "$@"
}

# The pid that `husk status` tells for a service.
service_pid()
{
	in_container "$1" status --json | grep -o "\"name\":\"$2\"[^}]*" | grep -o '"pid":[0-9]*' | grep -o '[0-9]*'
}

greets()
{
	get "http://127.0.0.1:$port/" | grep -q "^$1 from "
}

header_is()
{
	get "http://127.0.0.1:$port/" --head | tr -d '\r' | grep -qx "X-Greeting: $1"
}

log_has()
{
	logs "$1" | grep -qE "$2"
}

is_another()
{
	local pid
	pid=$(service_pid "$1" "$2")
	[ -n "$pid" ] && [ "$pid" != 0 ] && [ "$pid" != "$3" ]
}

all_is_well()
{
	in_container "$1" status >"$T/status" 2>&1
}

test_php_nginx()
{
	local namespace port first nginx
	t_ok "php-nginx: the image builds" build_image php-nginx || return
	t_is "php-nginx: holds husk, nginx, php and no other program" "$(programs_in php-nginx)" \
		$'/usr/bin/husk\n/usr/bin/php8.2\n/usr/sbin/nginx\n/usr/sbin/php-fpm8.2'

	mkdir -m 755 "$T/templates"
	cp "$t_top/examples/php-nginx/nginx.conf.template" "$T/templates/"
	chmod a+r "$T/templates/nginx.conf.template"
	port=$(free_port)
	t_ok "php-nginx: starts" start both --env PORT="$port" --env GREETING=servus \
		--volume "$T/templates:/etc/nginx/templates:ro" php-nginx || return
	namespace=$(namespace_of both)
	t_ok "php-nginx: nginx serves what php-fpm says" t_wait 30 greets servus || logs both
	t_ok "php-nginx: the task has run, its line has its name" t_wait 20 log_has both \
		'task \| the task says servus$'
	t_ok "php-nginx: status says that all is well" t_wait 20 all_is_well both
	first=$(service_pid both php-fpm)
	nginx=$(service_pid both nginx)

	t_ok "php-nginx: a killed php-fpm" in_container both signal KILL php-fpm
	t_ok "php-nginx: is started again" t_wait 20 is_another both php-fpm "$first"
	t_ok "php-nginx: and serves" t_wait 20 greets servus
	t_ok "php-nginx: why is told once" log_has both 'php-fpm: killed by SIGKILL.*; started again'
	t_is "php-nginx: nginx has gone on" "$(service_pid both nginx)" "$nginx"

	sed 's/X-Greeting .*;/X-Greeting changed;/' "$T/templates/nginx.conf.template" >"$T/changed"
	chmod a+r "$T/changed" && mv "$T/changed" "$T/templates/nginx.conf.template"
	t_ok "php-nginx: a changed template is served" t_wait 20 header_is changed
	echo 'no such directive;' >"$T/broken"
	chmod a+r "$T/broken" && mv "$T/broken" "$T/templates/nginx.conf.template"
	t_ok "php-nginx: a broken one is refused, and it is said why" t_wait 20 log_has both \
		'unknown directive'
	t_ok "php-nginx: and changes nothing" header_is changed
	t_is "php-nginx: all that time nginx was one process" "$(service_pid both nginx)" "$nginx"

	t_is "php-nginx: TERM ends it, status 0" "$(stop both)" 0
	t_ok "php-nginx: nothing is left" gone both "$namespace" "$port"
}
