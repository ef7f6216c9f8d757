"""Reading a FHIR NPM package: a gzipped tar of somebody else's, so nothing in it is trusted.

Nothing is unpacked onto a disk. A package with a link, a device, or a path that leaves its folder is refused as a
whole, and so is one that is larger than the bounds. Only JSON right inside of `package/` is read.

https://hl7.org/fhir/packages.html and https://confluence.hl7.org/spaces/FHIR/pages/35718629/NPM+Package+Specification
"""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from fhir.errors import FhirError
from fhir.resource import parse

ARCHIVE_BYTES = 200_000_000
"""The largest archive."""
CONTENT_BYTES = 2_000_000_000
"""The most bytes of an archive once it is inflated."""
MEMBER_BYTES = 50_000_000
"""The largest file that is read."""
MEMBERS = 50_000
"""The most members of an archive."""
KEPT = ("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "ConceptMap")
"""The types of resources that are kept."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}")
_FOLDER = "package"


class BadPackage(Exception):
    """The file is no FHIR package that may be loaded; the text says why."""


class Resource(NamedTuple):
    """One conformance resource of a package."""

    type: str
    url: str
    version: str
    body: bytes
    """Its JSON, as published."""


class Package(NamedTuple):
    """A package that was read."""

    name: str
    version: str
    dependencies: dict[str, str]
    """Names of packages to their versions."""
    resources: list[Resource]
    unread: list[str]
    """JSON files that are no strict JSON: name and reason."""


class _Bounded(gzip.GzipFile):
    """An inflated stream that fails where a bound is passed: a small archive may inflate to anything."""

    left = CONTENT_BYTES

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.left -= len(found)
        if self.left < 0:
            raise BadPackage("The archive inflates to more than is taken")
        return found


def read_package(path: Path) -> Package:
    """Return what a package holds.

    Args:
        path: A `.tgz` file.

    Raises:
        BadPackage: it is no FHIR package for R4, is too large, or holds what could do harm.
        OSError: it cannot be read.
    """
    if path.stat().st_size > ARCHIVE_BYTES:
        raise BadPackage(f"The archive is larger than {ARCHIVE_BYTES} bytes")
    manifest: Mapping[str, Any] | None = None
    resources: dict[tuple[str, str, str], Resource] = {}
    unread: list[str] = []
    try:
        for name, body in _files(path):
            try:
                content = parse(body)
            except FhirError as error:
                if name == "package.json":
                    raise BadPackage(f"package.json: {error}") from error
                unread.append(f"{name}: {error}")
                continue
            if name == "package.json":
                manifest = content
            elif (one := _resource(content, body)) is not None:
                resources[one.type, one.url, one.version] = one
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise BadPackage(f"This is no gzipped tar archive: {error}") from error
    if manifest is None:
        raise BadPackage("The archive has no package/package.json")
    return _described(manifest, list(resources.values()), unread)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the JSON files right inside of the package's folder: name and content."""
    with _Bounded(path) as inflated, tarfile.open(fileobj=inflated, mode="r|") as archive:
        for count, member in enumerate(archive, start=1):
            if count > MEMBERS:
                raise BadPackage(f"The archive has more than {MEMBERS} members")
            parts = PurePosixPath(member.name).parts
            if member.name.startswith("/") or ".." in parts or "\\" in member.name:
                raise BadPackage(f"A path leaves the package: {member.name[:100]!r}")
            if not member.isfile() and not member.isdir():
                raise BadPackage(f"Only files are taken, no links or devices: {member.name[:100]!r}")
            if not member.isfile() or parts[:-1] != (_FOLDER,) or not parts[-1].endswith(".json"):
                continue
            if member.size > MEMBER_BYTES:
                raise BadPackage(f"A file is larger than {MEMBER_BYTES} bytes: {parts[-1][:100]!r}")
            content = archive.extractfile(member)
            if content is not None and parts[-1] != ".index.json":
                yield parts[-1], content.read()


def _resource(content: Mapping[str, Any], body: bytes) -> Resource | None:
    """Return a resource that is kept, None for another one."""
    type_name, url, version = content.get("resourceType"), content.get("url"), content.get("version", "")
    if type_name not in KEPT or not isinstance(url, str) or not url or not isinstance(version, str):
        return None
    return Resource(type_name, url, version, body)


def _described(manifest: Mapping[str, Any], resources: list[Resource], unread: list[str]) -> Package:
    name, version = manifest.get("name"), manifest.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        raise BadPackage("package.json names no package and version")
    if not NAME.fullmatch(name) or not NAME.fullmatch(version):
        raise BadPackage("package.json has a name or version that packages cannot have")
    versions = manifest.get("fhirVersions", manifest.get("fhir-version-list", ["4.0.1"]))
    if not isinstance(versions, list) or not any(str(one).startswith("4.0") for one in versions):
        raise BadPackage(f"{name} is not for FHIR R4: {versions}")
    stated = manifest.get("dependencies", {})
    dependencies = {str(key): str(one) for key, one in stated.items()} if isinstance(stated, dict) else {}
    return Package(name, version, dependencies, resources, unread)
