#!/usr/bin/env bash
# Rehearses a release: builds the files, checks them, installs the wheel under the oldest and the newest Python, and prints what
# would be published. Nothing is uploaded: the workflow release.yml publishes after a tag is pushed.
#   bash scripts/release.sh --dry-run
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

[ "${1:-}" = --dry-run ] || fail "this script only rehearses a release: bash scripts/release.sh --dry-run (see CONTRIBUTING.md, Releases)"
install_for_release
bash scripts/install_browsers.sh
export PATH="$PWD/$BIN:$PATH"

say "building the files into dist/"
rm -rf dist
python -m build --no-isolation --outdir dist
wheel=$(cd dist && ls ./*.whl)
wheel=$PWD/dist/${wheel#./}

say "twine check"
twine check --strict dist/*
say "check-wheel-contents"
check-wheel-contents "$wheel"
say "no private data in the files"
python scripts/release_checks.py private dist/*
say "the notes"
python scripts/release_checks.py notes >dist/notes.md

homes=$(mktemp -d)
trap 'rm -rf "$homes"' EXIT

# Install the wheel with all extras into an empty environment, and use it outside of the project's folder.
try_wheel() {
    local version=$1 python=$2 home=$homes/$1 fake
    say "Python $version: pip install $(basename "$wheel")"
    "$python" -m venv "$home"
    "$home/bin/python" -m pip install -q --disable-pip-version-check "$wheel[cli,mcp,otel,serve,testing]"
    mkdir "$home/work" && cd "$home/work"
    "$home/bin/chatgpt-browser" --version
    say "Python $version: demo"
    "$home/bin/chatgpt-browser" demo
    say "Python $version: smoke, with a fake server"
    fake=$("$home/bin/python" -m chatgpt_browser.testing --form app --export --end-with $$)
    (eval "$fake" && CHATGPT_DATA_DIR="$home/data" "$home/bin/chatgpt-browser" smoke)
    cd "$OLDPWD"
}

pythons=$(bash scripts/test_pythons.sh --list)
[ -n "$pythons" ] || fail "no Python from 3.10 on was found; name at least one in PYTHONS"
while read -r version python <&3; do
    try_wheel "$version" "$python"
    newest=$homes/$version
done 3< <(printf '%s\n' "$pythons" | sed -n '1p;$p' | uniq)

# pyright reads the environment that is active, and searches from the current folder.
say "types: pyright --verifytypes"
(cd "$newest/work" && PATH="$newest/bin:$PATH" VIRTUAL_ENV="$newest" \
    pyright --verifytypes chatgpt_browser --ignoreexternal)

say "a release would publish on PyPI:"
python scripts/release_checks.py summary dist/*.tar.gz dist/*.whl
say "with these notes (dist/notes.md):"
cat dist/notes.md
tag=v$(python scripts/release_checks.py version)
say "the rehearsal has passed. To publish: git tag -s $tag -m $tag && git push origin $tag (CONTRIBUTING.md, Releases)"
