"""What can be wrong with a backup, each with a message for the operator that names the file and the reason."""


class BackupError(Exception):
    """A backup cannot be taken, read or restored."""


class Damaged(BackupError):
    """The backup is not what was written: altered, cut off, swapped or incomplete."""


class WrongIdentity(BackupError):
    """The identity is not one that the backup was encrypted to, or is no identity."""


class UnknownRecipient(BackupError):
    """A text is not the public key of a recipient."""


class Busy(BackupError):
    """Another run writes into the same place."""


class NotEmpty(BackupError):
    """A restore would mix a backup with what is there already."""


class OtherHub(BackupError):
    """The settings are those of a hub under another name than the one that was backed up."""


class OtherRelease(BackupError):
    """The backup was taken by a release that this one does not know."""
