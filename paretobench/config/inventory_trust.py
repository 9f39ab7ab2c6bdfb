"""Which settings of an inventory cannot run a command of whoever wrote the file.

A `devices.yaml` beside a grid may have come with somebody else's files, as `.git/config` may with a
repository. There, ssh takes options of this list alone (ssh_config(5): ProxyCommand, LocalCommand,
KnownHostsCommand, Include and -F run commands or read files that do), the command is paretobench
without arguments, and variables are those of thread pools and allocators. The inventory in the
user's own configuration folder may hold anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from paretobench.errors import ConfigError

FLAGS = ("-4", "-6", "-C", "-q")
"""Options of ssh without a value."""

VALUED = ("-p", "-l", "-i", "-J")
"""Options of ssh with a value: port, user, identity file, jump host."""

KEYWORDS = (
    "addressfamily", "compression", "connectionattempts", "connecttimeout", "globalknownhostsfile",
    "hostkeyalias", "hostname", "identitiesonly", "identityfile", "port", "proxyjump",
    "serveralivecountmax", "serveraliveinterval", "user", "userknownhostsfile",
)  # fmt: skip
"""Keywords that `-o` may set, in lower case as ssh compares them."""

VARIABLES = (
    "OMP_", "GOMP_", "KMP_", "MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS",
    "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "VECLIB_", "MALLOC_", "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER", "NVIDIA_TF32_OVERRIDE", "TORCHINDUCTOR_FREEZING", "ORT_", "MLX_",
)  # fmt: skip
"""Beginnings of the variables that a folder's inventory may set."""

_KEYWORD = re.compile(r"(\w+)\s*[=\s]\s*")
"""ssh takes `Keyword=value` and `Keyword value` alike."""

_WORD = re.compile(r"[\w.@:/~%+,=\[\]-]+\Z")


def refuse_commands(
    command: str, ssh_options: Sequence[str], environment: Mapping[str, str], at: str
) -> None:
    """Refuse what could run a command of the file's author.

    Args:
        command: paretobench on the machine.
        ssh_options: further arguments of ssh.
        environment: variables of the processes there.
        at: the file and the machine, for messages.

    Raises:
        ConfigError: naming the setting, what is allowed, and in which file.
    """
    for setting, allowed in _unsafe(command, ssh_options, environment):
        raise ConfigError(
            f"{at}: {setting} could run a command, so it is taken from your own "
            f"~/.config/paretobench/devices.yaml alone.\nIn any other inventory: {allowed}."
        )


def _unsafe(
    command: str, ssh_options: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    words = shlex.split(command)
    if len(words) != 1 or words[0].rsplit("/", 1)[-1] != "paretobench":
        yield f"command {command!r}", "paretobench or a path that ends so, without arguments"
    for name in environment:
        if not name.startswith(VARIABLES):
            yield f"the variable {name}", f"variables that begin with {', '.join(VARIABLES)}"
    for option in _unsafe_options(ssh_options):
        words = [*FLAGS, *VALUED, *(f"-o {keyword}=..." for keyword in KEYWORDS)]
        yield f"ssh option {option!r}", ", ".join(words)


def _unsafe_options(options: Sequence[str]) -> Iterator[str]:
    rest = list(options)
    while rest:
        option = rest.pop(0)
        if option in FLAGS:
            continue
        if option in (*VALUED, "-o") and rest:
            value = rest.pop(0)
        elif option[:2] in (*VALUED, "-o") and len(option) > 2:
            option, value = option[:2], option[2:]
        else:
            yield option
            continue
        keyword = ""
        if option == "-o":
            keyword, _, value = _KEYWORD.sub(r"\1=", value.strip(), count=1).partition("=")
        is_known = option != "-o" or keyword.lower() in KEYWORDS
        if not is_known or value.startswith("-") or not _WORD.match(value):
            yield f"{option} {keyword or value}"
