import type { TFunction, i18n as I18n } from "i18next";

import type { Person } from "@/features/admin/person";
import { subjectName } from "@/features/admin/subject";
import { count, money } from "@/shared/amounts/amounts";
import { dateOf } from "@/shared/time/ago";

export interface AuditEntry {
  id: string;
  at: number;
  actor_id: string;
  actor_name: string;
  action: string;
  target: string;
  address: string;
  detail: Record<string, unknown>;
}

/** How actions begin: one can look at one kind at a time. */
export const AUDIT_GROUPS = [
  "session",
  "user",
  "password",
  "invitation",
  "key",
  "identity",
  "provider",
  "rule",
  "budget",
  "price",
  "setting",
  "owner",
] as const;

/** In words where there are words for it; a new kind of action is shown as the server calls it. */
export function actionName(action: string, t: TFunction, i18n: Pick<I18n, "exists">): string {
  const key = `admin.audit.actions.${action.replaceAll(".", "_")}`;
  return i18n.exists(key) ? t(key) : action.replaceAll(".", " ").replaceAll("_", " ");
}

/** Whom or what it was done to; subjects of rules and budgets in words. */
export function targetName(target: string, people: readonly Person[], t: TFunction): string {
  return /^(all|(role|user):.+)$/.test(target) ? subjectName(target, people, t) : target;
}

const ID = /^[0-9a-hjkmnp-tv-z]{26}$/;

/** `role: member, via: password`; ids say nothing to people. */
export function detailText(detail: Record<string, unknown>, language: string): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "" && !ID.test(String(value)))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${say(name, value, language)}`)
    .join(", ");
}

function say(name: string, value: unknown, language: string): string {
  if (typeof value === "number" && name.endsWith("_at")) return dateOf(value, language);
  if (typeof value === "number") return name.endsWith("cost") ? money(value, language) : count(value, language);
  return String(value);
}
