#!/bin/bash
# viewer.sh FOLDER: provides OpenSeadragon (BSD-3-Clause, https://openseadragon.github.io), which shows tile pyramids, in FOLDER:
# its script and its licence, out of the package that npm has of it. When they are there, it needs no network.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=6.1.1
sum=83888a7b6abc07ae3649a053dfec78645dfff1bd53c4f3f27728e6b6b38b803ae561630a77d65733ed426ffc5af435724a4becffb97a1d1d671ca7c3e45dd3b3
folder=${1:?usage: viewer.sh FOLDER}

say() { printf 'hpcmandel: %s\n' "$*" >&2; }

[ -e "$folder/$version" ] && exit 0
command -v npm >/dev/null || "$here/deps.sh" viewer
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for try in 1 2 3; do
    npm pack --loglevel=error "openseadragon@$version" >npm.log 2>&1 && break
    if [ "$try" = 3 ]; then
        cat npm.log >&2
        say "npm could not fetch openseadragon $version; its messages are above"
        exit 69
    fi
    sleep 2
done
if ! echo "$sum  openseadragon-$version.tgz" | sha512sum --check --status; then
    say "what npm fetched is not openseadragon $version: its checksum is another"
    exit 69
fi
tar -xzf "openseadragon-$version.tgz" package/build/openseadragon/openseadragon.min.js package/LICENSE.txt
# The map that the last line names is not bundled.
sed '/^\/\/# sourceMappingURL=/d' package/build/openseadragon/openseadragon.min.js >"$folder/openseadragon.min.js"
cp package/LICENSE.txt "$folder/openseadragon.LICENSE.txt"
touch "$folder/$version"
say "OpenSeadragon $version is in $folder"
