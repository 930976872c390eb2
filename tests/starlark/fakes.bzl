"""A plugin, its components and an environment that are only ever analysed: nothing of them can run."""

load("//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")
load("//lepton_rules:providers.bzl", "EnvironmentInfo")

_TEXT = {"config": {"fields": {}, "version": 1}}
_BITS = {"default": 8, "optional": False, "requires": {"4": "int4_weights"}, "type": "int"}

DESCRIPTORS = {
    "api_version": 1,
    "exporters": {"text_to_blob": _TEXT | {"consumes": "text", "produces": "blob"}},
    "importers": {
        "pickle": _TEXT | {"allows_code": True, "produces": "text"},
        "text": _TEXT | {"allows_code": False, "produces": "text"},
    },
    "metrics": {},
    "name": "fake",
    "passes": {
        "append": {
            "config": {"fields": {"bits": _BITS}, "version": 1},
            "consumes": "text",
            "preserves_signature": True,
            "produces": "text",
            "requires": [],
            "slots": {},
        },
        "teach": _TEXT | {
            "consumes": "text",
            "preserves_signature": True,
            "produces": "text",
            "requires": [],
            "slots": {
                "notes": {"kind": "dataset", "required": True},
                "teacher": {"kind": "model", "required": False},
            },
        },
    },
    "runtimes": {"reader": _TEXT | {"consumes": ["blob"]}},
    "targets": {
        name: {
            "accepts": ["blob"],
            "available": "",
            "capabilities": capabilities,
            "options": {"paper": "thin"},
            "pass_defaults": {},
            "runtime": "reader",
        }
        for name, capabilities in {"page": [], "wide_page": ["int4_weights"]}.items()
    },
}

_PLUGIN = Label("//tests/starlark:fake")

def text():
    return lepton_component(kind = "importer", plugin = _PLUGIN, name = "text", config = {})

def pickle():
    return lepton_component(kind = "importer", plugin = _PLUGIN, name = "pickle", config = {})

def append(**config):
    return lepton_pass(plugin = _PLUGIN, name = "append", config = config)

def teach():
    return lepton_pass(plugin = _PLUGIN, name = "teach", config = {})

def _fake_environment_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.label.name + "/prefix")
    key = ctx.actions.declare_file(ctx.label.name + "/env.key")
    launcher = ctx.actions.declare_file(ctx.label.name + "/launch")
    ctx.actions.run_shell(outputs = [directory, key, launcher], command = "exit 1", mnemonic = "Fake")
    return [EnvironmentInfo(
        name = ctx.label.name,
        directory = directory,
        key = key,
        launcher = launcher,
        python_version = "3.11.2",
        packages = {"pluggy": "1.7.0"},
    )]

fake_environment = rule(
    implementation = _fake_environment_impl,
    doc = "An environment that nothing can run in.",
    provides = [EnvironmentInfo],
)
