"""The repository of a base's root, unpacked from Debian packages."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_netrc", "read_user_netrc", "use_netrc")
load("//lepton_rules/private:messages.bzl", "display_label", "message")
load("//lepton_rules/private/environment:architecture.bzl", "host_architecture", "layers_build_file")
load("//lepton_rules/private/environment:builder.bzl", "run_builder", "run_program", "watch")
load("//lepton_rules/private/fetch:address.bzl", "redacted", "split_address")

_DRIFT = "LEPTON_DEBIAN_DRIFT"
_MIRROR = "LEPTON_DEBIAN_MIRROR"
_FIELDS = ["name", "version", "architecture", "suite", "file", "size", "sha256"]
_CONFIG = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
    "User": "65532:65532",
    "WorkingDir": "/",
}

def problem(lock, architecture):
    """What is wrong with a lock, or None.

    Args:
      lock: what its JSON holds.
      architecture: string: the one that is wanted of it.

    Returns:
      None, or a tuple: why, and the fix.
    """
    again = "Write it with bazel run @lepton_rules//lepton_rules:debian_lock"
    if type(lock) != "dict" or type(lock.get("packages")) != "list":
        return ("it is no JSON with packages", again)
    if lock.get("schema_version") != 1:
        return ("its schema_version is {} and must be 1".format(lock.get("schema_version")), again)
    for package in lock["packages"]:
        missing = [field for field in _FIELDS if not package.get(field)]
        if missing:
            return ("package {} has no {}".format(package.get("name", "without a name"), missing[0]), again)
        if len(package["sha256"]) != 64 or package["sha256"].strip("0123456789abcdef"):
            return ("the sha256 of {} is no SHA-256".format(package["name"]), again)
        if package["file"].startswith("/") or ".." in package["file"].split("/"):
            return ("the file of {} leads out of the archive".format(package["name"]), again)
    have = {package["architecture"]: None for package in lock["packages"]}
    if architecture not in have:
        return ("it has no packages for {}, only for {}".format(architecture, ", ".join(sorted(have))), "Lock it with --architecture {}".format(architecture))
    return None

def _credentials(rctx, addresses):
    """What a netrc file or an address itself says, by address without credentials."""
    plain = [split_address(address) for address in addresses]
    netrc = rctx.os.environ.get("NETRC")
    found = use_netrc(read_netrc(rctx, netrc) if netrc and rctx.path(netrc).exists else read_user_netrc(rctx), [address.url for address in plain], {})
    for address in plain:
        if address.login != None:
            found[address.url] = {"login": address.login, "password": address.password, "type": "basic"}
    return found

def _start(rctx, package, mirrors, digest):
    """Begins to download a package; struct(package, file, download)."""

    # Its own archive first: each that has it not costs a warning.
    security = package["suite"].endswith("-security")
    first = [mirror for mirror in mirrors if mirror.endswith("-security") == security]
    addresses = ["{}/{}".format(mirror, package["file"]) for mirror in first + [mirror for mirror in mirrors if mirror not in first]]
    file = "packages/{}_{}.deb".format(package["name"], package["architecture"])
    download = rctx.download(
        [split_address(address).url for address in addresses],
        file,
        allow_fail = True,
        auth = _credentials(rctx, addresses),
        block = False,
        sha256 = digest,
    )
    return struct(package = package, file = file, download = download)

def _gone(rctx, python, what, label, missing, lock, mirrors):
    """Newer packages in place of those that no mirror has, where that is allowed; else a failure that says what to do."""
    names = ", ".join(["{} {}".format(package["name"], package["version"]) for package in missing])
    refresh = "bazel run @lepton_rules//lepton_rules:debian_lock -- --like {file} --output {file}".format(
        file = _shown(rctx.attr.lock),
    )
    if rctx.getenv(_DRIFT) != "newest":
        asked = ", ".join([redacted(mirror) for mirror in mirrors]) or "none: apt has no Debian source here"
        why = "no mirror has {} any more (asked: {})".format(names, asked) if mirrors else "no Debian mirror is known here, and {} must come from one".format(names)
        fix = ("Pin what the mirror has now: {}. Or name a mirror that keeps old packages in the environment variable {} or the attribute " +
               "mirrors, or set --repo_env={}=newest to build with newer ones until the lock is written again").format(refresh, _MIRROR, _DRIFT)
        fail(message(what, label, why, fix))
    request = {"addresses": mirrors, "packages": missing, "suites": lock["suites"]}
    rctx.file("newest_request.json", json.encode(request), executable = False)
    result = run_program(rctx, python, rctx.attr._newest, ["newest_request.json", label], timeout = 600)
    if result.return_code != 0:
        fail(result.stderr.strip() or message(what, label, "no newer packages were found", refresh))
    found = json.decode(result.stdout)
    for package in found:
        # buildifier: disable=print
        print(message(what, label, "{} is {} here, not as locked".format(package["name"], package["version"]), refresh))
    return found

def _shown(label):
    return "{}/{}".format(label.package, label.name) if label.package else label.name

def _fetch(rctx, python, what, label, packages, lock, mirrors):
    """Downloads packages; returns them with the `path` of each. What is gone may be replaced (see `_gone`)."""
    started = [_start(rctx, package, mirrors, package["sha256"]) for package in packages] if mirrors else []
    missing = [item.package for item in started if not item.download.wait().success] if mirrors else packages
    if missing:
        newest = {package["name"]: package for package in _gone(rctx, python, what, label, missing, lock, mirrors)}
        again = [_start(rctx, package, mirrors, package["sha256"]) for package in newest.values()]
        for item in again:
            if not item.download.wait().success:
                fail(message(what, label, "{} could not be downloaded".format(item.package["name"]), "Build again when the mirror is at rest"))
        packages = [newest.get(package["name"], package) for package in packages]
    return [
        {
            "architecture": package["architecture"],
            "name": package["name"],
            "path": str(rctx.path("packages/{}_{}.deb".format(package["name"], package["architecture"]))),
            "version": package["version"],
        }
        for package in packages
    ]

def _debian_base_impl(rctx):
    label = "@{}//:{}".format(rctx.attr.repository, rctx.attr.architecture)
    what = "base " + rctx.attr.base_name

    # A path of a label is watched: a changed lock or builder builds the base again.
    lock = json.decode(rctx.read(rctx.attr.lock), default = None)
    wrong = problem(lock, rctx.attr.architecture)
    if wrong:
        fail(message("lock " + display_label(rctx.attr.lock), label, wrong[0], wrong[1]))
    watch(rctx, rctx.attr._builder)
    python = _any_python(rctx, what, label)
    result = run_program(rctx, python, rctx.attr._sources, [json.encode(lock["suites"]), json.encode(rctx.attr.mirrors)], timeout = 60)
    if result.return_code != 0:
        fail(message(what, label, "apt's sources cannot be read ({})".format(result.stderr.strip()), "Set {} to the address of a Debian mirror".format(_MIRROR)))
    mirrors = json.decode(result.stdout)

    rctx.report_progress("fetching Debian packages")
    wanted = [package for package in lock["packages"] if package["architecture"] == rctx.attr.architecture]
    if rctx.attr.packages:
        known = {package["name"]: None for package in wanted}
        unknown = sorted([name for name in rctx.attr.packages if name not in known])
        if unknown:
            fail(message(what, label, "the lock has no package {}".format(", ".join(unknown)), "Lock it: " + lock.get("command", "")))
    packages = _fetch(rctx, python, what, label, wanted, lock, mirrors)

    # The base's own Python, of this machine's architecture, compiles its library.
    host = host_architecture(rctx)
    compilers = packages
    if rctx.attr.architecture != host and [package for package in wanted if package["name"].startswith("python3.")]:
        native = [package for package in lock["packages"] if package["architecture"] == host]
        if not native:
            why = "its Python is for {}, and this machine needs one for {} to compile its library".format(rctx.attr.architecture, host)
            fail(message(what, label, why, "Lock it with --architecture {} too".format(host)))
        compilers = _fetch(rctx, python, what, label, native, lock, mirrors)

    rctx.report_progress("unpacking Debian packages")
    facts = run_builder(rctx, python, what, label, {
        "compile": str(rctx.path(rctx.attr._compile)),
        "compilers": compilers,
        "exclude": rctx.attr.exclude,
        "keep": rctx.attr.keep,
        "label": label,
        "name": rctx.attr.base_name,
        "packages": packages,
        "python_sources": rctx.attr.python_sources,
    }, timeout = 1800)
    rctx.delete("packages")
    rctx.file("config.json", json.encode_indent(_CONFIG, indent = "  ") + "\n", executable = False)
    rctx.file("BUILD.bazel", layers_build_file(
        architecture = rctx.attr.architecture,
        compression = rctx.attr.compression,
        config = "config.json",
        package_kind = "deb",
        packages = facts["packages"],
    ), executable = False)

def _any_python(rctx, what, label):
    """This machine's Python, 3.11 or newer: it only unpacks, so its version leaves no trace."""
    for name in ["python3", "python3.11", "python3.12", "python3.13", "python"]:
        python = rctx.which(name)
        if python and rctx.execute([python, "-I", "-S", "-B", "-c", "import lzma, sys; sys.exit(sys.version_info < (3, 11))"]).return_code == 0:
            return python
    fail(message(what, label, "no Python 3.11 or newer is on PATH", "Install one"))

