# Sourced by the checks: the repository's files, and the way a finding is said.
# shellcheck shell=bash
set -u
export LC_ALL=C
found=0

# The files of this folder that git knows or would take, those of a copy without git too.
files() # PATTERN...
{
	local pattern
	for pattern in "$@"; do
		if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
			git ls-files -co --exclude-standard -- ":(glob)$pattern" 2>/dev/null
		else
			# shellcheck disable=SC2086 # it is a pattern
			(shopt -s globstar nullglob dotglob && printf '%s\n' $pattern | grep -v '^build/')
		fi
	done | sort -u | while read -r file; do
		[ -f "$file" ] && echo "$file"
	done
}

finding()
{
	echo "$*"
	found=$((found + 1))
}

note()
{
	echo "note: $*"
}
