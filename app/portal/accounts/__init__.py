"""The pages about people: one's own account, the list of rights, requests, and what each role sees."""
