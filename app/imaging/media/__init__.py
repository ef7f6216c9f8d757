"""Discs that patients bring, and discs that they are given: IHE PDI (HS009).

What is on a disc is numbered by another hospital. It is kept in quarantine, seen by the desk of the site that read it
and by nobody else, until a person there has said which of the site's patients it is about.
"""
