"""The pages of the auditor's desk, and a patient's own log."""
