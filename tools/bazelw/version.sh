# shellcheck shell=sh
# What bazelw and its helpers must agree on. POSIX sh, no process started: each call of bazelw reads this.

# Raise it when fetch.sh or debian.sh changes what it leaves in the cache folder.
recipe=3

# version_serves VERSION WANTED: a release of WANTED's major version, and no older than WANTED.
version_serves() {
  case $1 in *[!0-9.]* | *..* | .* | *.) return 1 ;; [0-9]*.[0-9]*.[0-9]*) ;; *) return 1 ;; esac
  [ "${1%%.*}" = "${2%%.*}" ] || return 1
  have_rest=${1#*.} want_rest=${2#*.}
  have_minor=${have_rest%%.*} want_minor=${want_rest%%.*}
  [ "$have_minor" -eq "$want_minor" ] || { [ "$have_minor" -gt "$want_minor" ]; return; }
  have_patch=${have_rest#*.} want_patch=${want_rest#*.}
  [ "${have_patch%%.*}" -ge "${want_patch%%.*}" ]
}
