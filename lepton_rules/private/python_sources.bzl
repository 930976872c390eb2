"""Python sources as inputs of an action: files and py_library targets, and where they are imported from."""

load("@rules_python//python:defs.bzl", "PyInfo")
load(":messages.bzl", "display_label", "message")

def _join(*parts):
    return "/".join([part for part in parts if part and part != "."])

def _from_runfiles(path):
    # PyInfo.imports are relative to the runfiles: `_main/x` or `<repository>/x`.
    repository, _, rest = path.partition("/")
    return (rest or ".") if repository in ["_main", "__main__"] else _join("external", repository, rest)

def python_sources(ctx, srcs, imports):
    """Collects sources and import roots.

    Args:
      ctx: the rule's context.
      srcs: list of Target: Python files, or targets with PyInfo such as py_library.
      imports: list of string: directories relative to the package that are put on sys.path.

    Returns:
      struct(sources = depset of File, roots = list of string relative to the execution root).
    """
    roots = []
    for directory in imports:
        if directory.startswith("/") or ".." in directory.split("/"):
            fail(message("imports", ctx.label, "{} leaves the package".format(repr(directory)), "Name a directory below the package"))
        root = _join(ctx.label.workspace_root, ctx.label.package, directory) or "."
        roots.append(root)
        roots.append(_join(ctx.bin_dir.path, root))
    direct = []
    transitive = []
    for target in srcs:
        if PyInfo in target:
            for path in target[PyInfo].imports.to_list():
                if "site-packages" in path:
                    fail(message(
                        "srcs",
                        ctx.label,
                        "{} brings the installed package {}; wheels come from the environment's lock".format(display_label(target.label), path),
                        "Drop it from deps and add the package to the requirements_lock of the environment",
                    ))
                roots.append(_from_runfiles(path))
            root = _join(target.label.workspace_root) or "."
            roots.append(root)
            transitive.append(target[PyInfo].transitive_sources)
        else:
            direct.append(target[DefaultInfo].files)
    unique = {root: None for root in roots}
    return struct(sources = depset(transitive = direct + transitive), roots = list(unique))
