"""Reports for people who answer for the hub: off the audit log, and off the running configuration."""
