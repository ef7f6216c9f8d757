"""The gateway of a folder: DICOM files that a modality or a workstation writes there go to the hub by STOW-RS.

It runs at the site, without the hub's database; the folder is its spool: what is in it and not in the journal is still
to be sent. What it shares with the gateway of SS-MIX2 stores lies in `app.exchange.ssmix2.gateway`.
"""
