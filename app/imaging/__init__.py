"""Images: they come in by many doors and are filed by one way, they go out by many, and FHIR tells of them in step.

Begin with `services`, the table of DICOMweb's services; with `filing`, by which every door stores; with `found`, by
which the web reads.

- A request: `request`, `response`, `route`, `services`, `capabilities`, `failures`, `ranges`, `models` (JSON or XML).
- In: `stow` takes a body, by `receive` (files) or `apart` (metadata and bulk data); `keep` reads, checks and keeps
  the bytes; `stored` is the transaction with its audit record; `filing` writes the rows, for the `owners` that
  `patient` and `merged` find, under `hold`, the lock of a site.
- FHIR in step: `description` brings the `imaging_study` of a study up to date, its `endpoint` and its `labels`;
  `told_by` notes which ImagingStudies of the site's own tell of it.
- Out: `found` says which instances a caller sees, and records it; `retrieve` (in `parts`), `metadata` (kept by
  `packing`), `frames` and `rendered`, `pixel_data`, `bulk_data`, `wado_uri` and `qido` answer; `pixels` reads bytes
  and frames, `made` has them in another transfer syntax, `mapped` maps files.
- What an answer leaves out: `lacking` and `not_given` what cannot be had, `rejected` what a note says not to use;
  where two persons have one UID, `one_person` is shown.
- Away: `delete`, of what is in one's `custody`.
- On record: `events`; a look at a study is one of the `episodes`; `enumeration` counts searches for people.
- Rooms: `dimse` (associations), `folder` (a watched one, at a site), `mado` (manifests), `media` (discs, and what
  waits for a person), `reports` (what instances say that are no images), `sources` (images that stay at their site),
  `undescribed` (studies that FHIR tells of a moment later).
"""
