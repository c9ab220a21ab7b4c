"""Dovecot and Postfix of a test's own: each with its folder, on free ports of the loopback, ended by its process id."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests import services
from tests.support.processes import free_port, until
from tests.support.required import required

USER, PASSWORD = "bounces", "open sesame"

_DOVECOT = """\
base_dir = {run}
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
maildir_copy_with_hardlinks = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """One mailbox. ``plain`` speaks IMAP without TLS, ``tls`` (0: not) with it from the first byte."""

    plain: int
    tls: int
    mail: Path

    @property
    def url(self) -> str:
        return f"imap://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.plain}"

    @property
    def tls_url(self) -> str:
        return f"imaps://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.tls}"

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        """A mail arrives."""
        with self._logged_in() as box:
            code, _ = box.append(folder, "", "", raw)
            assert code == "OK"

    def make(self, folder: str) -> None:
        with self._logged_in() as box:
            assert box.create(folder)[0] == "OK"

    def remove(self, folder: str) -> None:
        with self._logged_in() as box:
            assert box.delete(folder)[0] == "OK"

    def flags(self, folder: str = "INBOX") -> list[bool]:
        """Of each mail there, whether it was seen."""
        with self._logged_in() as box:
            if box.select(folder, readonly=True)[1] == [b"0"]:
                return []
            _, told = box.fetch("1:*", "(FLAGS)")
            return [b"\\Seen" in each for each in told if isinstance(each, bytes)]

    @contextmanager
    def _logged_in(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.plain) as box:
            box.login(USER, PASSWORD)
            yield box


@contextmanager
def a_dovecot(certificate: Path | None = None) -> Iterator[Dovecot]:
    """A server with one empty mailbox. ``certificate``: key and certificate in one file, for TLS."""
    program = required(services.DOVECOT)
    with tempfile.TemporaryDirectory(prefix="dovecot-", dir="/tmp") as name:
        folder = Path(name)
        made = _settled(folder, certificate)
        command = [program, "-F", "-c", str(folder / "dovecot.conf")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: _greets(made.plain), "Dovecot greets")
            yield made
        finally:
            _end(process)


def _settled(folder: Path, certificate: Path | None) -> Dovecot:
    user, group = _nobody()
    folder.chmod(0o755)
    for part in ("run", "state", "mail"):
        (folder / part).mkdir()
    made = Dovecot(free_port(), free_port() if certificate else 0, folder / "mail")
    where = f"ssl_cert = <{certificate}\nssl_key = <{certificate}" if certificate else ""
    text = _DOVECOT.format(
        run=folder / "run", folder=folder, ssl="yes" if certificate else "no", certificate=where, user=user,
        group=group, plain=made.plain, tls=made.tls,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(text)
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    if os.geteuid() == 0:
        shutil.chown(folder / "mail", user, group)
        shutil.chown(folder, user, group)
    return made


def _nobody() -> tuple[str, str]:
    """Whom the server's workers are: root starts them as somebody who may nothing."""
    if os.geteuid() == 0:
        return "nobody", "nogroup"
    return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name


def _greets(port: int) -> bool:
    with suppress(OSError, imaplib.IMAP4.error), imaplib.IMAP4("127.0.0.1", port, timeout=5):
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)
