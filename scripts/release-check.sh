#!/usr/bin/env bash
# Tries a release of the last commit, without publishing: goreleaser builds all of it
# in a clone, under a tag that is there alone; then what came out is looked at, and the
# programs for this machine are built once more by go alone, from a clone elsewhere and
# with an empty build cache, and must be the same to the byte.
#
#   scripts/release-check.sh GORELEASER…    # the command that starts goreleaser
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
begin=$SECONDS
fail() { echo "release-check: $*" >&2; exit 1; }

"$@" check

commit=$(git rev-parse HEAD)
tag=$(git tag --points-at HEAD 'v*' | head -n 1)
for clone in "$work/released" "$work/elsewhere/again"; do
    git clone --quiet . "$clone"
    # A tag of its own, so that the checks of a real release apply.
    [ -n "$tag" ] || git -C "$clone" tag v0.0.1
done
tag=${tag:-v0.0.1}

from=$SECONDS
(cd "$work/released" && "$@" release --clean --skip=publish,announce)
echo "release-check: goreleaser took $((SECONDS - from)) s"

cd "$work/released/dist"
sha256sum --check --quiet checksums.txt
# Whatever is given away is in checksums.txt.
published=$(find . -maxdepth 1 \( -name '*.tar.gz' -o -name '*.zip' -o -name '*.cdx.json' \) -printf '%f\n' | sort)
[ "$published" = "$(awk '{print $2}' checksums.txt | sort)" ] || fail "checksums.txt lists other files than there are"

for archive in *.tar.gz; do
    programs=$(tar -tvzf "$archive" | awk '$1 == "-rwxr-xr-x" && $2 == "root/root" {sub(".*/", "", $NF); print $NF}' | sort | xargs)
    [ "$programs" = "simulator starter worker" ] || fail "programs in $archive: $programs"
    others=$(tar -tvzf "$archive" | awk '$1 != "-rwxr-xr-x" && $1 != "-rw-r--r--"')
    [ -z "$others" ] || fail "modes in $archive: $others"
    for file in README.md CHANGELOG.md THIRD_PARTY_LICENSES.md docs/operations.md; do
        tar -xzOf "$archive" "${archive%.tar.gz}/$file" | cmp --quiet - "../$file" || fail "$archive has no $file"
    done
done

# The programs for this machine, as somebody who downloads them gets them.
system=$(go env GOOS)_$(go env GOARCH)
archive=migrationlink_${tag#v}_$system
tar -xzf "$archive.tar.gz" -C "$work"
for program in worker starter simulator; do
    said=$("$work/$archive/$program" --version)
    [[ $said == *" $tag, commit ${commit:0:12}, of "* ]] || fail "not the version of $tag: $said"
    # Its SBOM has the modules that Go wrote into it, each with its version.
    go version -m "$work/$archive/$program" | awk '$1 == "dep" {print $2 "@" $3}' | sort >"$work/modules"
    grep -o '"purl": "pkg:golang/[^?"]*' "${program}_${tag#v}_$system.cdx.json" | sed 's/.*pkg:golang.//' | sort -u >"$work/listed"
    missing=$(comm -23 "$work/modules" "$work/listed")
    [ -s "$work/modules" ] && [ -z "$missing" ] || fail "not in the SBOM of $program: $missing"
done

from=$SECONDS
cd "$work/elsewhere/again"
mkdir "$work/again"
# As in .goreleaser.yaml; docs/releasing.md shows the same to whoever checks a release.
GOCACHE=$work/cache CGO_ENABLED=0 GOFLAGS='' go build -trimpath -buildvcs=true -ldflags='-s -w' -o "$work/again/" ./worker ./starter ./simulator
for program in worker starter simulator; do
    cmp "$work/$archive/$program" "$work/again/$program" || fail "$program is not reproducible"
done
echo "release-check: worker, starter and simulator of $archive.tar.gz are those that go build makes of another clone ($((SECONDS - from)) s, $((SECONDS - begin)) s in all)"
