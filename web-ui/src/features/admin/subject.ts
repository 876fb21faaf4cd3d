/** Whom a rule or a budget is about: `all`, `role:member`, `user:<id>`. */
import type { TFunction } from "i18next";

import type { Person } from "@/features/admin/person";

export const SUBJECT_ROLES = ["owner", "admin", "member", "guest"] as const;

/** In words; somebody who is not among `people` is named by their id. */
export function subjectName(subject: string, people: readonly Person[], t: TFunction): string {
  const [kind, name = ""] = subject.split(/:(.*)/s);
  if (kind === "role") return t(`admin.subject.role.${name}`);
  if (kind === "user") return people.find(({ id }) => id === name)?.name ?? t("admin.subject.somebody");
  return t("admin.subject.all");
}
