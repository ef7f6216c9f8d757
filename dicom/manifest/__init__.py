"""Manifests of imaging studies: what a study holds and where it is retrieved, as IHE RAD XDS-I.b and MADO write it."""
