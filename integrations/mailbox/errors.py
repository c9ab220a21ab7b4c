"""From what IMAP says to our error classes, once, at the edge."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderSelectError,
    MailboxFolderStatusError,
    MailboxLoginError,
    MailboxMoveError,
)

from integrations.errors import AuthFailed, Permanent, Transient


@contextmanager
def translated() -> Iterator[None]:
    """Raises AuthFailed, Permanent or Transient; their reasons quote nothing that the server said."""
    try:
        yield
    except MailboxLoginError as error:
        raise AuthFailed("the mailbox refused user or password; check url") from error
    except (MailboxFolderSelectError, MailboxFolderStatusError) as error:
        raise Permanent("the folder is not there or cannot be opened; correct folder", code="folder") from error
    except MailboxMoveError as error:
        raise Permanent("mails cannot be moved; make the folder that move_to names", code="move") from error
    except ssl.SSLCertVerificationError as error:
        said = "the mail server's certificate does not hold for this host; correct url, or the certificate"
        raise Permanent(said, code="certificate") from error
    except (imaplib.IMAP4.error, ImapToolsError, OSError, EOFError) as error:
        raise Transient(f"the mailbox cannot be read ({type(error).__name__})", code="no_connection") from error
