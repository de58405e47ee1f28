# shellcheck shell=bash disable=SC2154,SC2034
# The same where podman cannot run: trees of this machine's own programs, in namespaces made by
# bubblewrap. Sourced by tests/container/run.

# tree NAME FILE...: $T/NAME with husk, the files and their libraries.
tree()
{
	local name=$1
	shift
	sh "$t_top/examples/closure.sh" "$T/$name" "$@" &&
		mkdir -p "$T/$name"/{usr/bin,etc,srv,proc,dev,run,tmp} &&
		cp "$HUSK" "$T/$name/usr/bin/husk" &&
		grep ^nobody: /etc/passwd >"$T/$name/etc/passwd" &&
		grep ^nogroup: /etc/group >"$T/$name/etc/group" &&
		chmod -R a+rX "$T"
}

# enter NAME [ARG...]: husk in the tree NAME, in the background, with the environment ENVIRONMENT;
# its output in $T/NAME.log.
enter()
{
	local name=$1
	shift
	install -m 666 /dev/null "$T/$name.log"
	rm -f "$T/$name.info"
	(contain "$T/$name" "$T/$name.info" /usr/bin/husk "$@") >>"$T/$name.log" 2>&1 </dev/null &
	entered=$!
	t_wait 10 test -s "$T/$name.info" || return
	pid=$(contained_pid "$T/$name.info")
	namespace=$(readlink "/proc/$pid/ns/pid")
}

leave()
{
	# An id may be another process's by now.
	[ "$(readlink "/proc/$pid/ns/pid")" = "$namespace" ] && kill -TERM "$pid"
	wait "$entered"
}

test_namespaces()
{
	local entered pid namespace port ENVIRONMENT=()
	t_ok "namespaces: a tree for one program" tree sleep /usr/bin/sleep
	enter sleep -- /usr/bin/sleep nonsense
	wait "$entered"
	t_is "namespaces: the program's status is the container's" $? 1
	enter sleep -- /usr/bin/absent
	wait "$entered"
	t_is "namespaces: a program that is not there is status 127" $? 127
	enter sleep -- /usr/bin/sleep infinity
	t_wait 10 pgrep -P "$pid" sleep
	leave
	t_is "namespaces: TERM ends it, status 128 + 15" $? 143
	t_ok "namespaces: nothing is left" t_wait 5 no_process_in "$namespace"

	tree page /usr/sbin/nginx
	mkdir -p "$T/page/etc/nginx/templates"
	cp /etc/nginx/mime.types "$T/page/etc/nginx/"
	cp "$t_top/templates/nginx-starter/default.conf.template" "$T/page/etc/nginx/templates/"
	cp "$t_top/templates/nginx-starter/husk.yaml" "$T/page/etc/"
	cp -r "$t_top/examples/nginx-starter/www" "$T/page/srv/"
	port=$(free_port)
	ENVIRONMENT=(ADDRESS=127.0.0.1 "PORT=$port" ASSETS_PREFIX=/static)
	enter page
	t_ok "namespaces: nginx serves the page" t_wait 20 answers "http://127.0.0.1:$port/" ||
		t_note "$(cat "$T/page.log")"
	t_ok "namespaces: with its prefix" grep -q 'href="/static/style.css"' \
		<(get "http://127.0.0.1:$port/" 2>&1)
	leave
	t_is "namespaces: TERM ends nginx with status 0" $? 0
	t_ok "namespaces: nothing is left of it" t_wait 5 no_process_in "$namespace"
	ENVIRONMENT=(ADDRESS=127.0.0.1 PORT='80; } evil {')
	enter page
	wait "$entered"
	t_is "namespaces: a value that injects configuration: status 78" $? 78
	t_ok "namespaces: the message names it" grep -q PORT "$T/page.log"

	tree fpm /usr/sbin/php-fpm8.2
	mkdir -p "$T/fpm/etc/husk/php-fpm"
	cp "$t_top/templates/php-fpm/php-fpm.conf.template" "$T/fpm/etc/husk/php-fpm/"
	cp "$t_top/templates/php-fpm/husk.yaml" "$T/fpm/etc/"
	port=$(free_port)
	ENVIRONMENT=("PHP_FPM_LISTEN=127.0.0.1:$port")
	enter fpm
	t_ok "namespaces: php-fpm answers a ping" t_wait 20 pong "$port" || t_note "$(cat "$T/fpm.log")"
	leave
	t_is "namespaces: TERM ends php-fpm with status 0" $? 0
	t_ok "namespaces: nothing is left of that" t_wait 5 no_process_in "$namespace"
}