debian_base_repository = repository_rule(
    implementation = _debian_base_impl,
    doc = """The root of a base for one architecture: `root.tar`, and layers made of it.

    No mirror is in `environ`: the lock's hashes decide what is unpacked, so another mirror is no reason to unpack again.
    """,
    attrs = {
        "architecture": attr.string(mandatory = True, doc = "`amd64` or `arm64`."),
        "base_name": attr.string(mandatory = True, doc = "The name in the tag."),
        "compression": attr.string(mandatory = True, doc = "`none`, `gzip` or `zstd`."),
        "exclude": attr.string_list(doc = "Globs of files to leave out, relative to the root."),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be left out."),
        "lock": attr.label(mandatory = True, allow_single_file = True, doc = "Packages with versions and hashes."),
        "mirrors": attr.string_list(doc = "Addresses to ask before this machine's own."),
        "packages": attr.string_list(doc = "Packages that the lock must have."),
        "python_sources": attr.bool(doc = "Whether the standard library's sources stay beside their bytecode."),
        "repository": attr.string(mandatory = True, doc = "The name of the tag's repository as a module that uses it writes it."),
        "_builder": attr.label_list(
            default = [
                Label("//lepton_rules/private/debian/builder:" + name)
                for name in ["apt_sources.py", "build_base.py", "closure.py", "control.py", "deb.py", "index.py", "newest.py", "version.py"]
            ] + [
                Label("//lepton_rules/private/environment/builder:" + name)
                for name in ["clean.py", "command.py", "compile_bytecode.py", "redaction.py", "refusal.py", "root.py", "tree.py"]
            ],
        ),
        "_compile": attr.label(default = Label("//lepton_rules/private/environment/builder:compile_bytecode.py")),
        "_main": attr.label(default = Label("//lepton_rules/private/debian/builder:build_base.py")),
        "_newest": attr.label(default = Label("//lepton_rules/private/debian/builder:newest.py")),
        "_sources": attr.label(default = Label("//lepton_rules/private/debian/builder:apt_sources.py")),
    },
)
