"""How a repository is built by a Python program of ours: what is watched, how it is asked, and what a failure says."""

load("//lepton_rules/private:messages.bzl", "message")

_ENVIRONMENT = "//lepton_rules/private/environment/builder:"
_REQUEST = "request.json"

# What installs the packages of a lock.
INSTALLER = [
    Label(_ENVIRONMENT + name)
    for name in [
        "build_environment.py",
        "clean.py",
        "command.py",
        "compile_bytecode.py",
        "elf.py",
        "install.py",
        "interpreter.py",
        "lock.py",
        "pip_configuration.py",
        "redaction.py",
        "refusal.py",
        "relocation.py",
        "tree.py",
        "uv.lock",
        "uv.py",
        "uv_failure.py",
    ]
]

def watch(rctx, labels):
    """Has the repository made again when one of some files changes: a path of a label is watched.

    Before anything that takes time: a file of a package that was not loaded yet starts the rule again.

    Args:
      rctx: the repository's context.
      labels: list of Label.
    """
    for label in labels:
        rctx.path(label)

def run_program(rctx, python, program, arguments, timeout):
    """Runs one of our programs with the standard library alone, and none of the user's settings of Python.

    Args:
      rctx: the repository's context.
      python: path or string: the interpreter.
      program: Label.
      arguments: list of string.
      timeout: int: seconds.

    Returns:
      What `rctx.execute` does.
    """
    return rctx.execute([python, "-I", "-S", "-B", rctx.path(program)] + arguments, timeout = timeout)

def run_builder(rctx, python, what, label, request, timeout):
    """Builds what the repository holds, with the program `_main`, or fails with what it says.

    Args:
      rctx: the repository's context; the rule has the attribute `_main`.
      python: path or string: the interpreter.
      what: string: what is built, for the message.
      label: string: the label that the message names.
      request: what the program takes, JSON types.
      timeout: int: seconds.

    Returns:
      dict: the facts that the program wrote.
    """

    # The bytes of a path as they are: Bazel 7 would encode what is UTF-8 already once more.
    rctx.file(_REQUEST, json.encode(request), executable = False, legacy_utf8 = False)
    result = run_program(rctx, python, rctx.attr._main, [_REQUEST], timeout)

    # Also after a failure: it may name an index with a password.
    rctx.delete(_REQUEST)
    if result.return_code != 0:
        why = "its builder ended with status {}".format(result.return_code)
        fail(result.stderr.strip() or message(what, label, why, "Build again, with more time or memory"))
    return json.decode(rctx.read("facts.json"))
