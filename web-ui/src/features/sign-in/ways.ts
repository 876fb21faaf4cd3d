/** What `GET /api/sign-in` answers. */
export interface SignInWays {
  ways: { password: boolean; guests: boolean; ldap: boolean; access: boolean };
  providers: SignInProvider[];
  /** Nobody owns this server yet: the link on its terminal is the way in. */
  needs_owner: boolean;
  sign_up: boolean;
  server_name: string;
}

export interface SignInProvider {
  name: string;
  label: string;
  kind: string;
}

export interface Invitation {
  role: string;
  email: string;
  expires_at: number;
  providers: SignInProvider[];
}

export function takesPassword({ ways }: SignInWays): boolean {
  return ways.password || ways.ldap;
}

/** There is no other way in than the link that the server prints. */
export function isLinkOnly(known: SignInWays): boolean {
  const { ways, providers, needs_owner } = known;
  return needs_owner || (!takesPassword(known) && !ways.access && providers.length === 0);
}
