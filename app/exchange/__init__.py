"""The doors of IHE profiles: each transaction through the gates that every request goes through."""
