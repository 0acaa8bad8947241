#!/bin/sh
# Builds the Pulumi CLI from its Go module and puts it at TARGET, all or nothing.
#
#     flock LOCK build-cli.sh TARGET VERSION
#
# The working folder is the one of go.mod. Under the lock one build runs at a time; who waited finds the result and
# has nothing left to do.
set -eu

target=$1
version=$2

[ ! -x "$target" ] || exit 0

# What a killed build left behind. Nobody else is building: the lock is ours.
rm -f "$target".partial.*
partial=$target.partial.$$
trap 'rm -f "$partial"' EXIT
trap 'exit 130' INT TERM HUP

# Without cgo no C compiler is needed. -v names each package, which the caller counts.
CGO_ENABLED=0 GOWORK=off GOFLAGS='' go build -v -trimpath -buildvcs=false -mod=readonly \
	-ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$version" \
	-o "$partial" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi

printed=$("$partial" version)
if [ "$printed" != "v$version" ]; then
	echo "the CLI that was built calls itself $printed instead of v$version" >&2
	exit 1
fi
mv "$partial" "$target"
