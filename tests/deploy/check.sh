#!/usr/bin/env bash
# Judges of what lies in deploy/ : hadolint, the schema of Compose, systemd. `check.sh BIN` finds the first two in BIN.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$1

"$bin/hadolint" deploy/docker/Dockerfile
"$bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml

# A unit is refused when its program is not there, which only an installation has.
units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
for unit in deploy/systemd/*.service; do
  name=$(basename "$unit")
  sed 's#/usr/local/bin/lectern#/bin/true#' "$unit" >"$units/${name/@./@1.}"
done
for unit in "$units"/*.service; do
  said=$(systemd-analyze verify --man=no "$unit" 2>&1) || { echo "$said" >&2; exit 1; }
  if [ -n "$said" ]; then echo "$said" >&2; exit 1; fi
  systemd-analyze security --offline=yes --threshold=20 "$unit" >/dev/null ||
    { echo "$(basename "$unit"): its exposure is above 2.0" >&2; exit 1; }
done
