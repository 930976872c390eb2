#!/usr/bin/env bash
# Chooses Bazel for bazelw and links CHOSEN to it: BAZELISK where one is on PATH, bazelisk from npm, or Debian's Bazel.
#
# usage: fetch.sh CACHE CHOSEN WANTED [BAZELISK]
#
# Whatever is made is made in a folder of its own and renamed when whole, so that a kill at any moment leaves nothing
# that a later call would take for done. One call fetches at a time; the others wait for it.
set -euo pipefail

cache=$1 chosen=$2 wanted=$3 bazelisk=${4:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reasons=()

die() {
  printf 'lepton: %s\n' "$@" >&2
  exit 1
}

choose() { # PROGRAM
  ln -sfn "$1" "$work/chosen"
  mv -f "$work/chosen" "$chosen"
  exit 0
}

# Whether bazelisk PROGRAM has Bazel or can download it. Where another way is left it is given up after $patience seconds
# in which no byte arrived: bazelisk itself retries for half a minute, and behind a firewall for minutes.
patience=${LEPTON_BAZELISK_PATIENCE:-6}
bazelisk_serves() {
  local program=$1 home=${BAZELISK_HOME:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/bazelisk} size before quiet=0 pid
  BAZELISK_HOME=$home USE_BAZEL_VERSION=${USE_BAZEL_VERSION:-$wanted} "$program" --version >"$work/said" 2>&1 </dev/null &
  pid=$!
  before=$(bytes_in "$home")
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    size=$(bytes_in "$home")
    if [ "$size" != "$before" ]; then before=$size quiet=0; else quiet=$((quiet + 1)); fi
    if [ "$quiet" -ge $((patience * 5)) ] && has_debian; then
      kill "$pid" 2>/dev/null || :
      wait "$pid" 2>/dev/null || :
      reasons+=("bazelisk ($program) received nothing from its download host in $patience s (LEPTON_BAZELISK_PATIENCE)")
      return 1
    fi
  done
  if wait "$pid"; then return 0; fi
  reasons+=("bazelisk ($program) failed: $(tail -n 1 "$work/said")")
  return 1
}

bytes_in() { { du -sk "$1" 2>/dev/null || :; } | cut -f1; }

has_debian() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; }

bazelisk_from_npm() { # prints nothing; sets fetched
  local kind folder
  case $(uname -sm) in
    'Linux x86_64') kind=linux_amd64 ;;
    'Linux aarch64') kind=linux_arm64 ;;
    'Darwin x86_64') kind=darwin_amd64 ;;
    'Darwin arm64') kind=darwin_arm64 ;;
    *) reasons+=("bazelisk from npm has no program for $(uname -sm)"); return 1 ;;
  esac
  if ! command -v npm >/dev/null; then
    reasons+=("bazelisk from npm: npm is not installed")
    return 1
  fi
  folder=$cache/bazelisk-$(sed -n 's/.*"@bazel\/bazelisk": "\(.*\)".*/\1/p' "$here/npm/package.json")
  fetched=$folder/node_modules/@bazel/bazelisk/bazelisk-$kind
  if [ -x "$fetched" ]; then return 0; fi
  # The lock pins the version and its digest, and names no host: npm asks the registry it is configured for.
  mkdir "$work/npm"
  cp "$here/npm/package.json" "$here/npm/package-lock.json" "$work/npm/"
  if ! npm ci --prefix "$work/npm" --ignore-scripts --no-audit --no-fund --fetch-retries=1 >"$work/said" 2>&1 </dev/null; then
    reasons+=("bazelisk from npm: $(grep -m 1 -E 'ERR|error' "$work/said" || echo "npm ci failed")")
    return 1
  fi
  rm -rf "$folder"
  mv "$work/npm" "$folder"
}

mkdir -p "$cache" 2>/dev/null || die "no place to keep Bazel: $cache cannot be made. Set XDG_CACHE_HOME to a folder that can be written."
[ -w "$cache" ] || die "no place to keep Bazel: $cache cannot be written. Set XDG_CACHE_HOME to a folder that can."

if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  if ! flock -n 9; then
    echo "lepton: waiting for another bazelw, which is fetching Bazel" >&2
    flock 9
  fi
  if [ -x "$chosen" ]; then exit 0; fi
  rm -rf "$cache"/work.*  # of calls that were killed: whoever holds the lock is alone
fi
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
echo "lepton: fetching Bazel $wanted, once" >&2

if [ -n "$bazelisk" ]; then
  if bazelisk_serves "$bazelisk"; then choose "$bazelisk"; fi
  echo "$bazelisk" >"$chosen.refused"
fi
if bazelisk_from_npm && bazelisk_serves "$fetched"; then choose "$fetched"; fi
if ! has_debian; then
  reasons+=("Debian's Bazel: this machine has no apt-get and dpkg-deb")
elif [[ $(cd "$cache" && pwd -P)/ == /tmp/* ]]; then
  reasons+=("Debian's Bazel: $cache is under /tmp, which Bazel's sandbox hides. Set XDG_CACHE_HOME to another folder.")
else
  prefix=$cache/debian-$(basename "$chosen")
  # A prefix that is there is whole: it came by a rename, and only the choice was forgotten.
  if [ -x "$prefix/bazel" ]; then choose "$prefix/bazel"; fi
  if said=$(bash "$here/debian.sh" "$prefix" "$wanted" "$work" 2>&1 >/dev/null </dev/null); then choose "$prefix/bazel"; fi
  reasons+=("Debian's Bazel: $said")
fi
die "no Bazel $wanted could be fetched: each way failed. Put bazelisk or a bazel of that version on PATH, or mend one of these." "${reasons[@]/#/  }"
