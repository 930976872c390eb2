"""One entry point for each kind of action: `run(arguments)`, called by the worker in a process of its own."""
