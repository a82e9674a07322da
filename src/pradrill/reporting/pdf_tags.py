"""Write into a PDF of WeasyPrint what a second standard wants of it, right before it is kept.

WeasyPrint tags for PDF/A and PDF/UA alike, and names one of them in the metadata: that of the
other is added. PDF/A wants the metadata not compressed, and whatever it does not know itself
described. In PDF/UA a list has items, and an item has a label and bodies: so a name and its
description become one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

_ALSO_UA = b"""\
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
<rdf:Description rdf:about=""
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>part of ISO 14289 that the file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""
_END = b"</rdf:RDF>"


def conform(_document: Any, pdf: Any) -> None:
    """Make a PDF/A-3a file of WeasyPrint's PDF/UA-1 too, right before it is written."""
    metadata = pdf.objects[_number(pdf.catalog["Metadata"])]
    metadata.stream = [part.replace(_END, _ALSO_UA + _END) for part in metadata.stream]
    metadata.compress = False

    for each in pdf.objects:
        if getattr(each, "compress", False):
            _end_unmistakably(each)

    elements = [each for each in pdf.objects if isinstance(each, dict) and "S" in each]
    for element in elements:
        if element["S"] == "/L":
            _mend_list(element, pdf)
    for element in elements:
        if element["S"] == "/LI":
            _mend_item(element, pdf)


def _end_unmistakably(stream: Any) -> None:
    """Leave a stream uncompressed that would end with a carriage return.

    The line feed after it would make both a line's end, and to a validator the stream would be
    shorter than it says. The last byte is that of the checksum of the content.
    """
    stream.compress = False
    content = stream.data.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
    stream.compress = zlib.adler32(content) % 256 != ord("\r")


def _mend_list(element: Any, pdf: Any) -> None:
    """Make an item of a block with a name and its description, and a label of the name."""
    for _, block in _kids(element, pdf):
        if block["S"] != "/Div":
            continue
        parts = list(_items(block, pdf))
        block["S"], block["K"][:] = "/LI", [reference for reference, _ in parts]
        for number, (_, part) in enumerate(parts):
            part["S"], part["P"] = "/LBody" if number else "/Lbl", block.reference
            for _, body in _kids(part, pdf):
                if body["S"] == "/LBody":
                    body["S"] = "/Div"


def _items(block: Any, pdf: Any) -> Iterator[tuple[bytes, Any]]:
    """Yield the items in a block, however deep it lays them out."""
    for reference, kid in _kids(block, pdf):
        if kid["S"] == "/LI":
            yield reference, kid
        else:
            yield from _items(kid, pdf)


def _mend_item(element: Any, pdf: Any) -> None:
    for _, part in _kids(element, pdf):
        if part["S"] not in {"/Lbl", "/LBody"}:
            part["S"] = "/LBody"


def _kids(element: Any, pdf: Any) -> Iterator[tuple[bytes, Any]]:
    """Yield the structure elements below one; the others are pieces of its page, or its links."""
    for kid in element.get("K", ()):
        if isinstance(kid, bytes):
            there = pdf.objects[_number(kid)]
            if isinstance(there, dict) and "S" in there:
                yield kid, there


def _number(reference: Any) -> int:
    return int(reference.split()[0])
