"""How well the patient index tells people apart, measured on made-up people of whom the truth is known."""
