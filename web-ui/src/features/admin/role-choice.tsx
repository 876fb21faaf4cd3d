import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import type { Person } from "@/features/admin/person";
import { GIVEN_ROLES } from "@/features/admin/person";
import { SelectField } from "@/shared/form/select-field";
import { useMe } from "@/shared/data/me";
import { showToast } from "@/shared/ui/toasts";

/** A person's role: changed in its place, unless it is the owner's, one's own or a guest's. */
export function RoleChoice({ person }: { person: Person }) {
  const { t } = useTranslation();
  const me = useMe(({ id }) => id);
  const { mutate, isPending } = useAdminChange("users");
  const isFixed = person.role === "owner" || person.role === "guest" || person.id === me;
  if (isFixed) return t(`admin.role.${person.role}`);
  return (
    <SelectField
      bare
      label={t("admin.people.role_of", { name: person.name })}
      value={person.role}
      disabled={isPending}
      options={GIVEN_ROLES.map((role) => ({ value: role, label: t(`admin.role.${role}`) }))}
      onChange={(role) =>
        mutate(
          { method: "PATCH", steps: [person.id], body: { role } },
          {
            onSuccess: () => showToast(t("admin.people.role_changed", { name: person.name, role: t(`admin.role.${role}`) })),
            onError: (error) => showToast(error.message),
          },
        )
      }
      className="md:-my-1.5 min-w-28"
    />
  );
}
