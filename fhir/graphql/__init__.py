"""GraphQL over FHIR: a query read and checked, what it needs, and the answer made of it; without any database.

https://hl7.org/fhir/R4/graphql.html
"""
