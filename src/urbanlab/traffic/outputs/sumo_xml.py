"""What SUMO's output files have in common: head, provenance, attributes."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.provenance import Provenance

__all__ = ["attribute", "decimals", "head"]

SCHEMA_PLACE = "http://sumo.dlr.de/xsd/"


def head(root: str, schema_file: str, provenance: Provenance) -> str:
    """Declaration, provenance as a comment, and the start of the outermost element."""
    comment = provenance.as_json().replace("--", "-\\u002d")  # two hyphens would end the comment; JSON reads this as one
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n\n'
        f"<!-- written by urbanlab {comment} -->\n\n"
        f'<{root} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="{SCHEMA_PLACE}{schema_file}">\n'
    )


def attribute(text: str) -> str:
    """A value in quotes, with what XML reserves spelled out."""
    return quoteattr(text)


def decimals(values: NDArray[np.float64]) -> list[str]:
    """Two digits behind the point, as SUMO writes by default."""
    return [f"{value:.2f}" for value in values.tolist()]
