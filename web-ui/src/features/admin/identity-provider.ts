export type ProviderKind = "oidc" | "google" | "microsoft" | "github";
export type SignUpPolicy = "nobody" | "invitation" | "domain" | "anybody";

export interface IdentityProvider {
  name: string;
  label: string;
  kind: ProviderKind;
  issuer: string;
  client_id: string;
  has_secret: boolean;
  sign_up: SignUpPolicy;
  domains: string[];
  redirect_uri: string;
  origin?: "settings" | "environment";
}

export const KINDS: ProviderKind[] = ["google", "microsoft", "github", "oidc"];
export const POLICIES: SignUpPolicy[] = ["invitation", "domain", "anybody", "nobody"];

const LABELS: Record<ProviderKind, string> = { google: "Google", microsoft: "Microsoft", github: "GitHub", oidc: "" };

export interface ProviderDraft {
  kind: ProviderKind;
  label: string;
  issuer: string;
  client_id: string;
  client_secret: string;
  sign_up: SignUpPolicy;
  /** As written: separated by commas or blanks. */
  domains: string;
}

export function firstDraft(provider?: IdentityProvider): ProviderDraft {
  const { kind = "google", label = LABELS.google, issuer = "", client_id = "", sign_up = "invitation", domains = [] } = provider ?? {};
  return { kind, label, issuer, client_id, client_secret: "", sign_up, domains: domains.join(", ") };
}

/** Another kind brings its own label, unless one was written. */
export function withKind(draft: ProviderDraft, kind: ProviderKind): ProviderDraft {
  const isOwnLabel = draft.label !== "" && draft.label !== LABELS[draft.kind];
  return { ...draft, kind, label: isOwnLabel ? draft.label : LABELS[kind] };
}

/** The name in addresses, from the label: it is part of the redirect URI, and stays. */
export function nameFor({ label, kind }: Pick<ProviderDraft, "label" | "kind">): string {
  const slug = label.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return slug || kind;
}

/** What is sent: no secret where none was entered (the stored one stays), no issuer where the vendor's own is meant. */
export function bodyOf({ domains, client_secret, issuer, ...rest }: ProviderDraft) {
  const secret = client_secret.trim();
  const hasIssuer = rest.kind === "oidc" || rest.kind === "microsoft";
  return {
    ...rest,
    label: rest.label.trim(),
    client_id: rest.client_id.trim(),
    issuer: hasIssuer ? issuer.trim() : "",
    domains: domains.split(/[\s,;]+/).filter(Boolean),
    ...(secret ? { client_secret: secret } : {}),
  };
}
