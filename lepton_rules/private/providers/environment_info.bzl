"""EnvironmentInfo: one Python environment, as three files."""

def _init(*, name, directory, key, launcher, python_version, packages):
    for field, file in [("directory", directory), ("key", key), ("launcher", launcher)]:
        if type(file) != "File":
            fail("lepton: EnvironmentInfo {}: {} is a {} and must be a File. Pass the file itself.".format(name, field, type(file)))
    if type(packages) != "dict":
        fail("lepton: EnvironmentInfo {}: packages is a {} and must be a dict of versions. Pass names with versions.".format(name, type(packages)))
    if len(python_version.split(".")) != 3:
        fail("lepton: EnvironmentInfo {}: python_version is {} and must be in full. Pass for example 3.11.7.".format(name, repr(python_version)))
    return {
        "directory": directory,
        "key": key,
        "launcher": launcher,
        "name": name,
        "packages": packages,
        "python_version": python_version,
    }

EnvironmentInfo, _new_environment_info = provider(
    doc = """A Python environment: interpreter, standard library and packages, built from a hash-locked file.

    An action that runs in it names `launcher` as its executable, `key` and `launcher` among its tools and `directory` among its inputs. The
    key among the tools is what restarts a worker when the environment changes.
    """,
    init = _init,
    fields = {
        "directory": "File: the one source directory with interpreter (bin/python3), standard library and packages (lib/python<major>.<minor>/site-packages); an input of every action.",
        "key": "File: a small file that changes whenever the environment does; a tool of every action.",
        "launcher": "File: the script beside `directory` that runs its Python with `-s -P` and the arguments it is given.",
        "name": "string: the name in the tag `lepton.environment`.",
        "packages": "dict of string to string: the version of each installed distribution, by its normalised name.",
        "python_version": "string: the interpreter's version in full, for example \"3.11.7\".",
    },
)
