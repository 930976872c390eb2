"""Files whose text is made when they are written: analysis keeps the facts, and pays for no text that nobody asks for."""

def write_deferred(ctx, output, *, text, values, is_executable = False):
    """Declares the action that writes a file.

    Args:
      ctx: the rule's context.
      output: File.
      text: top-level function of one of the values: a string or a list of strings, a line each or more.
      values: list of anything that does not change.
      is_executable: bool.
    """
    args = ctx.actions.args()
    args.add_all(values, map_each = text, expand_directories = False)
    args.set_param_file_format("multiline")
    ctx.actions.write(output, args, is_executable = is_executable)
