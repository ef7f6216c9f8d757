"""DICOM: data sets, studies, pixels, manifests. Knows no HTTP, no consent, no settings.

Begin with `part10`, which reads a file's header without touching its pixels, and with `attributes`, the table of what
is indexed and searched for.

- A file: `data_set` scans elements, `part10` makes an instance of them, `head` one of a beginning, `preamble` says
  what else the file is; `values`, `character_sets`, `names`, `instants`, `moments` and `concept` read single values;
  `failures` says why something is refused.
- Written: `element`, `file_meta`, `text_encoding`; `assembling` puts metadata and bulk data together.
- As a model: `json_model`, `xml_model`; `model_facts` reads it, `bulk_data` finds what a BulkDataURI means.
- Pixels: `image_pixel` holds their numbers, `encapsulation` and `frame_table` say where a frame lies, `frames` reads
  it, `code_stream` measures it, `pixel_array` decodes it, `encoding` and `transcoding` write it in another of the
  `transfer_syntaxes`; `presentation`, `look_up`, `overlays` and `annotation` go into the picture that `rendering`
  makes. What strangers sent is decoded by `tasks` in the processes of `decoding`.
- Searches: `attributes`, `indexing` (the facts of an instance), `matching` with `match_values` (a query),
  `model_matching` (what is not indexed), `results`; `sop_classes` knows what an instance can be expected to be.
- On the wire: `accept`, `media_types`, `multipart`.
- Made up: `phantom`.
- Rooms: `manifest` (XDS-I.b and MADO), `media` (DICOMDIR), `reports` (what instances say that are no images),
  `services` (DIMSE), `store` (the tables, always under a visibility).
"""
