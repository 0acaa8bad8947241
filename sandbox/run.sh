#!/bin/sh
# What every npm script runs: brings the npm packages, the right Node among them, then starts the command.
# Works on a fresh clone with whatever npm and Node are there.
set -eu

cd "$(dirname "$0")/.."
installed=node_modules/.installed

install_packages() {
    if ! command -v npm >/dev/null 2>&1; then
        echo "botgarden: there is no npm on the PATH. Install Node.js with npm (any version since 18), then try again." >&2
        exit 1
    fi
    echo "installing npm packages (once, about half a minute)" >&2
    # Not `npm ci`: it refuses a lock file without the optional packages of other platforms, and some registries do
    # not have all of them. What the lock file pins is installed as pinned.
    if ! npm install --no-save --no-audit --no-fund --loglevel=error >&2; then
        echo "botgarden: npm could not install the packages: see above. Check the network, then try again." >&2
        exit 1
    fi
    cp package-lock.json "$installed"
}

if ! cmp -s package-lock.json "$installed" || [ ! -x node_modules/.bin/node ]; then install_packages; fi

PATH=$PWD/node_modules/.bin:$PATH
export PATH
exec node sandbox/cli/main.ts "$@"
