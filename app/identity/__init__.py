"""The patient index: persons, and the sites' Patients that each of them is."""
