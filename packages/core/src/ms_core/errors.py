"""The two ways a command ends early on purpose; `ms_core.cli` turns them into exit codes."""


class UserError(Exception):
    """Wrong use or bad input: one line with what is wrong, in which file and entry, what to do. Exit code 2."""


class Interrupted(Exception):
    """Stopped by a signal after a resumable state was written; the message says how to go on. Exit code 130."""
