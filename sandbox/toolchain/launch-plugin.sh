#!/bin/sh
# Starts a stand-in plugin of the checkout that this file belongs to, on the checkout's own Node.
#
# The CLI calls it through links named pulumi-resource-NAME and pulumi-language-nodejs, with any working folder and
# any PATH; the link's name says which plugin it is, the link's target where the checkout is.
set -eu

name=${0##*/}
case $name in
pulumi-language-nodejs) plugin=language ;;
pulumi-resource-*) plugin=${name#pulumi-resource-} ;;
*)
	echo "launch-plugin.sh: called as $name, which is the name of no plugin" >&2
	exit 2
	;;
esac

self=$(readlink -f "$0")
checkout=${self%/sandbox/toolchain/*}
exec "$checkout/node_modules/.bin/node" "$checkout/sandbox/plugins/$plugin/main.ts" "$@"
