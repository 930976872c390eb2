"""The repository of a model that is fetched by address, each file held to its digest."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_netrc", "read_user_netrc", "use_netrc")
load("//lepton_rules/private:messages.bzl", "message")
load(":address.bzl", "is_relative_path", "redacted", "split_address")

_ENDPOINT = "HF_ENDPOINT"
_TOKEN = "HF_TOKEN"
_HEX = "0123456789abcdef"

_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files({files})

filegroup(
    name = "files",
    srcs = {files},
)
"""

_READ_BY_BAZEL = [".bazelignore", "BUILD", "BUILD.bazel", "MODULE.bazel", "REPO.bazel", "WORKSPACE", "WORKSPACE.bazel"]

# How a page or a placeholder begins that is no model's file, whatever its address says.
_IMPOSTORS = {
    "<!doctype html": "an HTML page",
    "<html": "an HTML page",
    "version https://git-lfs": "a Git LFS pointer",
}

ATTRS = {
    "endpoint": attr.string(doc = """The hub's address. Without it, the environment variable HF_ENDPOINT says it, and only then is HF_TOKEN sent."""),
    "files": attr.string_dict(mandatory = True, doc = """The files by name, each with its digest: `{"model.onnx": "sha256:…"}`. With
    `""` for a digest the fetch fails, and prints the line to paste."""),
    "hub": attr.string(doc = "The model's name in a hub, `owner/model`, instead of urls."),
    "name": attr.string(mandatory = True, doc = "Name of the model, unique in its module: lower-case letters, digits and underscores."),
    "revision": attr.string(doc = "The hub's revision: a commit, or a tag."),
    "urls": attr.string_list(doc = "Addresses of the same files, tried in order. `{file}` in one stands for the file's name; one file may do without."),
}

def _pasted(files):
    return "files = {" + ", ".join(['"{}": "{}"'.format(name, files[name]) for name in sorted(files)]) + "}"

def _hex(digest):
    # The 64 digits of `sha256:…`, or None.
    digits = digest.lower().removeprefix("sha256:")
    return digits if digest.startswith("sha256:") and len(digits) == 64 and not digits.strip(_HEX) else None

def problem(files, urls, hub, revision):
    """What is wrong with a declaration, before anything is fetched.

    Args:
      files: dict of string to string.
      urls: list of string.
      hub: string.
      revision: string.

    Returns:
      None, or a tuple: why, and the fix.
    """
    if not files:
        return ("it names no files", 'Write files = {"model.onnx": ""}')
    if bool(urls) == bool(hub):
        return ("it has {}".format("both urls and hub" if hub else "neither urls nor hub"), "Give one of the two")
    if hub and not revision:
        return ("hub {} has no revision, and what it holds changes".format(repr(hub)), "Give the commit: revision = \"…\"")
    if revision and not hub:
        return ("there is a revision and no hub", "Remove it, or give hub")
    if hub and (not is_relative_path(hub) or len(hub.split("/")) > 2):
        return ("{} is no model's name in a hub".format(repr(hub)), "Write it as owner/model")
    if hub and not is_relative_path(revision):
        return ("{} is no revision".format(repr(revision)), "Give a commit")
    for file, digest in files.items():
        if not is_relative_path(file):
            return ("{} is no name for a file".format(repr(file)), "Use letters, digits and . _ + @ = , - alone, and / between folders")
        if file.split("/")[-1] in _READ_BY_BAZEL:
            return ("Bazel itself reads a file named {}".format(repr(file)), "Leave it out")
        if digest and not _hex(digest):
            return ("the digest of {} is {}".format(file, repr(digest)), "Write sha256: and 64 hexadecimal digits, or \"\" to be told it")
    for url in urls:
        scheme = url.partition("://")[0]
        if "://" not in url or scheme not in ["file", "http", "https"]:
            return ("{} is no address".format(repr(redacted(url))), "Write it with https://")
        if len(files) > 1 and "{file}" not in url:
            return ("{} is the address of one file, and there are {}".format(redacted(url), len(files)), "Write {file} where the file's name stands")
    return None

