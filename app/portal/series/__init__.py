"""Results of several hospitals in one series: which tests are one, their units, their ranges, and their page."""
