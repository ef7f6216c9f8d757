"""`renkei manifest`: manifests of imaging studies, turned from one form into the other and shown; needs no hub."""

from pathlib import Path

import click

from app.cli.new_file import new_file
from app.imaging.mado.convert import converted, read_manifest
from app.imaging.mado.documents import FHIR
from fhir.errors import FhirError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SUFFIX = {True: ".json", False: ".dcm"}


@click.group()
def manifest() -> None:
    """Turn manifests of imaging studies (IHE MADO) from one form into the other; no hub is needed."""


@manifest.command()
@click.argument("file", type=_FILE)
@click.option("--output", type=click.Path(path_type=Path), help="Where; it must not exist.")
def convert(file: Path, output: Path | None) -> None:
    """Write the manifest in FILE in its other form: of a DICOM Key Object Selection a FHIR Bundle, and back."""
    try:
        form, octets = converted(file.read_bytes())
    except FhirError as error:
        raise click.ClickException(_said(error)) from error
    written = output or file.with_name(file.name + _SUFFIX[form == FHIR])
    with new_file(written) as there:
        there.write(octets)
    click.echo(written)


@manifest.command()
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Print what the manifest in FILE refers to."""
    try:
        form, found = read_manifest(file.read_bytes())
    except FhirError as error:
        raise click.ClickException(_said(error)) from error
    click.echo(f"{form} {found.uid}, made {found.created.isoformat()}")
    click.echo(f"study {found.study_instance_uid}: {len(found.series)} series, {found.number_of_instances} instances")
    for one in found.series:
        where = one.retrieve_url or one.retrieve_location_uid or one.retrieve_ae_title or "nowhere"
        click.echo(f"{one.series_instance_uid} {one.modality or '-'} {len(one.instances)} instances, from {where}")


def _said(error: FhirError) -> str:
    place = f" ({error.expression})" if error.expression else ""
    return f"{error}{place}"
