#!/bin/sh
# closure.sh TO FILE...: copies each program or library into the tree TO, with the libraries that
# it is linked with, each at its own path. What a program opens by name only (its configuration,
# modules, zone files) the loader does not know: name it too, or copy it beside.
set -eu
to=$1
shift
for file; do
	libraries=$(ldd "$file" | sed -n 's/.*not found.*/missing/p; s/^[^/]*\(\/[^ ]*\) (0x.*/\1/p')
	case $libraries in *missing*) echo "closure.sh: $file: a library is missing" >&2; exit 1 ;; esac
	for part in "$file" $libraries; do
		[ -e "$to$part" ] && continue
		mkdir -p "$to${part%/*}"
		cp -L "$part" "$to$part"
	done
done
