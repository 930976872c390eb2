"""Text that must stay on one line wherever it is shown: in a log, on a terminal, in a file of lines."""

load(":messages.bzl", "message")

_HEX = "0123456789ABCDEF"
_LOW = "\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037"

# The second byte of U+0080 to U+009F, of which the first is \302: in Starlark a string is the bytes of its UTF-8.
_HIGH = "\200\201\202\203\204\205\206\207\210\211\212\213\214\215\216\217\220\221\222\223\224\225\226\227\230\231\232\233\234\235\236\237"

def _code(number):
    return "U+00" + _HEX[number // 16] + _HEX[number % 16]

_CONTROLS = {
    character: _code(number)
    for number, character in enumerate(_LOW.elems())
} | {
    "\302" + character: _code(0x80 + number)
    for number, character in enumerate(_HIGH.elems())
} | {
    "\177": "U+007F",
    "\342\200\250": "U+2028",
    "\342\200\251": "U+2029",
    # A string that json.decode made is no bytes.
    json.decode("\"\\u2028\""): "U+2028",
    json.decode("\"\\u2029\""): "U+2029",
}

# What ends a line for one program or another: also the vertical tab, the form feed and U+0085.
_BREAKS = ["U+000A", "U+000B", "U+000C", "U+000D", "U+0085", "U+2028", "U+2029"]

def one_line_fault(text):
    """What keeps a string from being one line of text.

    Args:
      text: string.

    Returns:
      string: "" where nothing does, else such as `has a line break (U+000A)`.
    """
    for control, code in _CONTROLS.items():
        if control in text:
            return "has {} ({})".format("a line break" if code in _BREAKS else "a control character", code)
    return ""

def shown(text):
    """A string in quotes, on one line whatever is in it.

    Args:
      text: string.

    Returns:
      string.
    """
    quoted = repr(text)
    for control, code in _CONTROLS.items():
        quoted = quoted.replace(control, "\\u" + code[len("U+"):].lower())
    return quoted

def check_one_line(ctx, attribute, value):
    """Fails unless a string, or each key and value of a dict of strings, is one line of text and no key is empty.

    Args:
      ctx: the rule's context.
      attribute: string: the attribute's name, for the message.
      value: string, or dict of string to string.
    """
    if type(value) == "string":
        fault = one_line_fault(value)
        if fault:
            fail(message(attribute, ctx.label, "{} {}".format(shown(value), fault), "Write one line"))
        return
    for key, text in value.items():
        fault = one_line_fault(key) or one_line_fault(text)
        if fault:
            fail(message(attribute, ctx.label, "{} = {} {}".format(shown(key), shown(text), fault), "Write one line"))
        if not key:
            fail(message(attribute, ctx.label, "{} has no name".format(shown(text)), "Write {\"NAME\": \"value\"}"))

def check_variables(ctx, attribute, value):
    """Fails unless a dict is of variables of an environment, by their names.

    Args:
      ctx: the rule's context.
      attribute: string: the attribute's name, for the message.
      value: dict of string to string.
    """
    check_one_line(ctx, attribute, value)
    for name in value:
        if "=" in name:
            fail(message(attribute, ctx.label, "{} is no name of a variable, for it has a '='".format(shown(name)), "Write {\"NAME\": \"value\"}"))
