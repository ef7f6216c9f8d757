"""Every table of the hub, for the migrations."""

import app.access.outside.tables
import app.access.person_tables
import app.access.tables
import app.audit.atna.tables
import app.audit.desk.tables
import app.audit.inbound.tables
import app.audit.running_tables
import app.audit.second.tables
import app.audit.tables
import app.blobs.tables
import app.consent.break_glass.tables
import app.consent.tables
import app.entries.tables
import app.exchange.mllp.tables
import app.exchange.ssmix2.tables
import app.exchange.tables
import app.identity.tables
import app.imaging.dimse.tables
import app.imaging.media.tables
import app.imaging.sources.tables
import app.imaging.undescribed.tables
import app.observe.tables
import app.packages.tables
import app.records.bulk_import.tables
import app.records.documents.tables
import app.records.export.tables
import app.records.later.tables
import app.records.search_parameters.tables
import app.records.signatures.tables
import app.subject_rights.tables
import dicom.store.tables
import fhir.store.tables

METADATA = (
    fhir.store.tables.metadata,
    app.access.tables.metadata,
    app.access.person_tables.metadata,
    app.audit.tables.metadata,
    app.audit.atna.tables.metadata,
    app.audit.desk.tables.metadata,
    app.audit.inbound.tables.metadata,
    app.audit.running_tables.metadata,
    app.blobs.tables.metadata,
    app.consent.break_glass.tables.metadata,
    app.consent.tables.metadata,
    app.entries.tables.metadata,
    app.exchange.mllp.tables.metadata,
    app.exchange.ssmix2.tables.metadata,
    app.exchange.tables.metadata,
    app.identity.tables.metadata,
    app.imaging.dimse.tables.metadata,
    app.imaging.media.tables.metadata,
    app.imaging.sources.tables.metadata,
    app.imaging.undescribed.tables.metadata,
    app.observe.tables.metadata,
    app.packages.tables.metadata,
    app.records.bulk_import.tables.metadata,
    app.records.documents.tables.metadata,
    app.records.export.tables.metadata,
    app.records.later.tables.metadata,
    app.records.search_parameters.tables.metadata,
    app.records.signatures.tables.metadata,
    app.subject_rights.tables.metadata,
    dicom.store.tables.metadata,
)
"""The metadata of each room that has tables."""
