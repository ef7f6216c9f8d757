"""FHIR R4: resources, search, bundles, profiles, documents. Knows no HTTP, no consent, no settings."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
