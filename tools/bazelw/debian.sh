#!/usr/bin/env bash
# Unpacks Debian's bazel-bootstrap, from the suite "sid" of the mirror that this machine uses, into a folder of its own.
#
# usage: debian.sh PREFIX WANTED WORK     then run PREFIX/bazel
#
# For a machine that reaches a Debian mirror but not the hosts that bazelisk downloads from. Nothing is installed and
# nothing of the system is changed: the packages are downloaded by an apt with folders of its own, which checks them
# against Debian's signature, and unpacked; each of their programs is pointed at the C library that came with it. No root
# is needed. PREFIX appears, by a rename, when it is whole. WORK is an empty folder on the same disk; on failure the last
# line on stderr says why.
set -euo pipefail

prefix=$1 wanted=$2 work=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/version.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg  # where Debian's package debian-archive-keyring puts it

die() {
  echo "$*" >&2
  exit 1
}

[ -r "$keyring" ] || die "this machine has no keyring of Debian's to check packages with. Install debian-archive-keyring."
architecture=$(dpkg --print-architecture)
case $architecture in
  amd64) triplet=x86_64-linux-gnu loader=ld-linux-x86-64.so.2 ;;
  arm64) triplet=aarch64-linux-gnu loader=ld-linux-aarch64.so.1 ;;
  *) die "it is unpacked for amd64 and arm64 only, and this machine is $architecture" ;;
esac

# An apt of our own. From the machine's it takes how to reach a mirror (proxies, certificates, credentials), and none of
# its hooks, pins or packages. The last lines win: no setting of the machine's lets an unsigned package through.
mkdir -p "$work"/apt/{lists/partial,cache/archives/partial}
apt-config dump | grep '^Acquire' | grep -v '^Acquire::IndexTargets' >"$work/apt/conf" || :
cat >>"$work/apt/conf" <<EOF
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::State "$work/apt";
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Log "$work/apt";
Debug::NoLocking "true";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
EOF
export APT_CONFIG=$work/apt/conf

# The mirrors: the roots of the machine's sources that have suites, without asking the network.
mapfile -t mirrors < <(apt-get --print-uris update 2>/dev/null |
  sed -nE "/-security|\/updates\//d; s#^'(.*)/dists/[^/]+/InRelease' .*#\1#p" | awk '!seen[$0]++')
