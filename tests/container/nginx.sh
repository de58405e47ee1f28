# shellcheck shell=bash disable=SC2154
# The nginx presets against Debian's nginx. Sourced by tests/container/run.

# nginx_start NAME IMAGE OPTION... starts it on $port and waits for an answer.
nginx_start()
{
	local name=$1 image=$2
	shift 2
	port=$(free_port)
	start "$name" --env PORT="$port" "$@" "$image" || return
	t_wait 20 answers "http://127.0.0.1:$port/" || { logs "$name"; return 1; }
}

nginx_refused()
{
	local name=$1 image=$2 want=$3 status
	shift 3
	run_once "$@" "$image"
	status=$?
	t_is "$name: the start is refused, status 78" "$status" 78
	t_ok "$name: the message says why" grep -qE -- "$want" "$T/out" || t_note "$(cat "$T/out")"
}

workers()
{
	child_of "$1" | xargs -I{} pgrep -c -P {} -f 'worker process'
}

request_logged()
{
	logs "$1" | grep -q '"GET / HTTP/1.1" 200'
}

slow_under_way()
{
	local size
	size=$(stat -c %s "$T/slow" 2>/dev/null) || return
	kill -0 "$slow" 2>/dev/null && [ "$size" -gt 0 ] && [ "$size" -lt 300000 ]
}

not_listening()
{
	! port_listens "$1"
}

test_nginx()
{
	t_ok "nginx: the image builds" build_image nginx || return
	t_is "nginx: holds husk, nginx and no other program" "$(programs_in nginx)" \
		$'/usr/bin/husk\n/usr/sbin/nginx'

	nginx_page
	nginx_graceful
	nginx_drop_in

	install -m 666 /dev/null "$T/reason"
	nginx_refused "nginx: a value that injects configuration" nginx \
		'/etc/nginx/templates/site\.conf\.template:2:9: .*port' "${writable[@]}" \
		--env PORT='8080; location /pwn { alias /etc/; autoindex on; }' \
		--volume "$T/reason:/dev/termination-log"
	t_ok "nginx: the reason is in the termination log" grep -q 'site\.conf\.template:2:9' "$T/reason"
	nginx_refused "nginx: a value that reads nginx's variables" nginx \
		'/etc/nginx/templates/site\.conf\.template:6:14: .*\$' "${writable[@]}" \
		--env GREETING='$http_authorization'
	nginx_refused "nginx: a filter that is a regular expression" nginx \
		'NGINX_ENVSUBST_FILTER is a regular expression' "${writable[@]}" \
		--env NGINX_ENVSUBST_FILTER='^APP_'
	nginx_refused "nginx: no tmpfs on a read-only root" nginx '/run/nginx.*(read-only|tmpfs)'

	run_once "${writable[@]}" nginx /usr/sbin/nginx -v
	t_is "nginx: a PROGRAM takes the place of the service" "$?: $(cat "$T/out")" \
		"0: nginx version: nginx/1.22.1"
}

nginx_page()
{
	local namespace port
	t_ok "nginx: starts" nginx_start page nginx --env GREETING='a"b; return 500; # ü \'
	namespace=$(namespace_of page)
	t_is "nginx: a value is served as it is" "$(get "http://127.0.0.1:$port/")" \
		'a"b; return 500; # ü \'
	t_ok "nginx: requests are logged" t_wait 5 request_logged page
	t_is "nginx: TERM ends it with status 0" "$(stop page)" 0
	t_ok "nginx: nothing is left" gone page "$namespace" "$port"
}

nginx_graceful()
{
	local namespace port slow status
	cat >"$T/slow.conf.template" <<-'CONF'
		server {
			listen ${SLOW_PORT|port};
			location / { root /srv/slow; limit_rate 100k; }
		}
	CONF
	mkdir -p "$T/files"
	head -c 300000 /dev/zero >"$T/files/bytes"
	local slow_port
	slow_port=$(free_port)
	nginx_start graceful nginx --env SLOW_PORT="$slow_port" --volume "$T/files:/srv/slow:ro" \
		--volume "$T/slow.conf.template:/etc/nginx/templates/slow.conf.template:ro"
	namespace=$(namespace_of graceful)
	get "http://127.0.0.1:$slow_port/bytes" --no-buffer --output "$T/slow" &
	slow=$!
	t_ok "nginx: a slow request is under way" t_wait 20 slow_under_way
	pod kill --signal TERM graceful >/dev/null
	t_ok "nginx: TERM closes the port" t_wait 10 not_listening "$slow_port"
	wait "$slow"
	status=$?
	t_is "nginx: the slow request is answered whole" "$status, $(stat -c %s "$T/slow") bytes" \
		"0, 300000 bytes"
	t_is "nginx: then it ends with status 0" "$(finished graceful)" 0
	t_ok "nginx: nothing is left of it" gone graceful "$namespace" "$slow_port"
}

