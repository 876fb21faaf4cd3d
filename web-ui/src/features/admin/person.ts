import type { Role } from "@/shared/wire/resources";

export interface Person {
  id: string;
  name: string;
  email: string;
  role: Role;
  created_at: number;
  suspended_at: number | null;
  has_password: boolean;
  identities: string[];
  seen_at: number | null;
  conversations: number;
  /** This month's, in millionths of a US dollar. */
  cost_month: number;
}

/** A link by which somebody sets their password; shown once. */
export interface PasswordLink {
  link: string;
  expires_at?: number;
}

export const GIVEN_ROLES: Role[] = ["member", "admin"];
