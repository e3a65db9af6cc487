"""Open the ZIP archives that Word, PowerPoint, OpenDocument and EPUB files are, within limits and without unpacking them."""

from __future__ import annotations

import io
import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from ingest.readers.contents import UnreadableError

# A book of a million words unpacks to 10 MB of text; pictures come on top. A bomb of 42 kB unpacks to gigabytes.
MAX_UNPACKED_BYTES = 300 * 2**20
MAX_MEMBERS = 20_000
DAMAGED = "damaged; open it in the program it comes from, save it again, then run `coach ingest`"


class Archive:
    """The members of a ZIP file by name. Nothing is ever written to disk, so a name can lead nowhere."""

    def __init__(self, content: bytes) -> None:
        """Raises UnreadableError for a damaged archive, and for one that unpacks to more than an honest file does."""
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise UnreadableError(DAMAGED) from error
        members = self._archive.infolist()
        if len(members) > MAX_MEMBERS or sum(one.file_size for one in members) > MAX_UNPACKED_BYTES:
            raise UnreadableError(
                f"unpacks to more than {MAX_UNPACKED_BYTES // 2**20} MB or {MAX_MEMBERS:,} parts, as no honest document does"
            )
        self._names = frozenset(one.filename for one in members)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """One member. Raises UnreadableError where it is missing, damaged or encrypted."""
        try:
            return self._archive.read(name)
        except (KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
            raise UnreadableError(DAMAGED) from error

    def xml(self, name: str) -> Any:
        """The root element of a member that is XML; entities stay unresolved and nothing is fetched.

        Raises UnreadableError as `read` does, and for what is no XML.
        """
        from lxml import etree

        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            recover=True,
        )
        try:
            root = etree.fromstring(self.read(name), parser)
        except (etree.LxmlError, ValueError) as error:
            raise UnreadableError(DAMAGED) from error
        if root is None:
            raise UnreadableError(DAMAGED)
        return root


def beside(name: str, reference: str) -> str:
    """The member that a `reference` in the member `name` means."""
    path = unquote(reference.partition("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path)).lstrip("/")