# What the nginx image's entry point does with its variables.
nginx_drop_in()
{
	local port stream_port
	stream_port=$(free_port)
	mkdir -p "$T/templates/sub"
	cat >"$T/templates/site.conf.tpl" <<-'CONF'
		server {
			listen ${PORT};
			default_type text/plain;
			location / { return 200 "${NGINX_LOCAL_RESOLVERS} $host"; }
			location /sub { return 200 "$request_uri"; }
		}
	CONF
	echo 'server { listen 127.0.0.1:${STREAM_PORT}; return "stream ${GREETING}"; }' \
		>"$T/templates/s.conf.stream-template"
	echo 'this is no configuration' >"$T/templates/other.conf"
	printf 'nameserver 192.0.2.1\nnameserver 2001:db8::1\n' >"$T/resolv.conf"
	chmod -R a+rX "$T/templates"
	t_ok "nginx: another suffix, a stream, a file that is no template" \
		nginx_start drop nginx --cpus 1 --volume "$T/templates:/etc/nginx/templates:ro" \
		--env NGINX_ENVSUBST_TEMPLATE_SUFFIX=.tpl --env host=evil --env STREAM_PORT="$stream_port" \
		--volume "$T/resolv.conf:/etc/resolv.conf:ro" \
		--env NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1 --env NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE=1
	t_is "nginx: resolvers, IPv6 in brackets; \$host stays nginx's" \
		"$(get "http://127.0.0.1:$port/")" "192.0.2.1 [2001:db8::1] 127.0.0.1"
	t_is "nginx: a stream template is rendered" "$(cat <"/dev/tcp/127.0.0.1/$stream_port")" \
		"stream hello"
	t_is "nginx: one worker for one processor" "$(workers drop)" 1
	stop drop >/dev/null
	pod rm --force --time 0 drop >/dev/null 2>&1
}

test_starter()
{
	local namespace port
	t_ok "nginx-starter: the image builds" build_image nginx-starter || return
	t_is "nginx-starter: holds husk, nginx and no other program" "$(programs_in nginx-starter)" \
		$'/usr/bin/husk\n/usr/sbin/nginx'
	t_ok "nginx-starter: starts" nginx_start starter nginx-starter --env ADDRESS=127.0.0.1 \
		--env ASSETS_PREFIX='https://cdn.example.org/a"><script>' --env prefix=wrong
	namespace=$(namespace_of starter)
	get "http://127.0.0.1:$port/" >"$T/page" 2>&1
	t_ok "nginx-starter: the page has the prefix, escaped for HTML" grep -qF \
		'href="https://cdn.example.org/a&quot;&gt;&lt;script&gt;/style.css"' "$T/page"
	t_ok "nginx-starter: JavaScript's own names stay" grep -qF '${prefix ||' "$T/page"
	t_ok "nginx-starter: files that are no template are copied" grep -q font-family \
		<(get "http://127.0.0.1:$port/style.css")
	t_is "nginx-starter: runs nginx with the configuration it wrote" \
		"$(child_of starter | xargs -I{} cat /proc/{}/cmdline | tr '\0' ' ' | sed 's/ *$//')" \
		"nginx: master process /usr/sbin/nginx -c /run/nginx/default.conf"
	t_is "nginx-starter: TERM ends it with status 0" "$(stop starter)" 0
	t_ok "nginx-starter: nothing is left" gone starter "$namespace" "$port"

	nginx_refused "nginx-starter: an address that injects configuration" nginx-starter \
		'husk\.yaml:[0-9]+:[0-9]+: .*ADDRESS|ADDRESS.*host' "${writable[@]}" \
		--env ADDRESS='127.0.0.1; } server { listen 1'
}
