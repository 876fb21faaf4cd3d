import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import { RowAction } from "@/shared/table/row-action";
import { showToast } from "@/shared/ui/toasts";

interface RemoveActionProps {
  noun: string;
  steps: string[];
  /** What is removed, for who does not see the row. */
  name: string;
}

/** Takes a row away that can be entered again in a moment: without asking. */
export function RemoveAction({ noun, steps, name }: RemoveActionProps) {
  const { t } = useTranslation();
  const { mutate, isPending } = useAdminChange(noun);
  return (
    <RowAction
      danger
      disabled={isPending}
      aria-label={t("admin.remove_named", { name })}
      onClick={() => mutate({ method: "DELETE", steps }, { onError: (error) => showToast(error.message) })}
      className="-mr-2 md:-my-1"
    >
      {t("admin.remove")}
    </RowAction>
  );
}
