"""lepton_client: a typed client of a served model."""

load("@rules_python//python:defs.bzl", "PyInfo")
load("//lepton_rules/private/providers:gate_settings_info.bzl", "GateSettingsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":messages.bzl", "display_label", "message")

_DOC = """The sources of a typed client of a model that is served by the Open Inference Protocol, version 2.

They follow from the model's manifest: a struct for the request and one for the answer, a type for each tensor, errors by
kind, and `verify()`, which tells whether the server has this very model. Name the target in `srcs` of a py_library, a
cc_library or a java_library, of whatever rules you have. A Python client may also stand in `deps`.
"""

_ATTRS = GATE_ATTRS | {
    "artifact": attr.label(mandatory = True, providers = [ModelInfo], doc = "The model that is served."),
    "class_name": attr.string(doc = "The client's class in Python and Java. Default: the model's name, and `Client`."),
    "language": attr.string(mandatory = True, doc = "`python`, `cpp` or `java`."),
    "model_name": attr.string(doc = "What the server calls the model. Default: the artifact's name."),
    "model_version": attr.string(doc = "What the server calls the version. Default: the one that the server chooses."),
    "package": attr.string(doc = "Python's package, a folder of this one; C++'s namespace; Java's package. Default: the target's name."),
    "_program": attr.label(default = "//lepton_rules/clients:main.py", allow_single_file = True),
    "_sources": attr.label(default = "//lepton_rules/clients:sources"),
}

_JAVA_PARTS = ["ClientException", "ClientOptions", "Json", "Spec", "Transport"]

# Of each language what parts a package's name is made of, and an example.
_PACKAGES = {
    "cpp": struct(separator = "::", example = "shop::resnet"),
    "java": struct(separator = ".", example = "com.example.resnet"),
    "python": struct(separator = None, example = "resnet_client"),
}

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"

# Words that are no names in one of the languages and that a package might well be called.
_RESERVED = (
    "abstract and as assert async auto await bool boolean break byte case catch char class const continue def default " +
    "del delete do double elif else enum except export extends false final finally float for from global goto if " +
    "implements import in inline instanceof int interface is lambda long namespace native new nonlocal not null nullptr " +
    "operator or package pass private protected public raise register return short signed sizeof static struct super " +
    "switch synchronized template this throw throws transient true try typedef typename union unsigned using virtual " +
    "void volatile while with xor yield"
).split(" ")

def _is_name(text, first):
    return text != "" and text[0].lower() in first and not text.lower().strip(_LETTERS + _DIGITS + "_") and text not in _RESERVED

def _capitals(name):
    # resnet_int8_cpu is ResnetInt8Cpu.
    words = "".join([c if c.lower() in _LETTERS + _DIGITS else " " for c in name.elems()]).split(" ")
    return "".join([word[:1].upper() + word[1:] for word in words if word])

def _checked(ctx):
    """struct(package, parts = list of its names), or fails."""
    if ctx.attr.language not in _PACKAGES:
        fail(message("language", ctx.label, "there is no {}".format(repr(ctx.attr.language)), "Give one of {}".format(", ".join(sorted(_PACKAGES)))))
    form = _PACKAGES[ctx.attr.language]
    package = ctx.attr.package or ctx.label.name
    parts = package.split(form.separator) if form.separator else [package]
    if [part for part in parts if not _is_name(part, _LETTERS)]:
        fail(message("package", ctx.label, "{} is no name of {} in {}".format(
            repr(package),
            "a namespace" if ctx.attr.language == "cpp" else "a package",
            ctx.attr.language,
        ), "Set package to one, such as {}".format(repr(form.example))))
    return struct(package = package, parts = parts)

def _lepton_client_impl(ctx):
    checked = _checked(ctx)
    language, package = ctx.attr.language, checked.package
    model = ctx.attr.artifact[ModelInfo]
    model_name = ctx.attr.model_name or ctx.attr.artifact.label.name
    class_name = ctx.attr.class_name or _capitals(model_name) + "Client"
    if not _is_name(class_name, _LETTERS):
        fail(message("class_name", ctx.label, "{} is no name of a class".format(repr(class_name)), "Set class_name to one, such as \"ResnetClient\""))
    stem = ctx.label.name
    folder, names = "", []
    if language == "python":
        folder = package + "/"
        names = ["__init__.py", "client.py", "protocol.py", "py.typed"]
    elif language == "cpp":
        names = [stem + ".h", stem + ".cc"]
    else:
        folder = "/".join(checked.parts) + "/"
        if class_name in _JAVA_PARTS:
            fail(message("class_name", ctx.label, "{} is another class of the client".format(class_name), "Choose another name"))
        names = [class_name + ".java"] + [part + ".java" for part in _JAVA_PARTS]
    files = {name: ctx.actions.declare_file(folder + name) for name in names}

    args = ctx.actions.args()
    args.add(ctx.file._program)
    args.add_all([
        "--label=" + display_label(ctx.label),
        "--language=" + language,
        "--package=" + package,
        "--class_name=" + class_name,
        "--model_name=" + model_name,
        "--model_version=" + ctx.attr.model_version,
    ])
    if language == "cpp":
        args.add("--stem=" + stem)
        args.add("--include=" + "/".join([part for part in [ctx.label.package, stem + ".h"] if part]))
    args.add(model.manifest, format = "--manifest=%s")
    for name, file in files.items():
        args.add(file, format = "--output={}=%s".format(name))
    settings = ctx.attr._run[RunSettingsInfo]
    environment = ctx.attr._run[GateSettingsInfo].exec_core
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset([model.manifest, environment.directory], transitive = [settings.sources, ctx.attr._sources[DefaultInfo].files]),
        outputs = files.values(),
        env = settings.environment,
        mnemonic = "LeptonClient",
        progress_message = "Lepton client %{label}",
        toolchain = None,
    )
    all_files = depset(files.values())
    providers = [DefaultInfo(files = all_files, runfiles = ctx.runfiles(files = files.values() if language == "python" else []))]
    if language == "cpp":
        providers.append(OutputGroupInfo(headers = depset([files[stem + ".h"]]), sources = depset([files[stem + ".cc"]])))
    if language == "python":
        root = [part for part in [ctx.label.workspace_name or ctx.workspace_name, ctx.label.package] if part]
        providers.append(PyInfo(
            imports = depset(["/".join(root)]),
            transitive_sources = depset([file for name, file in files.items() if name.endswith(".py")]),
        ))
    return providers

lepton_client = rule(
    implementation = _lepton_client_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
