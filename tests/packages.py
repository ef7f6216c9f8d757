"""FHIR packages made for a test."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any


def a_package(
    path: Path,
    *resources: dict[str, Any],
    name: str = "example.package",
    version: str = "1.0.0",
    more: tuple[tarfile.TarInfo, ...] = (),
    files: dict[str, bytes] | None = None,
    **manifest: Any,
) -> Path:
    """Write a package.

    Args:
        path: Where.
        resources: What it holds right inside of its folder.
        name: Its name.
        version: Its version.
        more: Further members, without content.
        files: Further files by their path in the archive.
        manifest: Further members of package.json.
    """
    described = {"name": name, "version": version, "fhirVersions": ["4.0.1"], **manifest}
    contents = {"package/package.json": json.dumps(described).encode()}
    contents |= {f"package/{number}.json": json.dumps(one).encode() for number, one in enumerate(resources)}
    with tarfile.open(path, "w:gz") as archive:
        for file, content in (contents | (files or {})).items():
            member = tarfile.TarInfo(file)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return path
