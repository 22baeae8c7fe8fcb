#!/bin/sh
# Prints the current token. Needs a POSIX shell and curl 7.71 or newer. Ask whenever you need a token, and keep none:
#
#   curl --header @- https://api.example <<HEADERS
#   Authorization: Bearer $(sh token.sh v1/token/api)
#   HEADERS
#
#   token.sh [PATH]   v1/token, the default: the only token; v1/token/NAME; v1/vault/token; v1/vault/token/NAME
#
# PROJECTED_TOKEN_API is where the sidecar listens, as in its configuration: unix:///run/projected-token/api.sock, the
# default, or 127.0.0.1:8180.
set -eu

api=${PROJECTED_TOKEN_API:-unix:///run/projected-token/api.sock}
path=${1:-v1/token}

case $api in
  unix://*)
    set -- --unix-socket "${api#unix://}"
    host=localhost
    ;;
  *)
    set --
    host=$api
    ;;
esac

# No sidecar yet, or no valid token yet (503): both pass. An HTTP proxy of the environment is not for loopback.
# text/plain: the token alone instead of JSON. Programs that only follow URLs cannot set the header.
exec curl --fail --silent --show-error --noproxy '*' --max-time 15 \
  --retry "${RETRIES:-5}" --retry-all-errors \
  --header 'Projected-Token: true' --header 'Accept: text/plain' \
  "$@" "http://$host/$path"
