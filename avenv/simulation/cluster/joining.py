"""Join a cluster, or say why that cannot be."""

import signal
import socket
import threading
from typing import Any

_REACH = 5.0
"""Seconds in which somebody has to answer at an address."""


def join(ray: Any, address: str) -> None:
    """Make this process one of a cluster.

    Raises:
        ValueError: there is none at the address, or it has other versions of Ray or Python.
    """
    if address not in ("auto", "local"):
        _check_answers(address)
    before = _handler()
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level="ERROR",
            include_dashboard=False if address == "local" else None,
        )  # fmt: skip
    except Exception as error:  # Ray raises all kinds, and plain ones of machines that are slow
        said = str(error).partition("\n")[0]
        if "ersion" in said:
            raise ValueError(
                f"the cluster at {address} has other versions than this machine: {error}"
            ) from error
        raise ValueError(
            f"there is no cluster at {address!r} ({said}); accepted: the HOST:PORT that "
            "`ray start --head` has told, auto on a machine of one, or local"
        ) from error
    finally:
        if before is not None:  # Ray puts its own in place of it
            signal.signal(signal.SIGTERM, before)


def _handler() -> Any:
    is_main = threading.current_thread() is threading.main_thread()
    return signal.getsignal(signal.SIGTERM) if is_main else None


def _check_answers(address: str) -> None:
    """Make sure that somebody listens at an address; Ray itself would wait for a minute."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"cluster is {address!r}; accepted: auto, local, or HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _REACH).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"there is no cluster at {address!r}: {error}") from error
