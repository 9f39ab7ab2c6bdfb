"""Sessions over ssh: the command for a host, and what its failures mean in plain words.

The system's own ssh does the work, with the user's own configuration: names, jumps and keys
are set up where people keep them. What must not be overridden comes first, since ssh takes the
first value of an option: the host's key is checked, nothing is asked for, a dead connection
is noticed within a minute (ssh_config(5)).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from paretobench.version import __version__

ALIVE_INTERVAL_S, ALIVE_COUNT = 15, 4
"""A connection that answers none of four questions in a minute is dead."""

_CAUSES: Sequence[tuple[tuple[str, ...], str]] = (
    (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", "has changed and you have requested"),
        "the host's key is not the one that was known: it was set up anew, or something stands "
        "in its place; ask who runs it, then 'ssh-keygen -R {name}' and log in once by hand",
    ),
    (
        ("Host key verification failed", "No matching host key", "authenticity of host"),
        "the host's key is not known here, and an unknown key is never accepted by itself; log "
        "in once by hand with 'ssh {host}' and compare the key",
    ),
    (
        ("Permission denied", "Too many authentication failures", "no mutual signature"),
        "the host does not accept this user's key; 'ssh-copy-id {host}', or load it into the "
        "agent",
    ),
    (
        ("Could not resolve hostname", "Name or service not known"),
        "nothing has that name; correct the host in the inventory",
    ),
    (
        ("Connection refused", "Connection timed out", "timed out", "No route to host",
         "Network is unreachable", "Host is down"),
        "it cannot be reached; is it on, on this network, and does its sshd run?",
    ),
)  # fmt: skip


def command(
    host: str,
    paretobench: str = "paretobench",
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    connect_timeout_s: int = 10,
) -> tuple[str, ...]:
    """The ssh command whose stdin and stdout are a measuring session.

    Args:
        host: as ssh takes it, `user@name` or an alias of `~/.ssh/config`.
        paretobench: the command there; a path may begin with `~/`.
        environment: variables for it, part of its fingerprint where they move a latency.
        options: further arguments of ssh, such as `-p 2222`.

    >>> command("macbook", "~/pb/bin/paretobench")[-1]
    '~/pb/bin/paretobench measure -'
    """
    fixed = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": str(connect_timeout_s),
        "ServerAliveInterval": str(ALIVE_INTERVAL_S),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "ClearAllForwardings": "yes",
    }
    ours = [word for name, value in fixed.items() for word in ("-o", f"{name}={value}")]
    variables = [f"{name}={value}" for name, value in sorted((environment or {}).items())]
    words = ["env", *variables] if variables else []
    there = [*map(shlex.quote, words), *map(_quoted, shlex.split(paretobench)), "measure", "-"]
    return ("ssh", "-T", *ours, *options, "--", host, " ".join(there))


def _quoted(word: str) -> str:
    """A word for the remote shell, which still expands a home folder at its beginning."""
    return f"~/{shlex.quote(word[2:])}" if word.startswith("~/") else shlex.quote(word)


def explain(host: str, status: int, said: str) -> str:
    """Why a session ended, from ssh's exit status and its last words.

    >>> explain("mac", 127, "sh: paretobench: not found").split(";")[0]
    'paretobench is not installed there, or not on the path of a login without a terminal'
    """
    last = said.splitlines()[-1].strip().removeprefix("ssh: ") if said else ""
    if status == 255:
        for signs, meaning in _CAUSES:
            if any(sign in said for sign in signs):
                return f"{meaning.format(host=host, name=host.split('@')[-1])} (ssh: {last})"
        return f"the connection was lost ({last or 'ssh said nothing'})"
    if status in (126, 127):
        return (
            "paretobench is not installed there, or not on the path of a login without a "
            f"terminal; install paretobench {__version__} and give its full path as command: "
            f"in the inventory ({last})"
        )
    if status < 0:
        return f"the connection was lost (signal {-status} ended ssh)"
    about = f": {last}" if last else ""
    return (
        f"paretobench ended there with status {status}{about}; if it is an older version, "
        f"install {__version__}"
    )
