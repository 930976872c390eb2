"""Finds a Python of the asked version on this machine."""

load("//lepton_rules/private:messages.bzl", "message")

# Prints one line of JSON; modules that a stripped-down Python lacks (Debian's python3-minimal) are named.
_PROBE = """
import importlib.util, json, sys
wanted = ("ctypes", "ssl", "zlib", "hashlib", "lzma", "bz2", "email", "zipfile")
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "missing": [name for name in wanted if importlib.util.find_spec(name) is None],
}))
"""

def _probe(rctx, python, version):
    """A struct of the executable if `python` is a whole CPython of `version`, else of why it is not."""
    result = rctx.execute([python, "-I", "-S", "-B", "-c", _PROBE], timeout = 60)
    facts = json.decode(result.stdout, default = None) if result.return_code == 0 else None
    if type(facts) != "dict":
        return struct(executable = None, why = "does not run")
    have = ".".join([str(int(part)) for part in facts["version"]])
    if facts["implementation"] != "cpython":
        return struct(executable = None, why = "is " + facts["implementation"])
    if have != version and not have.startswith(version + "."):
        return struct(executable = None, why = "is " + have)
    if facts["missing"]:
        return struct(executable = None, why = "lacks " + ", ".join(facts["missing"]))
    return struct(executable = facts["executable"], why = None)

def _numbers(name):
    """The numbers in a name, for comparing versions."""
    found = [""]
    for character in name.elems():
        if character.isdigit():
            found[-1] += character
        elif found[-1]:
            found.append("")
    return [int(number) for number in found if number]

def _installed(rctx, folder, wanted):
    """Executables below a folder of installed Pythons whose directory names the version, the newest first."""
    path = rctx.path(folder)
    if not path.exists:
        return []
    entries = [entry for entry in path.readdir(watch = "no") if wanted in entry.basename]
    entries = sorted(entries, key = lambda entry: _numbers(entry.basename), reverse = True)
    return [str(entry) + "/bin/python3" for entry in entries if rctx.path(str(entry) + "/bin/python3").exists]

def _candidates(rctx, version):
    series = ".".join(version.split(".")[:2])
    found = []
    for name in ["python" + series, "python3", "python"]:
        path = rctx.which(name)
        if path:
            found.append(str(path))
        if name == "python" + series:
            home = rctx.os.environ.get("HOME", "")
            pyenv = rctx.os.environ.get("PYENV_ROOT", home + "/.pyenv")
            data = rctx.os.environ.get("XDG_DATA_HOME", home + "/.local/share")
            found += _installed(rctx, pyenv + "/versions", version)
            found += _installed(rctx, rctx.os.environ.get("UV_PYTHON_INSTALL_DIR", data + "/uv/python"), version)
            found += [
                folder + "/python" + series
                for folder in ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"]
                if rctx.path(folder + "/python" + series).exists
            ]
    return {path: None for path in found}.keys()

def _required(rctx, python, version, what, label, named, fix):
    """The executable of `python`, which someone named, or a failure."""
    probed = _probe(rctx, python, version)
    if not probed.executable:
        fail(message(what, label, "{} is {}, which {}".format(named, python, probed.why), fix))
    rctx.watch(probed.executable)
    return probed.executable

def find_interpreter(rctx, what, label, version, given):
    """A CPython of `version`, or a failure that says how to get one.

    In order: the environment variable LEPTON_PYTHON_<major>_<minor>, the given one, PATH, pyenv's, uv's and the system's. The one
    that is found is watched: after an upgrade of the system the environment is built again.

    Args:
      rctx: the repository's context.
      what: what needs it, for the message.
      label: the label that the message names.
      version: "3.11", or in full "3.11.7".
      given: label of an executable, or None.

    Returns:
      The path of its executable, no wrapper and no virtual environment's.
    """
    numbers = _numbers(version)
    if len(numbers) not in [2, 3] or ".".join([str(number) for number in numbers]) != version or numbers < [3, 11]:
        fail(message(what, label, "python_version is {} and must be 3.11 or newer".format(repr(version)), "Write for example 3.11"))
    variable = "LEPTON_PYTHON_{}_{}".format(numbers[0], numbers[1])
    chosen = rctx.getenv(variable)
    if chosen:
        fix = "Set it to a whole CPython {}, or unset it".format(version)
        return _required(rctx, chosen, version, what, label, variable, fix)
    if given:
        fix = "Name the executable of a whole CPython {}".format(version)
        return _required(rctx, str(rctx.path(given)), version, what, label, "interpreter", fix)
    tried = []
    for candidate in _candidates(rctx, version):
        probed = _probe(rctx, candidate, version)
        if probed.executable:
            rctx.watch(probed.executable)
            return probed.executable
        tried.append("{} {}".format(candidate, probed.why))
    why = "no whole CPython {} on this machine ({})".format(version, "; ".join(tried) or "none found")
    fix = "Install one (the system's python{}.{}, pyenv or uv), or set {} to its executable".format(numbers[0], numbers[1], variable)
    return fail(message(what, label, why, fix))
