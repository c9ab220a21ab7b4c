"""Dovecot and Postfix of a test's own: each with its folder, on free ports of the loopback, ended by its process id."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

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


_POSTFIX = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = /tmp
myhostname = mx.acme.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_banner = mx.acme.example ESMTP
smtp_host_lookup = native
disable_dns_lookups = yes
recipient_delimiter = +
virtual_mailbox_domains = acme.example
virtual_mailbox_base = {mail.parent}
virtual_mailbox_maps = static:{mail.name}/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
transport_maps = inline:{{ {transports} }}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
bounce_queue_lifetime = 2s
maximal_queue_lifetime = 2s
"""
_POSTFIX_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A server that takes mail for anybody, and brings what comes back to a Dovecot's mailbox."""

    port: int
    log: Path


@contextmanager
def a_postfix(dovecot: Dovecot, **transports: str) -> Iterator[Postfix]:
    """``transports``: by domain ("gone_example" for gone.example) where its mail goes: "error:5.1.1 no such user", or
    "smtp:[127.0.0.1]:2525". Mail to acme.example lies in the mailbox of ``dovecot``. Needs root, as Postfix does."""
    program = required(services.POSTFIX)
    if os.geteuid() != 0:
        pytest.skip("Postfix is started by root alone")
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
    made = _postfix_settled(folder, dovecot, transports)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen([program, "-c", str(folder / "conf"), "start-fg"], stdout=said, stderr=said)
    try:
        until(lambda: _listens(made.port, process), "Postfix listens")
        yield made
    finally:
        _end_master(folder / "queue" / "pid" / "master.pid")
        _end(process)
        until(lambda: _is_gone(folder), "Postfix's workers have ended")


def _end_master(file: Path) -> None:
    """What was started is a script that waits for the master; this is the master itself."""
    with suppress(OSError, ValueError):
        os.kill(int(file.read_text("utf-8")), signal.SIGTERM)


def _is_gone(folder: Path) -> bool:
    """Workers end a moment after the master, and write until then."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _postfix_settled(folder: Path, dovecot: Dovecot, transports: Mapping[str, str]) -> Postfix:
    folder.chmod(0o755)
    for part in ("conf", "queue", "data"):
        (folder / part).mkdir()
    shutil.chown(folder / "data", "postfix", "postfix")
    made = Postfix(free_port(), folder / "log")
    user, group = _nobody()
    ways = ", ".join(f"{{ {domain.replace('_', '.')} = {way} }}" for domain, way in transports.items())
    text = _POSTFIX.format(
        folder=folder, mail=dovecot.mail, uid=pwd.getpwnam(user).pw_uid, gid=grp.getgrnam(group).gr_gid,
        transports=ways,
    )  # fmt: skip
    (folder / "conf" / "main.cf").write_text(text)
    (folder / "conf" / "master.cf").write_text(_POSTFIX_SERVICES.format(port=made.port))
    return made


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "Postfix has ended"
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as line:
        return line.recv(3) == b"220"
    return False
