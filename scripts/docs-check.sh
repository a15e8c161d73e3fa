#!/usr/bin/env bash
# Checks the documents: plain English (vale), local links and their anchors (remark),
# and that every Mermaid diagram can be drawn. `make docs-check` installs the tools first.
set -uo pipefail
cd "$(dirname "$0")/.."

tools=dev/docs/node_modules/.bin
mapfile -t pages < <(git ls-files --cached --others --exclude-standard \
    README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md \
    'docs/*.md' 'deploy/*.md' 'examples/*.md' | while read -r page; do [ ! -f "$page" ] || echo "$page"; done)
failed=0

bin/vale --config dev/docs/vale.ini --output line "${pages[@]}" || failed=1

$tools/remark --rc-path dev/docs/.remarkrc.json --no-stdout --frail --quiet "${pages[@]}" || failed=1

if ! PUPPETEER_EXECUTABLE_PATH=$(command -v chromium); then
    echo "docs-check: chromium is missing: apt-get install chromium" >&2
    exit 1
fi
export PUPPETEER_EXECUTABLE_PATH
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT
for page in $(grep -l '^```mermaid' "${pages[@]}"); do
    if ! $tools/mmdc --quiet --puppeteerConfigFile dev/docs/puppeteer.json --input "$page" --output "$drawn/page.md"; then
        echo "$page: a diagram cannot be drawn" >&2
        failed=1
    fi
done

[ "$failed" = 0 ] || exit 1
echo "docs-check: ${#pages[@]} pages, no problem"
