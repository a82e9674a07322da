"""Render a page as PDF/A-3a and PDF/UA-1: archival, tagged, with its data inside.

The only module that imports WeasyPrint.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pradrill.errors import PradrillError
from pradrill.reporting.pdf_tags import conform


class Attached(NamedTuple):
    """A file inside the PDF, byte for byte."""

    name: str
    content: bytes
    description: str
    date: datetime


def render_pdf(html: str, attached: Sequence[Attached] = ()) -> bytes:
    """Return the PDF of a page; the same page and files give the same bytes.

    Nothing is fetched for it but what stands in the page as data. Raises PradrillError.
    """
    try:
        import weasyprint  # noqa: PLC0415 half a second, and it needs Debian's libraries
    except OSError as error:
        raise PradrillError(
            "WeasyPrint finds no Pango or HarfBuzz on this machine, so no PDF can be made",
            hint="Run as root: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
            "libharfbuzz-subset0 fonts-dejavu-core. Other formats need nothing.",
        ) from error

    only_data = weasyprint.urls.URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    page = weasyprint.HTML(string=html, url_fetcher=only_data)
    files = [
        weasyprint.Attachment(
            string=file.content,
            name=file.name,
            description=file.description,
            created=file.date,
            modified=file.date,
            relationship="Source",
        )
        for file in attached
    ]

    content: bytes = page.write_pdf(pdf_variant="pdf/a-3a", attachments=files, finisher=conform)
    return content