def _sources(rctx, file, what, label):
    """The addresses of a file, and the credentials for each: of the address itself, of netrc, or the hub's token."""
    token = None
    if rctx.attr.hub:
        endpoint = rctx.attr.endpoint
        if not endpoint:
            endpoint = rctx.os.environ.get(_ENDPOINT, "")
            token = rctx.os.environ.get(_TOKEN)
        if not endpoint:
            fail(message(what, label, "no address of a hub is known", "Set the environment variable {}, or the attribute endpoint".format(_ENDPOINT)))
        urls = ["{}/{}/resolve/{}/{}".format(endpoint.rstrip("/"), rctx.attr.hub, rctx.attr.revision.replace("/", "%2F"), file)]
    else:
        urls = [url.replace("{file}", file) for url in rctx.attr.urls]
    addresses = [split_address(url) for url in urls]
    plain = [address.url for address in addresses]

    # Bazel 7 does not look at NETRC.
    netrc = rctx.os.environ.get("NETRC")
    entries = read_netrc(rctx, netrc) if netrc and rctx.path(netrc).exists else read_user_netrc(rctx)
    auth = use_netrc(entries, plain, {})
    for address in addresses:
        if address.login != None:
            auth[address.url] = {"login": address.login, "password": address.password, "type": "basic"}
        elif token:
            auth[address.url] = {"password": token, "pattern": "Bearer <password>", "type": "pattern"}
    return plain, auth

def _credentials(auth):
    # What Bazel makes a header of, as the probe takes it: [the header itself], or [login, password].
    if not auth:
        return []
    if auth["type"] == "pattern":
        return [auth["pattern"].replace("<login>", auth.get("login", "")).replace("<password>", auth["password"])]
    return [auth["login"], auth["password"]]

def _digest_of(rctx, file, what, label):
    """Asks for a file whatever it is, and returns its digest. Fails where nothing gives it, or what comes is no model's file.

    Bazel's own download does not say why it failed, and takes nothing from http:// without knowing its digest.
    """
    fix = "Correct the {}, or see that the network and credentials are there".format("hub, the revision or the file's name" if rctx.attr.hub else "address")
    python = rctx.which("python3")
    if not python:
        fail(message(what, label, "{} cannot be downloaded, and there is no python3 to ask why".format(file), fix))
    urls, auth = _sources(rctx, file, what, label)
    asked = json.encode([[url, _credentials(auth.get(url))] for url in urls])
    result = rctx.execute([python, "-I", "-S", "-B", rctx.path(rctx.attr._probe)], environment = {"LEPTON_PROBE": asked}, timeout = 86400)
    answer = json.decode(result.stdout, default = {"failures": [[urls[0], "python3 ended with {}".format(result.return_code)]]})
    if "failures" in answer:
        reasons = " and ".join(["{} ({})".format(redacted(url), why) for url, why in answer["failures"]])
        fail(message(what, label, "{} cannot be downloaded from {}".format(file, reasons), fix))
    for beginning, kind in _IMPOSTORS.items():
        if answer["start"].lower().lstrip().startswith(beginning):
            fail(message(what, label, "what came as {} from {} is {}".format(file, redacted(answer["url"]), kind), fix))
    return answer["digest"]

def _fetch_model_impl(rctx):
    what = "model " + rctx.attr.model
    label = "@{}//:files".format(rctx.attr.repository)
    wrong = problem(rctx.attr.files, rctx.attr.urls, rctx.attr.hub, rctx.attr.revision)
    if wrong:
        fail(message(what, label, *wrong))
    missing = sorted([file for file, digest in rctx.attr.files.items() if not digest])
    if missing:
        found = rctx.attr.files | {file: _digest_of(rctx, file, what, label) for file in missing}
        fail(message(what, label, "there is no digest of {}".format(", ".join(missing)), "If what came is what you want, write {}".format(_pasted(found))))
    for file, wanted in rctx.attr.files.items():
        rctx.report_progress("fetching " + file)
        urls, auth = _sources(rctx, file, what, label)
        if rctx.download(urls, file, sha256 = _hex(wanted), auth = auth, allow_fail = True).success:
            continue
        got = _digest_of(rctx, file, what, label)
        if got.removeprefix("sha256:") == _hex(wanted):
            fail(message(what, label, "{} could not be downloaded, and a moment later it could".format(file), "Build again"))
        fail(message(
            what,
            label,
            "{} has the digest {}, and {} is wanted".format(file, got, wanted),
            "If it was meant to change, write {}".format(_pasted(rctx.attr.files | {file: got})),
        ))
    rctx.file("BUILD.bazel", _BUILD.format(files = json.encode_indent(sorted(rctx.attr.files), prefix = "", indent = "    ")), executable = False)

fetch_model_repository = repository_rule(
    implementation = _fetch_model_impl,
    doc = """A model's files, fetched when a target first needs one.

    No address and no token is in `environ`: the digests decide what is fetched, so another mirror is no reason to fetch again.
    """,
    attrs = {key: value for key, value in ATTRS.items() if key != "name"} | {
        "model": attr.string(mandatory = True, doc = "The name in the tag."),
        "repository": attr.string(mandatory = True, doc = "The repository's name as a module that uses it writes it."),
        "_probe": attr.label(default = Label("//lepton_rules/private/fetch:probe.py"), allow_single_file = True),
    },
)
