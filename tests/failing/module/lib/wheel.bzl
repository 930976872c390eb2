"""A package as rules_python's pip.parse would bring it."""

load("@rules_python//python:defs.bzl", "PyInfo")

def _wheel_impl(ctx):
    module = ctx.actions.declare_file(ctx.label.name + ".py")
    ctx.actions.write(module, "")
    return [
        DefaultInfo(files = depset([module])),
        PyInfo(
            imports = depset(["rules_python~~pip~pypi_311_{}/site-packages".format(ctx.label.name)]),
            transitive_sources = depset([module]),
        ),
    ]

wheel = rule(
    implementation = _wheel_impl,
    provides = [PyInfo],
)
