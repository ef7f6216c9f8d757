"""The authorisation server: OAuth 2.0, SMART App Launch 2.2 and IHE IUA, one endpoint a file."""