[ ${#mirrors[@]} -gt 0 ] || die "apt's sources on this machine name no mirror. Add Debian's to /etc/apt/sources.list."

# What the packages ask for and a Bazel run from a prefix does without.
unneeded=(build-essential python3 unzip debconf ca-certificates ca-certificates-java perl dpkg adduser sensible-utils
  procps libjs-jquery node-core-js node-html5shiv util-linux openssl default-jdk-headless default-jre-headless libc6-dev
  zlib1g-dev protobuf-compiler-grpc-java-plugin)
for name in "${unneeded[@]}"; do
  printf '%s\n' "Package: $name" "Status: install ok installed" "Maintainer: none <none@localhost>" \
    "Architecture: $architecture" "Multi-Arch: foreign" "Version: 1000:0" "Description: not needed" ""
done >"$work/apt/status"
printf 'Package: %s\nPin: release a=unstable\nPin-Priority: -1\n\n' "${unneeded[@]}" >"$work/apt/preferences"
own=(-qq -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::Etc::Preferences=$work/apt/preferences" -o Dir::Etc::PreferencesParts=/dev/null)

without_credentials() { sed -E 's#//[^/@ ]*@#//#g'; }

version='' seen=''
for mirror in "${mirrors[@]}"; do
  echo "deb [signed-by=$keyring] $mirror sid main" >"$work/apt/sources.list"
  if ! apt-get "${own[@]}" update >"$work/apt/said" 2>&1; then
    seen+="; $mirror: $(grep -m 1 '^[EW]:' "$work/apt/said" || echo "apt-get update failed")"
    continue
  fi
  package=$(apt-cache "${own[@]}" show --no-all-versions bazel-bootstrap 2>/dev/null | sed -n 's/^Version: //p')
  upstream=$(echo "$package" | sed -E 's/^[0-9]+://; s/[-+~].*//')
  if version_serves "$upstream" "$wanted"; then
    version=$package
    break
  fi
  seen+="; $mirror has bazel-bootstrap ${package:-in no version}"
done
if [ -z "$version" ]; then
  die "no mirror of this machine's apt has bazel-bootstrap ${wanted%%.*}.x, $wanted or later, in the suite sid ($(
    echo "${seen#; }" | without_credentials)). Name a full Debian mirror in apt's sources, or use bazelisk."
fi

apt-get "${own[@]}" install -y --download-only \
  bazel-bootstrap bazel-rules-shell libblake3-0 openjdk-25-jre-headless patchelf >"$work/apt/said" 2>&1 ||
  die "its packages could not be downloaded: $(grep -m 1 '^E:' "$work/apt/said" | without_credentials)"

# From here everything is written in $root and speaks of $prefix, where it is going to be.
root=$work/root
mkdir "$root"
for deb in "$work"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$deb" "$root" || die "$(basename "$deb") could not be unpacked. Is the disk full?"
done
libs=usr/lib/$triplet
share=usr/share/bazel
jdk=usr/lib/jvm/java-25-openjdk-$architecture

# Absolute links in the packages mean the system's root.
find "$root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
  to=$(readlink "$link")
  if [ -e "$root$to" ]; then ln -sfn "$prefix$to" "$link"; fi
done

patchelf() { "$root/$libs/$loader" --library-path "$root/$libs" "$root/usr/bin/patchelf" "$@"; }
for program in usr/bin/bazel "usr/libexec/$triplet"/bazel/* "$jdk/bin/java" "$jdk/lib/jspawnhelper"; do
  for file in "$root"/$program; do
    patchelf --set-interpreter "$prefix/$libs/$loader" --force-rpath \
      --set-rpath "$prefix/$libs:$prefix/$jdk/lib:$prefix/$jdk/lib/server" "$file"
  done
done

# The server's class path: first in Debian's list, and then what an installed Bazel finds through links in manifests.
classpath=$root/$share/bazel_classpath_debian_depends.txt
while IFS= read -r jar; do
  case $jar in /usr/share/java/*) echo "$prefix$jar" ;; *) echo "$jar" ;; esac
done <"$classpath" >"$work/classpath"
for jar in perfmark-api gson animal-sniffer-annotations error-prone-annotations grpc-context \
  commons-collections3 commons-lang3 slf4j-api netty-codec-http netty-codec-http2 netty-handler-proxy netty-common xz; do
  jar=$prefix/usr/share/java/$jar.jar
  grep -qxF "$jar" "$work/classpath" || echo "$jar" >>"$work/classpath"
done
cp "$work/classpath" "$classpath"

# A registry of modules, in place of the central one. It holds the ruleset that Debian ships outside Bazel, under the
# version of its package, and, empty, the modules that Bazel's own MODULE.bazel names and Debian does not ship: no build
# of Python or Starlark loads them, they only have to resolve.
register() { # NAME VERSION MODULE_FILE
  local folder=$root/registry/modules/$1/$2
  mkdir -p "$folder"
  sed "s/version = \"0.0.0\"/version = \"$2\"/" "$3" >"$folder/MODULE.bazel"
  echo "{\"type\": \"local_path\", \"path\": \"$1\"}" >"$folder/source.json"
}
empty() { # NAME VERSION
  mkdir -p "$root/modules/$1"
  echo "module(name = \"$1\", version = \"$2\")" >"$root/modules/$1/MODULE.bazel"
  touch "$root/modules/$1/BUILD.bazel"
  register "$1" "$2" "$root/modules/$1/MODULE.bazel"
}
empty protobuf 3.19.6
empty protobuf 21.7
empty zlib 1.3.1.bcr.3
empty apple_support 1.23.1
empty buildozer 7.1.2
cat >"$root/modules/buildozer/buildozer_binary.bzl" <<'EOF'
def _repo_impl(rctx):
    rctx.file("BUILD.bazel")

_repo = repository_rule(implementation = _repo_impl)

def _impl(_ctx):
    _repo(name = "buildozer_binary")

buildozer_binary = module_extension(implementation = _impl)
EOF
ln -s "$prefix/$share/rules/shell" "$root/modules/rules_shell"
shell=$(basename "$work"/apt/cache/archives/bazel-rules-shell_*.deb | cut -d_ -f2 | cut -d- -f1)
register rules_shell "$shell" "$root/$share/rules/shell/MODULE.bazel"
echo "{\"module_base_path\": \"$prefix/modules\"}" >"$root/registry/bazel_registry.json"

# In place of /etc/bazel/bazelrc. The modules that came with Bazel's package stand for any version of themselves.
{
  echo "common \"--registry=file://${prefix// /%20}/registry\""
  echo "common --noenable_workspace"
  for module in platforms:tools/platforms bazel_features:tools/features bazel_skylib:tools/skylib rules_java:rules/java \
    rules_cc:rules/cc rules_license:rules/license rules_proto:rules/proto rules_python:rules/python; do
    echo "common \"--override_module=${module%%:*}=$prefix/$share/${module#*:}\""
  done
} >"$root/bazelrc"

# The user's startup options come after ours, so theirs win. --ignore_all_rc_files would ignore ours too, without which no
# module resolves, so it becomes the three options that ignore all the others.
cat >"$root/bazel" <<EOF
#!/bin/sh
prefix='${prefix//\'/\'\\\'\'}'
for option; do
  case \$option in -*) ;; *) command=found ;; esac
  shift
  case \${command:-}\$option in
    --ignore_all_rc_files) set -- "\$@" --nosystem_rc --noworkspace_rc --nohome_rc ;;
    *) set -- "\$@" "\$option" ;;
  esac
done
if [ -r "\$prefix/server.aot" ]; then set -- '--host_jvm_args=-XX:AOTCache=${prefix//\'/\'\\\'\'}/server.aot' "\$@"; fi
exec "\$prefix/usr/bin/bazel" --nosystem_rc "--bazelrc=\$prefix/bazelrc" "--install_base=\$prefix/$share" --trust_install_base \\
  "--server_javabase=\$prefix/$jdk" --host_jvm_args=--enable-native-access=ALL-UNNAMED \\
  --host_jvm_args=--sun-misc-unsafe-memory-access=allow "\$@"
EOF
chmod +x "$root/bazel"

rm -rf "$prefix"  # none that works: fetch.sh would have chosen it
mv -T "$root" "$prefix"
runs=$("$prefix/bazel" --version 2>"$work/said") || :
if ! version_serves "${runs#bazel }" "$wanted"; then
  rm -rf "$prefix"
  die "bazel-bootstrap $version was unpacked but does not run here: $(tail -n 1 "$work/said")"
fi
# Bazel runs without it too, only slower. Why there is none stands in the log.
mkdir "$work/archive"
bash "$here/archive.sh" "$prefix" "$work/archive" >"$prefix/server.aot.log" 2>&1 || :
