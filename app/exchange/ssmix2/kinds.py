"""What the condition flag of a file says, and the kind that says who a patient is.

SS-MIX2 標準化ストレージ 構成の説明と構築のガイドライン 1.2, コンディションフラグ.
"""

from enum import IntEnum


class Flag(IntEnum):
    """The last part of a file's name."""

    DELETED = 0
    CURRENT = 1
    HISTORY = 2


BASIC = "ADT-00"
"""The kind that says who the patient is: 患者基本情報."""
