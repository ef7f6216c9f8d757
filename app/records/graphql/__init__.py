"""`$graphql`: queries over what a caller may see, in the shape that the caller asks for.

https://hl7.org/fhir/R4/graphql.html
"""
