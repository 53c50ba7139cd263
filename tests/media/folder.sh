# Sourced by make.sh and corpus.sh: a folder that is replaced as a whole or not at all, and kept while what makes it is unchanged.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "$*"; exit 1; }

begin() { # begin OUTDIR STAMP: ends the script when OUTDIR has this stamp; otherwise sets OUT, and TMP and WORK to be filled
  mkdir -p "$(dirname "$1")"
  OUT=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
  STAMP=$2
  if fresh; then exit 0; fi
  exec 9>"$OUT.lock"
  flock -w 900 9 || die "another run has been making $OUT for 15 minutes"
  if fresh; then exit 0; fi
  # Whoever holds the lock is alone: what lies here is from a run that was killed.
  TMP=$OUT.making
  rm -rf "$TMP"
  trap 'rm -rf "$TMP"' EXIT
  WORK=$TMP/.work
  mkdir -p "$WORK"
}

fresh() { [ -f "$OUT/.stamp" ] && [ "$(cat "$OUT/.stamp")" = "$STAMP" ]; }

finish() {
  rm -rf "$WORK"
  echo "$STAMP" >"$TMP/.stamp"
  if [ -e "$OUT" ]; then mv -T "$OUT" "$OUT.old.$$"; fi
  mv -T "$TMP" "$OUT"
  rm -rf "$OUT.old.$$"
  say "$OUT is ready"
}
