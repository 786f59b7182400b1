"""`unshare -n -m python -m tests.acceptance.confined FOLDER MODELS`: `alone`, as in a container.

There is no network but loopback, no file system that can be written to but FOLDER, no root and no
right of root's but to read (the interpreter may lie in root's home). strace notes in FOLDER/calls
where any of it, native code too, tries to connect or send to.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import socket
import struct
import subprocess
import sys
from pathlib import Path

NOBODY = pwd.getpwnam("nobody")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LEFT_AS_THEY_ARE = ("/proc", "/dev", "/sys")


def main(folder: Path, models: Path) -> None:
    """Shut everything, then become `alone`."""
    _raise_loopback()
    temporary = folder / "tmp"
    for made in (folder, temporary, folder / "work"):
        made.mkdir(exist_ok=True)
        os.chown(made, NOBODY.pw_uid, NOBODY.pw_gid)
    _mount("--bind", str(folder), str(folder))
    _mount("-t", "tmpfs", "-o", f"size=64m,uid={NOBODY.pw_uid},mode=700", "tmpfs", str(temporary))
    for place in _mounted():
        if not place.startswith((str(folder), *LEFT_AS_THEY_ARE)):
            _mount("-o", "remount,bind,ro", place)
    trace = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(folder / "calls")]
    trace += ["-e", "trace=connect,sendto,sendmsg,sendmmsg"]
    user = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}"]
    user += ["--clear-groups", "--no-new-privs"]
    user += ["--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search"]
    user += ["--ambient-caps=-all,+dac_read_search"]
    program = [sys.executable, "-B", "-m", "tests.acceptance.alone", str(folder / "work")]
    env = os.environ | {"TMPDIR": str(temporary)}
    command = [*trace, *user, *program, str(models)]
    os.execvpe(command[0], command, env)  # noqa: S606  # there is no shell


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def _mounted() -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1].encode().decode("unicode_escape") for line in lines]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
