#!/usr/bin/env bash
# Builds a release of the last commit without publishing it. goreleaser builds
# everything in a clone, under a tag that exists only there. Then this script checks the
# result, and builds the programs for this machine again with go alone, in another clone
# and with an empty build cache: they must be identical.
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

# Signed with a key of the moment, in place of the owner's.
ssh-keygen -q -t ed25519 -N '' -C releases -f "$work/key"
export SIGNING_KEY=$work/key
echo "releases@migrationlink namespaces=\"migrationlink-release\" $(cat "$work/key.pub")" >"$work/allowed_signers"

from=$SECONDS
(cd "$work/released" && "$@" release --clean --skip=publish,announce)
echo "release-check: goreleaser took $((SECONDS - from)) s"

cd "$work/released/dist"
sha256sum --check --quiet checksums.txt
# As in docs/releasing.md.
signed() { ssh-keygen -Y verify -f "$work/allowed_signers" -I releases@migrationlink -n migrationlink-release -s checksums.txt.sig; }
signed <checksums.txt >/dev/null || fail "the signature of checksums.txt is not valid"
! { cat checksums.txt && echo; } | signed >/dev/null 2>&1 || fail "the signature also fits other checksums"
# Everything that is published is in checksums.txt.
published=$(find . -maxdepth 1 \( -name '*.tar.gz' -o -name '*.zip' -o -name '*.cdx.json' \) -printf '%f\n' | sort)
[ "$published" = "$(awk '{print $2}' checksums.txt | sort)" ] || fail "checksums.txt lists other files than there are"

for archive in *.tar.gz; do
    programs=$(tar -tvzf "$archive" | awk '$1 == "-rwxr-xr-x" && $2 == "root/root" {sub(".*/", "", $NF); print $NF}' | sort | xargs)
    [ "$programs" = "simulator starter worker" ] || fail "programs in $archive: $programs"
    others=$(tar -tvzf "$archive" | awk '$1 != "-rwxr-xr-x" && $1 != "-rw-r--r--"')
    [ -z "$others" ] || fail "modes in $archive: $others"
    tar -tzf "$archive" "${archive%.tar.gz}/man/starter-link.1" >/dev/null || fail "$archive has no man pages"
    for file in README.md CHANGELOG.md THIRD_PARTY_LICENSES.md docs/how-to/monitor.md; do
        tar -xzOf "$archive" "${archive%.tar.gz}/$file" | cmp --quiet - "../$file" || fail "$archive has no $file"
    done
done

# The programs for this machine, as people download them.
system=$(go env GOOS)_$(go env GOARCH)
archive=migrationlink_${tag#v}_$system
tar -xzf "$archive.tar.gz" -C "$work"
for program in worker starter simulator; do
    said=$("$work/$archive/$program" --version)
    [[ $said == *" $tag, commit ${commit:0:12}, of "* ]] || fail "not the version of $tag: $said"
    # Its SBOM lists the modules that Go recorded in it, with their versions.
    go version -m "$work/$archive/$program" | awk '$1 == "dep" {print $2 "@" $3}' | sort >"$work/modules"
    grep -o '"purl": "pkg:golang/[^?"]*' "${program}_${tag#v}_$system.cdx.json" | sed 's/.*pkg:golang.//' | sort -u >"$work/listed"
    missing=$(comm -23 "$work/modules" "$work/listed")
    [ -s "$work/modules" ] && [ -z "$missing" ] || fail "not in the SBOM of $program: $missing"
done

from=$SECONDS
cd "$work/elsewhere/again"
mkdir "$work/again"
# As in .goreleaser.yaml. docs/releasing.md shows the same command.
GOCACHE=$work/cache CGO_ENABLED=0 GOFLAGS='' go build -trimpath -buildvcs=true -tags=grpcnotrace,testify_yaml_fail -ldflags='-s -w' -o "$work/again/" ./worker ./starter ./simulator
for program in worker starter simulator; do
    cmp "$work/$archive/$program" "$work/again/$program" || fail "$program is not reproducible"
done
echo "release-check: worker, starter and simulator of $archive.tar.gz are identical to those that go builds in another clone ($((SECONDS - from)) s, $((SECONDS - begin)) s in all)"
