"""Who made a bundle: OpenSSH's signatures of files (`ssh-keygen -Y`), in our namespace.

Nothing here computes a signature. `ssh-keygen` is on every Mac, on Windows and on all but the
barest Linux machines; people who measure on devices already have keys, agents and hardware
tokens for it, and `git` signs commits with the very same files. The namespace keeps a signature
that was made for something else (a commit, an e-mail) from passing for one of a bundle.

    allowed signers, one per line:   anna@example.org namespaces="paretobench" ssh-ed25519 AAAA...
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from paretobench.errors import DataError

NAMESPACE = "paretobench"

_TOOL = "ssh-keygen"

_FIRST_LINE = "-----BEGIN SSH SIGNATURE-----"


def sign(message: bytes, key: Path) -> bytes:
    """An armoured signature of `message`.

    Args:
        key: a private key, or a public one with its private half in an SSH agent.

    Raises:
        DataError: if `ssh-keygen` is missing or cannot use the key.
    """
    if not key.is_file():
        raise DataError(f"there is no key {key} to sign with; `{_TOOL} -t ed25519` makes one.")
    done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], message)
    if done.returncode or not done.stdout.startswith(_FIRST_LINE.encode()):
        raise DataError(
            f"{key} cannot sign: {_last_line(done)}.\nName a private key of yours that OpenSSH "
            f"reads, or a public one that your agent holds; `{_TOOL} -l -f {key}` describes it."
        )
    return done.stdout


def signer(message: bytes, signature: Path, allowed_signers: Path) -> str:
    """Who signed: the name that `allowed_signers` gives to the key that made the signature.

    Args:
        message: what was signed.
        signature: the armoured signature, in a file.
        allowed_signers: names and public keys, as `man ssh-keygen` describes the file.

    Raises:
        DataError: if no key in the file made this signature of this message, or `ssh-keygen`
            or the file is missing.
    """
    if not allowed_signers.is_file():
        raise DataError(
            f"there is no file {allowed_signers} of allowed signers.\n"
            'Its lines are: NAME namespaces="paretobench" ssh-ed25519 AAAA...'
        )
    of_files = ["-s", str(signature), "-f", str(allowed_signers)]
    found = _run(["-Y", "find-principals", *of_files], b"")
    # A line may give one key to several names, with commas between them.
    for name in found.stdout.decode(errors="replace").replace(",", " ").split():
        done = _run(["-Y", "verify", *of_files, "-I", name, "-n", NAMESPACE], message)
        if done.returncode == 0:
            return name
    names = ", ".join(_names(allowed_signers)) or "nobody"
    raise DataError(
        f"the signature is not one that {allowed_signers} allows ({names}), or the content was "
        "changed after it was made.\nAsk the sender which key it was, and trust it only if you "
        "hear it from them."
    )


def _run(arguments: Sequence[str], message: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([_TOOL, *arguments], input=message, capture_output=True, check=False)
    except OSError as error:
        raise DataError(
            f"{_TOOL} cannot be run ({error.strerror or error}); signatures need it.\n"
            "Install OpenSSH 8.2 or newer (Debian and Ubuntu: apt install openssh-client)."
        ) from None


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].rstrip(".\r ") if lines else f"{_TOOL} ended with {done.returncode}"


def _names(allowed_signers: Path) -> list[str]:
    """The names that the file knows, in its order."""
    lines = allowed_signers.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
