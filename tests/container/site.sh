# shellcheck shell=bash disable=SC2154
# The README's image. Sourced by tests/container/run.

test_site()
{
	t_ok "site: the image builds" build_image site || return
	t_is "site: holds husk, nginx and no other program" "$(programs_in site)" \
		$'/usr/bin/husk\n/usr/sbin/nginx'
	nginx_refused "site: no API_KEY" site 'API_KEY: required, and not set' "${writable[@]}"

	nginx_start site site --env API_KEY=canary-of-the-site
	local namespace
	namespace=$(namespace_of site)
	t_is "site: who has the key is answered" \
		"$(get "http://127.0.0.1:$port/page" --header 'X-Api-Key: canary-of-the-site')" /page
	t_is "site: who has not is refused" "$(get "http://127.0.0.1:$port/page")" "who are you?"
	t_is "site: TERM ends it, status 0" "$(stop site)" 0
	t_not "site: the key is in no message" grep -q canary <(logs site)
	t_ok "site: nothing is left" gone site "$namespace" "$port"
}
