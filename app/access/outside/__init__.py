"""Sign-in by an outside OpenID Connect provider, in the place of passwords, or beside them.

https://openid.net/specs/openid-connect-core-1_0.html; docs/outside-sign-in.md is for operators.
"""
