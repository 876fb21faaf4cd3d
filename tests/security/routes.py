"""Who may ask what: every route, socket and mount of the application, on one page. A route that is not here fails.

`who`    anybody  without an account (a secret in the address or the body may still be asked for)
         page     the index: with an account it carries their settings, without one it is the sign-in page
         secret   a token of another kind than people have (metrics)
         scim     a directory: its token, or an admin's key made for that and nothing else
         people   who is signed in, guests included;  members: without guests;  admins: owner and admins;  owner
`key`    the scope that an API key needs; `none`: no key may, whatever its scopes
`others` what one gets of somebody else's: `404`, or `own`: the answer is about oneself or about the server
"""

from __future__ import annotations

from typing import NamedTuple

_TABLE = """
SOCKET  /chat                                          people   chat   own
POST    /chat_batch                                    people   chat   own

POST    /token                                         anybody  -      own
GET     /refresh_token                                 anybody  -      own

GET     /api/conversations                             members  read   own
GET     /api/conversations/{conversation}              members  read   404
PATCH   /api/conversations/{conversation}              members  chat   404
DELETE  /api/conversations/{conversation}              members  chat   404
POST    /api/conversations/{conversation}/restore      members  chat   404
GET     /api/conversations/{conversation}/messages     members  read   404
POST    /api/conversations/bulk                        members  chat   own
GET     /api/folders                                   members  read   own
POST    /api/folders                                   members  chat   own
PATCH   /api/folders/{folder}                          members  chat   404
DELETE  /api/folders/{folder}                          members  chat   404
POST    /api/folders/{folder}/restore                  members  chat   404
POST    /api/conversations/{conversation}/shares       members  chat   404
GET     /api/shares                                    members  read   own
DELETE  /api/shares/{share}                            members  chat   404
GET     /api/search                                    members  read   own
GET     /api/conversations/{conversation}/export       members  read   404
GET     /api/export                                    members  read   own
GET     /api/imports                                   members  read   own
POST    /api/imports                                   members  chat   own
GET     /api/imports/{identifier}                      members  read   404
GET     /api/imports/{identifier}/report               members  read   404
POST    /api/imports/{identifier}/stop                 members  chat   404
POST    /api/imports/{identifier}/resume               members  chat   404
DELETE  /api/imports/{identifier}                      members  chat   404
POST    /api/messages                                  members  chat   own
GET     /api/messages/{message}                        members  read   404
PATCH   /api/messages/{message}                        members  chat   404
DELETE  /api/messages/{message}                        members  chat   404
GET     /api/messages/{message}/versions               members  read   404
POST    /api/messages/{message}/versions/{version}/restore members chat 404
POST    /api/messages/{message}/branch                 members  chat   404
POST    /api/messages/{message}/send                   members  chat   404
POST    /api/messages/{message}/choose                 members  chat   404
POST    /api/messages/{message}/retry                  members  chat   404
POST    /api/messages/{message}/fork                   members  chat   404
POST    /api/deletions/{deletion}/undo                 members  chat   404
GET     /api/events                                    members  read   own
POST    /api/ui/chat                                   members  chat   own
GET     /api/ui/chat/{conversation}/stream             members  read   own
GET     /api/ui/chat/{conversation}/messages           members  read   404
POST    /api/ag-ui                                     members  chat   own
GET     /api/turns/{turn}/events                       people   read   404
POST    /api/turns/{turn}/stop                         people   chat   404
POST    /api/turns/{turn}/approvals/{call}             people   chat   404
GET     /api/turns/{turn}/context                      members  read   404
GET     /api/conversations/{conversation}/context      members  read   404
GET     /api/conversations/{conversation}/summaries    members  read   404
GET     /api/summaries/{summary}                       members  read   404
PATCH   /api/messages/{message}/mark                   members  chat   404
GET     /api/ideas                                     members  read   own
DELETE  /api/ideas/{idea}                              members  chat   404

GET     /api/memories                                  members  read   own
POST    /api/memories                                  members  chat   own
GET     /api/memories/export                           members  read   own
POST    /api/memories/import                           members  chat   own
GET     /api/memories/notes                            members  read   own
PUT     /api/memories/notes                            members  chat   own
GET     /api/memories/settings                         members  read   own
PATCH   /api/memories/settings                         members  chat   own
POST    /api/memories/learn                            members  chat   own
GET     /api/memories/{memory}                         members  read   404
PATCH   /api/memories/{memory}                         members  chat   404
DELETE  /api/memories/{memory}                         members  chat   404
GET     /api/memories/{memory}/history                 members  read   404
POST    /api/memories/{memory}/undo                    members  chat   404
GET     /api/memories/{memory}/uses                    members  read   404
GET     /api/memories/search                           members  read   own

GET     /api/models                                    members  read   own
GET     /v1/models                                     members  read   own
GET     /v1/models/{model:path}                        members  read   own
POST    /v1/chat/completions                           members  chat   own
POST    /v1/responses                                  members  chat   own
GET     /v1/responses/{response}                       members  read   404
DELETE  /v1/responses/{response}                       members  chat   404
POST    /v1/responses/{response}/cancel                members  chat   404
GET     /v1/responses/{response}/input_items           members  read   404
POST    /v1/conversations                              members  chat   own
GET     /v1/conversations/{conversation}               members  read   404
POST    /v1/conversations/{conversation}               members  chat   404
DELETE  /v1/conversations/{conversation}               members  chat   404
GET     /v1/conversations/{conversation}/items         members  read   404
POST    /v1/conversations/{conversation}/items         members  chat   404
GET     /v1/conversations/{conversation}/items/{item}  members  read   404
DELETE  /v1/conversations/{conversation}/items/{item}  members  chat   404
POST    /v1/embeddings                                 members  chat   own
POST    /v1/audio/speech                               members  chat   own
POST    /v1/audio/transcriptions                       members  chat   own
POST    /v1/images/generations                         members  chat   own
POST    /v1/messages                                   members  chat   own
POST    /v1/messages/count_tokens                      members  chat   own
GET     /api/assistants                                members  read   own
POST    /api/assistants                                members  chat   own
GET     /api/assistants/{assistant}                    members  read   404
PATCH   /api/assistants/{assistant}                    members  chat   404
DELETE  /api/assistants/{assistant}                    members  chat   404
POST    /api/assistants/{assistant}/restore            members  chat   404
PUT     /api/admin/assistants/{assistant}/sharing      admins   admin  404
GET     /api/snippets                                  members  read   own
POST    /api/snippets                                  members  chat   own
PATCH   /api/snippets/{snippet}                        members  chat   404
DELETE  /api/snippets/{snippet}                        members  chat   404
GET     /api/settings                                  members  read   own
PATCH   /api/settings                                  admins   admin  own
GET     /api/providers                                 admins   admin  own
POST    /api/providers/test                            admins   admin  own
PUT     /api/providers/{name}                          admins   admin  own
DELETE  /api/providers/{name}                          admins   admin  own

GET     /api/me                                        members  read   own
PATCH   /api/me                                        members  none   own
POST    /api/me/password                               members  none   own
GET     /api/me/sessions                               members  read   own
DELETE  /api/me/sessions                               members  none   own
DELETE  /api/me/sessions/{session}                     members  none   404
GET     /api/me/keys                                   members  read   own
POST    /api/me/keys                                   members  chat   own
DELETE  /api/me/keys/{key}                             members  chat   404
GET     /api/sign-in                                   anybody  -      own
POST    /api/sign-in                                   anybody  -      own
POST    /api/sign-up                                   anybody  -      own
GET     /api/invitations/{secret}                      anybody  -      own
GET     /api/password-reset/{secret}                   anybody  -      own
POST    /api/password-reset                            anybody  -      own
POST    /api/password-reset/{secret}                   anybody  -      own
GET     /api/admin/invitations                         admins   admin  own
POST    /api/admin/invitations                         admins   admin  own
DELETE  /api/admin/invitations/{invitation}            admins   admin  own
GET     /api/me/export                                 members  read   own
DELETE  /api/me                                        members  none   own
GET     /api/admin/audit                               admins   admin  own
GET     /api/usage                                     members  read   own
GET     /api/admin/memory                              admins   admin  own
PUT     /api/admin/memory                              admins   admin  own
GET     /api/admin/settings                            admins   admin  own
PATCH   /api/admin/settings                            admins   admin  own
GET     /api/admin/users                               admins   admin  own
POST    /api/admin/users                               admins   admin  own
PATCH   /api/admin/users/{user}                        admins   admin  own
DELETE  /api/admin/users/{user}                        admins   admin  own
GET     /api/admin/users/{user}/export                 admins   admin  own
POST    /api/admin/users/{user}/password-link          admins   admin  own
POST    /api/admin/users/{user}/sign-out               admins   admin  own
POST    /api/admin/owner                               owner    none   own
GET     /api/admin/budgets                             admins   admin  own
POST    /api/admin/budgets                             admins   admin  own
DELETE  /api/admin/budgets/{budget}                    admins   admin  own
GET     /api/admin/prices                              admins   admin  own
PUT     /api/admin/prices/{model:path}                 admins   admin  own
DELETE  /api/admin/prices/{model:path}                 admins   admin  own
GET     /api/admin/rules                               admins   admin  own
POST    /api/admin/rules                               admins   admin  own
DELETE  /api/admin/rules/{rule}                        admins   admin  own
GET     /api/me/identities                             members  read   own
DELETE  /api/me/identities/{provider}                  members  none   own
GET     /api/oauth/{provider}/start                    anybody  -      own
GET     /api/oauth/{provider}/callback                 anybody  -      own
GET     /api/admin/identity-providers                  admins   admin  own
GET     /api/admin/identity-providers/{name}           admins   admin  own
PUT     /api/admin/identity-providers/{name}           admins   admin  own
DELETE  /api/admin/identity-providers/{name}           admins   admin  own
POST    /api/admin/identity-providers/{name}/test      admins   admin  own
GET     /scim/v2/ServiceProviderConfig                 scim     -      own
GET     /scim/v2/ResourceTypes                         scim     -      own
GET     /scim/v2/Schemas                               scim     -      own
GET     /scim/v2/Users                                 scim     -      own
POST    /scim/v2/Users                                 scim     -      own
GET     /scim/v2/Users/{user}                          scim     -      own
PUT     /scim/v2/Users/{user}                          scim     -      own
PATCH   /scim/v2/Users/{user}                          scim     -      own
DELETE  /scim/v2/Users/{user}                          scim     -      own
POST    /api/sign-out                                  members  -      own

GET     /                                              page     -      own
GET     /c/{conversation}                              page     -      own
GET     /search                                        page     -      own
GET     /deleted                                       page     -      own
GET     /ideas                                         page     -      own
GET     /memory                                        page     -      own
GET     /memory/{section}                              page     -      own
GET     /settings                                      page     -      own
GET     /settings/{section}                            page     -      own
GET     /admin                                         page     -      own
GET     /admin/{section}                               page     -      own
GET     /s/{token}                                     anybody  -      own
GET     /sign-in                                       anybody  -      own
GET     /invite/{secret}                               anybody  -      own
GET     /reset/{secret}                                anybody  -      own
GET     /open                                          anybody  -      own
GET     /sandbox/mermaid                               anybody  -      own
GET     /docs                                          anybody  -      own
GET     /docs/{name}                                   anybody  -      own
GET     /openapi.json                                  anybody  -      own
HEAD    /openapi.json                                  anybody  -      own
MOUNT   /assets                                        anybody  -      own
GET     /healthz                                       anybody  -      own
GET     /readyz                                        anybody  -      own
GET     /metrics                                       secret   -      own
"""


class Route(NamedTuple):
    """`method` is a verb of HTTP, `SOCKET` or `MOUNT`."""

    method: str
    path: str
    who: str
    key: str
    others: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = {(route.method, route.path): route for line in _TABLE.split("\n") if line for route in [Route(*line.split())]}

MAY = {
    "people": {"owner", "admin", "member", "guest"},
    "members": {"owner", "admin", "member"},
    "admins": {"owner", "admin"},
    "owner": {"owner"},
}
