"""Other ways to prove who one is: Cloudflare Access, OpenID Connect, OAuth, LDAP; and SCIM, which keeps accounts.

May import: `store`, `domain`, `errors`, `config`. An identity is (issuer, subject) and nothing else: no account is
ever found by an address. Start at `person.py`, then `joining.py`, which decides what a proven identity gets. To add
a kind of provider: a file that ends with a `Person`, its branch in `flow.py`, its row in docs/sign-in.md.
"""
