"""Purposes of use, numbered for the grants.

https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
"""

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

NUMBERS = {
    "TREAT": 1,
    "ETREAT": 2,
    "BTG": 3,
    "HPAYMT": 4,
    "HOPERAT": 5,
    "PATRQT": 6,
    "PUBHLTH": 7,
    "HRESCH": 8,
    "HMARKT": 9,
    "PATADMIN": 10,
    "CAREMGT": 11,
    "COVERAGE": 12,
}
"""Stored: a number is never given to another purpose."""

TITLES = {
    "TREAT": ("診療", "Treatment"),
    "ETREAT": ("救急診療", "Emergency treatment"),
    "BTG": ("緊急開示", "Break the glass"),
    "PATADMIN": ("患者管理", "Patient administration"),
    "PATRQT": ("本人の求め", "Patient requested"),
    "HOPERAT": ("運営", "Healthcare operations"),
}
